/** Where the close stands against its simple and exponential averages. */
import { Ema, emaLengths } from '../../indicators/ema.ts'
import type { Series } from '../../indicators/layout.ts'
import { RollingMean } from '../../indicators/rolling-sum.ts'
import { series } from '../block.ts'
import { forModels, forPeople, type MakeGroup } from '../feature.ts'

const windows = [7, 14, 21, 60]

export const averages: MakeGroup = (layout) => {
  const simple = windows.map((w) => new RollingMean(layout, w))
  const exponential = windows.map((w) => new Ema(layout, w))
  const average = series()
  return {
    features: [
      ...windows.flatMap((w) => [
        forPeople(`sma_${w}`, w, `Mean close of ${w} candles.`),
        forModels(`close_to_sma_${w}`, w, `Close over sma_${w}, less 1.`),
      ]),
      ...windows.flatMap((w) => [
        forPeople(
          `ema_${w}`,
          w * emaLengths,
          `Exponential average of the close, α = 2 / ${w + 1}, seeded with the mean of ${w}.`,
        ),
        forModels(`close_to_ema_${w}`, w * emaLengths, `Close over ema_${w}, less 1.`),
      ]),
    ],
    run(s, { length: n, close }, rows, to, width) {
      let first = to
      for (const indicator of simple) {
        indicator.run(s, close, n, average)
        writeAgainst(close, average, n, rows, first, width)
        first += 2
      }
      for (const indicator of exponential) {
        indicator.run(s, close, n, average)
        writeAgainst(close, average, n, rows, first, width)
        first += 2
      }
    },
  }
}

function writeAgainst(
  close: Series,
  average: Series,
  n: number,
  rows: Float64Array,
  to: number,
  width: number,
): void {
  let at = to
  for (let j = 0; j < n; j++, at += width) {
    rows[at] = average[j]!
    rows[at + 1] = close[j]! / average[j]! - 1
  }
}
