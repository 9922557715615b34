/**
 * What a model sees at one closed candle. `values` follows the feature set's order. A column is whole at this row when
 * `whole` is at least its warm-up: `whole` counts the consecutive candles, this one included, since the engine started or
 * last met a `missing` candle, and `after` says which of the two it was.
 */
import type { CandleState } from '../candles/candle.ts'
import type { Millis } from '../time.ts'

export interface FeatureRow {
  readonly openAt: Millis
  readonly state: CandleState
  readonly whole: number
  readonly after: 'start' | 'gap'
  /** NaN where a column is not whole, or its source does not tell it. */
  readonly values: Float64Array
}
