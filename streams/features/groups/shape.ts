/** The candle's own shape, the ranges that the latest candles span, and the average true range. */
import { Atr } from '../../indicators/atr.ts'
import { RollingRange } from '../../indicators/rolling-range.ts'
import { wilderLengths } from '../../indicators/rsi.ts'
import { type Block, series } from '../block.ts'
import { forModels, forPeople, type MakeGroup } from '../feature.ts'

const windows = [15, 60, 240, 1440]

export const shape: MakeGroup = (layout) => {
  const ranges = windows.map((w) => new RollingRange(layout, w))
  const atr = new Atr(layout, 14)
  const highest = series()
  const lowest = series()
  const average = series()
  return {
    features: [
      forModels('candle_range', 1, 'High less low, over the close.'),
      forModels('candle_body', 1, 'Close less open, over the close.'),
      forModels('upper_wick', 1, 'High less the higher of open and close, over the close.'),
      forModels('lower_wick', 1, 'The lower of open and close less the low, over the close.'),
      forModels(
        'close_position',
        1,
        'Where the close lies between low (0) and high (1); 0.5 when they are equal.',
      ),
      forModels(
        'true_range',
        2,
        'The widest of high less low and the distances of both from the previous close, over the close.',
      ),
      ...windows.map((w) =>
        forModels(`range_${w}`, w, `Highest high less lowest low of ${w} candles, over the close.`),
      ),
      ...windows.map((w) =>
        forModels(
          `range_position_${w}`,
          w,
          `Where the close lies between the lowest low (0) and the highest high (1) of ${w} candles; 0.5 when they are equal.`,
        ),
      ),
      forPeople('atr_14', 14 * wilderLengths, "Average true range, Wilder's, over 14 candles."),
      forModels('atr_ratio_14', 14 * wilderLengths, 'atr_14 over the close.'),
    ],
    run(s, block, rows, to, width) {
      writeShapes(block, rows, to, width)
      const { length: n, high, low, close, trueRange } = block
      let first = to + 6
      for (const range of ranges) {
        range.run(s, high, low, n, highest, lowest)
        let at = first++
        for (let j = 0; j < n; j++, at += width) {
          const span = highest[j]! - lowest[j]!
          rows[at] = span / close[j]!
          rows[at + ranges.length] = span > 0 ? (close[j]! - lowest[j]!) / span : 0.5
        }
      }
      atr.run(s, trueRange, n, average)
      let at = first + ranges.length
      for (let j = 0; j < n; j++, at += width) {
        rows[at] = average[j]!
        rows[at + 1] = average[j]! / close[j]!
      }
    },
  }
}

function writeShapes(block: Block, rows: Float64Array, to: number, width: number): void {
  const { length: n, open, high, low, close, trueRange } = block
  let at = to
  for (let j = 0; j < n; j++, at += width) {
    const inverse = 1 / close[j]!
    const span = high[j]! - low[j]!
    const rose = close[j]! > open[j]!
    const upper = rose ? close[j]! : open[j]!
    const lower = rose ? open[j]! : close[j]!
    rows[at] = span * inverse
    rows[at + 1] = (close[j]! - open[j]!) * inverse
    rows[at + 2] = (high[j]! - upper) * inverse
    rows[at + 3] = (lower - low[j]!) * inverse
    rows[at + 4] = span > 0 ? (close[j]! - low[j]!) / span : 0.5
    rows[at + 5] = trueRange[j]! * inverse
  }
}
