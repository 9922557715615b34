/** Candles through an engine into the rows of one matrix, a block at a time: the numbers are those of one by one. */
import { type CandleColumns, candleColumns, type StatedBar, setCandle } from './columns.ts'
import type { FeatureEngine, Rows } from './engine.ts'

/** Candles and their rows, filled again and again: what is read of it must be copied or used before the next filling. */
export class RowBlock implements Rows {
  readonly capacity: number
  readonly width: number
  readonly candles: CandleColumns
  readonly values: Float64Array
  readonly whole: Int32Array
  readonly afterGap: Uint8Array
  length = 0

  constructor(width: number, capacity: number) {
    this.capacity = capacity
    this.width = width
    this.candles = candleColumns(capacity)
    this.values = new Float64Array(width * capacity)
    this.whole = new Int32Array(capacity)
    this.afterGap = new Uint8Array(capacity)
  }

  /** Steps the engine through these candles, from `from` on; answers how many of them fitted. */
  fill(engine: FeatureEngine, candles: readonly StatedBar[], from = 0): number {
    const n = Math.min(this.capacity, candles.length - from)
    for (let i = 0; i < n; i++) setCandle(this.candles, i, candles[from + i]!)
    engine.run(this.candles, 0, n, this, 0)
    this.length = n
    return n
  }

  /** The values of one row, as a view. */
  row(i: number): Float64Array {
    return this.values.subarray(i * this.width, (i + 1) * this.width)
  }
}
