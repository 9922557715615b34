/** Realised volatility, and how steady it has been. */
import { RollingDeviation } from '../../indicators/rolling-deviation.ts'
import { RollingSum } from '../../indicators/rolling-sum.ts'
import { series } from '../block.ts'
import { forModels, type MakeGroup } from '../feature.ts'

const windows = [15, 60, 240]

export const volatility: MakeGroup = (layout) => {
  const squares = windows.map((w) => new RollingSum(layout, w))
  const spreads = windows.map((w) => new RollingDeviation(layout, w))
  const square = series()
  const realised = series()
  const mean = series()
  const deviation = series()
  return {
    features: windows.flatMap((w) => [
      forModels(
        `realised_volatility_${w}`,
        w + 1,
        `Square root of the sum of the squares of log_return_1 over ${w} candles.`,
      ),
      forModels(
        `realised_volatility_variation_${w}`,
        2 * w,
        `Coefficient of variation of realised_volatility_${w} over ${w} candles: deviation over mean; 0 when nothing has moved.`,
      ),
    ]),
    run(s, { length: n, logReturn }, rows, to, width) {
      for (let j = 0; j < n; j++) square[j] = logReturn[j]! * logReturn[j]!
      for (let i = 0; i < windows.length; i++) {
        squares[i]!.run(s, square, n, realised)
        for (let j = 0; j < n; j++) realised[j] = Math.sqrt(realised[j]!)
        spreads[i]!.run(s, realised, n, mean, deviation)
        let at = to + 2 * i
        for (let j = 0; j < n; j++, at += width) {
          rows[at] = realised[j]!
          rows[at + 1] = mean[j]! > 0 ? deviation[j]! / mean[j]! : 0
        }
      }
    },
  }
}
