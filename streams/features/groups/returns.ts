/** How far the close has moved: returns, log returns, their lags, acceleration, rate of change. */
import { Lags } from '../../indicators/lags.ts'
import { blockLength, series } from '../block.ts'
import { forModels, type MakeGroup } from '../feature.ts'

const windows = [1, 3, 5, 15, 60, 240, 1440]
const lags = [1, 3, 5, 15]
const accelerations = [1, 5, 15]
const rates = [10, 30]

export const returns: MakeGroup = (layout) => {
  const closes = new Lags(layout, 1440, blockLength)
  const logs = new Lags(layout, 1440, blockLength)
  const before = series()
  const earlier = series()
  return {
    features: [
      ...windows.map((w) =>
        forModels(`return_${w}`, w + 1, `Close over the close ${w} candles ago, less 1.`),
      ),
      ...windows.map((w) =>
        forModels(
          `log_return_${w}`,
          w + 1,
          `Logarithm of the close over the close ${w} candles ago.`,
        ),
      ),
      ...lags.map((w) =>
        forModels(`log_return_1_lag_${w}`, w + 2, `log_return_1 as it was ${w} candles ago.`),
      ),
      ...accelerations.map((w) =>
        forModels(
          `acceleration_${w}`,
          2 * w + 1,
          `log_return_${w} less what it was ${w} candles ago.`,
        ),
      ),
      ...rates.map((w) =>
        forModels(
          `rate_of_change_${w}`,
          w + 1,
          `Change of the close over ${w} candles, in per cent.`,
        ),
      ),
    ],
    run(s, { length: n, close, logClose }, rows, to, width) {
      closes.push(s, close, n)
      logs.push(s, logClose, n)
      for (let i = 0; i < windows.length; i++) {
        closes.read(s, windows[i]!, n, before)
        logs.read(s, windows[i]!, n, earlier)
        let at = to + i
        for (let j = 0; j < n; j++, at += width) {
          rows[at] = close[j]! / before[j]! - 1
          rows[at + windows.length] = logClose[j]! - earlier[j]!
        }
      }
      let first = to + 2 * windows.length
      for (const lag of lags) {
        logs.read(s, lag, n, before)
        logs.read(s, lag + 1, n, earlier)
        let at = first++
        for (let j = 0; j < n; j++, at += width) rows[at] = before[j]! - earlier[j]!
      }
      for (const lag of accelerations) {
        logs.read(s, lag, n, before)
        logs.read(s, 2 * lag, n, earlier)
        let at = first++
        for (let j = 0; j < n; j++, at += width) {
          rows[at] = logClose[j]! - before[j]! - (before[j]! - earlier[j]!)
        }
      }
      for (const lag of rates) {
        closes.read(s, lag, n, before)
        let at = first++
        for (let j = 0; j < n; j++, at += width) rows[at] = (close[j]! / before[j]! - 1) * 100
      }
    },
  }
}
