/** Which way volume flowed and at what prices: on-balance volume, VWAP. Needs the sums of the volume group. */
import { Obv } from '../../indicators/obv.ts'
import { RollingSum } from '../../indicators/rolling-sum.ts'
import { series } from '../block.ts'
import { forModels, forPeople, type MakeGroup } from '../feature.ts'

export const flow: MakeGroup = (layout, { perDay }) => {
  const obv = new Obv(layout)
  const signed15 = new RollingSum(layout, 15)
  const signed60 = new RollingSum(layout, 60)
  const turnover60 = new RollingSum(layout, 60)
  const turnoverDay = new RollingSum(layout, perDay)
  const balance = series()
  const signed = series()
  const balance15 = series()
  const balance60 = series()
  const paid60 = series()
  const paidDay = series()
  return {
    features: [
      {
        ...forPeople(
          'obv',
          1,
          'On-balance volume: volume signed by the direction of the close, summed since the engine began or last met a gap.',
        ),
        cumulative: true,
      },
      ...[15, 60].map((w) =>
        forModels(
          `obv_slope_${w}`,
          w + 1,
          `Change of on-balance volume over ${w} candles, over the volume traded in them: -1 to 1.`,
        ),
      ),
      forPeople(
        'vwap_60',
        60,
        'Mean of (high + low + close) / 3 over 60 candles, weighted by volume; the close when there is none.',
      ),
      forModels('close_to_vwap_60', 60, 'Close over vwap_60, less 1.'),
      forPeople('vwap_24h', perDay, 'The same over the candles of 24 h.'),
      forModels('close_to_vwap_24h', perDay, 'Close over vwap_24h, less 1.'),
    ],
    run(s, block, rows, to, width) {
      const { length: n, close, volume, turnover, volume15, volume60, volumeDay } = block
      obv.run(s, close, volume, n, balance, signed)
      signed15.run(s, signed, n, balance15)
      signed60.run(s, signed, n, balance60)
      turnover60.run(s, turnover, n, paid60)
      turnoverDay.run(s, turnover, n, paidDay)
      let at = to
      for (let j = 0; j < n; j++, at += width) {
        const vwap60 = volume60[j]! > 0 ? paid60[j]! / volume60[j]! : close[j]!
        const vwapDay = volumeDay[j]! > 0 ? paidDay[j]! / volumeDay[j]! : close[j]!
        rows[at] = balance[j]!
        rows[at + 1] = volume15[j]! > 0 ? balance15[j]! / volume15[j]! : 0
        rows[at + 2] = volume60[j]! > 0 ? balance60[j]! / volume60[j]! : 0
        rows[at + 3] = vwap60
        rows[at + 4] = close[j]! / vwap60 - 1
        rows[at + 5] = vwapDay
        rows[at + 6] = close[j]! / vwapDay - 1
      }
    },
  }
}
