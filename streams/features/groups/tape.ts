/**
 * Who traded and how often, where the source tells: the takers' share, the number of trades and their size. A window
 * that holds a candle whose source did not tell is NaN, and is whole again when that candle has left it. Needs the sums
 * of the volume group.
 */
import { RollingSum } from '../../indicators/rolling-sum.ts'
import { series } from '../block.ts'
import { forModels, forPeople, type MakeGroup } from '../feature.ts'

export const tape: MakeGroup = (layout) => {
  const taker15 = new RollingSum(layout, 15)
  const taker60 = new RollingSum(layout, 60)
  const trades15 = new RollingSum(layout, 15)
  const trades60 = new RollingSum(layout, 60)
  const bought15 = series()
  const bought60 = series()
  const count15 = series()
  const count60 = series()
  return {
    features: [
      forModels(
        'taker_share',
        1,
        'Share of the volume that takers bought; 0.5 when there is none.',
        'takerBuyVolume',
      ),
      ...[15, 60].map((w) =>
        forModels(
          `taker_share_${w}`,
          w,
          `Share of the volume of ${w} candles that takers bought; 0.5 when there is none.`,
          'takerBuyVolume',
        ),
      ),
      forPeople('trade_count', 1, 'Number of trades.', 'trades'),
      ...[15, 60].map((w) =>
        forModels(
          `trade_count_ratio_${w}`,
          w,
          `Number of trades over its mean of ${w} candles; 1 when that is 0.`,
          'trades',
        ),
      ),
      forModels(
        'trade_size_ratio_60',
        60,
        'Volume per trade over the volume per trade of 60 candles; 1 when there are no trades.',
        'trades',
      ),
    ],
    run(s, block, rows, to, width) {
      const { length: n, volume, takerBuyVolume, trades, volume15, volume60 } = block
      taker15.run(s, takerBuyVolume, n, bought15)
      taker60.run(s, takerBuyVolume, n, bought60)
      trades15.run(s, trades, n, count15)
      trades60.run(s, trades, n, count60)
      let at = to
      for (let j = 0; j < n; j++, at += width) {
        rows[at] = shareOf(takerBuyVolume[j]!, volume[j]!)
        rows[at + 1] = shareOf(bought15[j]!, volume15[j]!)
        rows[at + 2] = shareOf(bought60[j]!, volume60[j]!)
        rows[at + 3] = trades[j]!
        rows[at + 4] = count15[j] === 0 ? 1 : (15 * trades[j]!) / count15[j]!
        rows[at + 5] = count60[j] === 0 ? 1 : (60 * trades[j]!) / count60[j]!
        const part = volume[j]! * count60[j]!
        const whole = volume60[j]! * trades[j]!
        rows[at + 6] = whole === 0 ? 1 : part / whole
      }
    },
  }
}

/** NaN stays NaN where there is no volume at all. */
function shareOf(part: number, whole: number): number {
  return whole > 0 ? part / whole : part + 0.5
}
