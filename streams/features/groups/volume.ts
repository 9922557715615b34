/** How much was traded: log volumes, their averages, changes and ratios. Leaves its sums for the groups after it. */
import { Lags } from '../../indicators/lags.ts'
import type { Series } from '../../indicators/layout.ts'
import { RollingDeviation } from '../../indicators/rolling-deviation.ts'
import { RollingMean, RollingSum } from '../../indicators/rolling-sum.ts'
import { blockLength, series } from '../block.ts'
import { forModels, forPeople, type MakeGroup } from '../feature.ts'

const windows = [5, 15, 30, 60]
const lags = [1, 3, 5, 15]

export const volume: MakeGroup = (layout, { perHour, perDay }) => {
  const sums = windows.map((w) => new RollingSum(layout, w))
  const logMeans = windows.map((w) => new RollingMean(layout, w))
  const deviation = new RollingDeviation(layout, 60)
  const hour = new RollingSum(layout, perHour)
  const day = new RollingSum(layout, perDay)
  const volumes = new Lags(layout, lags.at(-1)! + 1, blockLength)
  const hours = new Lags(layout, perDay, blockLength)
  const log = series()
  const mean = series()
  const spread = series()
  const before = series()
  const earlier = series()
  const hourly = series()
  return {
    features: [
      forPeople('log_volume', 1, 'Logarithm of 1 + volume in base units.'),
      ...windows.map((w) =>
        forPeople(`log_volume_mean_${w}`, w, `Mean of log_volume over ${w} candles.`),
      ),
      ...windows.map((w) =>
        forModels(
          `log_volume_ratio_${w}`,
          w,
          `ln((1 + v) / 2), v being volume over its mean of ${w} candles (1 when that is 0): 0 at the average.`,
        ),
      ),
      forModels(
        'volume_zscore_60',
        60,
        'Volume less its mean of 60 candles, over its deviation; 0 when it has not changed.',
      ),
      forModels(
        'volume_change_1',
        2,
        'Volume less the previous volume, over their sum: -1 to 1; 0 when both are 0.',
      ),
      ...lags.map((w) =>
        forModels(`volume_change_1_lag_${w}`, w + 2, `volume_change_1 as it was ${w} candles ago.`),
      ),
      forModels(
        'volume_change_24h',
        perHour + perDay,
        "The last hour's volume less that of the same hour 24 h ago, over their sum.",
      ),
      forModels(
        'volume_ratio_24h',
        perDay,
        'Volume over the mean volume of the candles of 24 h; 1 when that is 0.',
      ),
      forModels(
        'hour_volume_ratio_24h',
        perDay,
        "The last hour's volume over the mean volume of an hour in 24 h; 1 when that is 0.",
      ),
    ],
    run(s, block, rows, to, width) {
      const { length: n, volume, volume15, volume60, volumeDay } = block
      for (let j = 0; j < n; j++) log[j] = Math.log1p(volume[j]!)
      for (let i = 0; i < windows.length; i++) {
        const w = windows[i]!
        const sum = w === 15 ? volume15 : w === 60 ? volume60 : earlier
        logMeans[i]!.run(s, log, n, mean)
        sums[i]!.run(s, volume, n, sum)
        let at = to
        for (let j = 0; j < n; j++, at += width) {
          rows[at] = log[j]!
          rows[at + 1 + i] = mean[j]!
          rows[at + 5 + i] = sum[j]! > 0 ? Math.log(0.5 + (0.5 * volume[j]! * w) / sum[j]!) : 0
        }
      }
      deviation.run(s, volume, n, mean, spread)
      let at = to + 9
      for (let j = 0; j < n; j++, at += width) {
        rows[at] = spread[j]! > 0 ? (volume[j]! - mean[j]!) / spread[j]! : 0
      }
      volumes.push(s, volume, n)
      for (let i = 0; i < lags.length; i++) {
        volumes.read(s, lags[i]!, n, before)
        volumes.read(s, lags[i]! + 1, n, earlier)
        writeChanges(before, earlier, n, rows, to + 11 + i, width)
        if (lags[i] === 1) writeChanges(volume, before, n, rows, to + 10, width)
      }
      hour.run(s, volume, n, hourly)
      hours.push(s, hourly, n)
      hours.read(s, perDay, n, before)
      writeChanges(hourly, before, n, rows, to + 15, width)
      day.run(s, volume, n, volumeDay)
      at = to + 16
      for (let j = 0; j < n; j++, at += width) {
        const sum = volumeDay[j]!
        rows[at] = sum > 0 ? (volume[j]! * perDay) / sum : 1
        rows[at + 1] = sum > 0 ? (hourly[j]! * 24) / sum : 1
      }
    },
  }
}

/** Free of scale, between -1 and 1, and told for zeroes too. */
function writeChanges(
  now: Series,
  before: Series,
  n: number,
  rows: Float64Array,
  to: number,
  width: number,
): void {
  let at = to
  for (let j = 0; j < n; j++, at += width) {
    const both = now[j]! + before[j]!
    rows[at] = both > 0 ? (now[j]! - before[j]!) / both : 0
  }
}
