/**
 * Trades travel in bundles of columns: an object per trade costs five to ten times as much as the fold itself.
 * A trade is identified by `(at, id)` within its coin, and a candle folds its trades in that order.
 */
import type { Millis } from './time.ts'

export interface Trades {
  readonly length: number
  /** Exchange time, milliseconds. */
  readonly at: Float64Array
  /** The exchange's own number, or 52 bits of a hash of its name where it is not a number. */
  readonly id: Float64Array
  readonly price: Float64Array
  /** In base units. */
  readonly size: Float64Array
  /** 1 when the taker bought, -1 when the taker sold, 0 when the source does not say. */
  readonly side: Int8Array
}

export interface Trade {
  readonly at: Millis
  readonly id: number
  readonly price: number
  readonly size: number
  readonly side: -1 | 0 | 1
}
