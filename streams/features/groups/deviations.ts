/** Rolling mean and deviation of the close and of its returns, and Bollinger bands. */
import { Bollinger } from '../../indicators/bollinger.ts'
import { RollingDeviation } from '../../indicators/rolling-deviation.ts'
import { series } from '../block.ts'
import { forModels, forPeople, type MakeGroup } from '../feature.ts'

const windows = [5, 15, 30, 60]

export const deviations: MakeGroup = (layout) => {
  const closes = windows.map((w) => new RollingDeviation(layout, w))
  const returns = windows.map((w) => new RollingDeviation(layout, w))
  const bollinger = new Bollinger(layout, 20, 2)
  const mean = series()
  const deviation = series()
  const upper = series()
  const lower = series()
  return {
    features: [
      ...windows.flatMap((w) => [
        forPeople(`mean_${w}`, w, `Mean close of ${w} candles.`),
        forPeople(`deviation_${w}`, w, `Population deviation of the close over ${w} candles.`),
        forModels(`close_to_mean_${w}`, w, `Close over mean_${w}, less 1.`),
        forModels(`deviation_ratio_${w}`, w, `deviation_${w} over mean_${w}.`),
        forModels(
          `close_zscore_${w}`,
          w,
          `Close less mean_${w}, over deviation_${w}; 0 when the close has not moved.`,
        ),
      ]),
      ...windows.flatMap((w) => [
        forModels(`return_mean_${w}`, w + 1, `Mean of log_return_1 over ${w} candles.`),
        forModels(
          `return_deviation_${w}`,
          w + 1,
          `Population deviation of log_return_1 over ${w} candles.`,
        ),
      ]),
      forPeople('bollinger_upper', 20, 'Mean close of 20 candles and two deviations above it.'),
      forPeople('bollinger_middle', 20, 'Mean close of 20 candles.'),
      forPeople('bollinger_lower', 20, 'Mean close of 20 candles and two deviations below it.'),
      forModels('bollinger_width', 20, 'Upper less lower band, over the middle.'),
      forModels(
        'bollinger_position',
        20,
        'Where the close lies between the lower (0) and the upper band (1); 0.5 when they are equal.',
      ),
    ],
    run(s, block, rows, to, width) {
      const { length: n, close, logReturn } = block
      let first = to
      for (const indicator of closes) {
        indicator.run(s, close, n, mean, deviation)
        let at = first
        for (let j = 0; j < n; j++, at += width) {
          const inverse = 1 / mean[j]!
          const off = close[j]! - mean[j]!
          rows[at] = mean[j]!
          rows[at + 1] = deviation[j]!
          rows[at + 2] = off * inverse
          rows[at + 3] = deviation[j]! * inverse
          rows[at + 4] = deviation[j]! > 0 ? off / deviation[j]! : 0
        }
        first += 5
      }
      for (const indicator of returns) {
        indicator.run(s, logReturn, n, mean, deviation)
        let at = first
        for (let j = 0; j < n; j++, at += width) {
          rows[at] = mean[j]!
          rows[at + 1] = deviation[j]!
        }
        first += 2
      }
      bollinger.run(s, close, n, upper, mean, lower)
      let at = first
      for (let j = 0; j < n; j++, at += width) {
        const span = upper[j]! - lower[j]!
        rows[at] = upper[j]!
        rows[at + 1] = mean[j]!
        rows[at + 2] = lower[j]!
        rows[at + 3] = span / mean[j]!
        rows[at + 4] = span > 0 ? (close[j]! - lower[j]!) / span : 0.5
      }
    },
  }
}
