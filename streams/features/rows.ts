/**
 * Candles through an engine into rows: in blocks of one matrix for backfill, replay and training, and one by one for the
 * live path. The numbers are the same; only a live row has an array of its own.
 */
import { map, type OperatorFunction } from 'rxjs'
import { type CandleColumns, candleColumns, type StatedBar, setCandle } from './columns.ts'
import type { FeatureEngine, Rows } from './engine.ts'
import type { FeatureRow } from './row.ts'

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

/** The rows of pages of candles, in one block that is filled anew each time. */
export async function* rowBlocks(
  engine: FeatureEngine,
  pages: AsyncIterable<readonly StatedBar[]>,
  capacity = 1024,
): AsyncGenerator<RowBlock> {
  const block = new RowBlock(engine.set.columns.length, capacity)
  for await (const page of pages) {
    for (let from = 0; from < page.length; ) {
      from += block.fill(engine, page, from)
      yield block
    }
  }
}

export function rowOf(engine: FeatureEngine, candle: StatedBar): FeatureRow {
  const values = new Float64Array(engine.set.columns.length)
  engine.step(candle, values)
  const { whole, after } = engine
  return { openAt: candle.openAt, state: candle.state, whole, after, values }
}

/** The live path: a row for each closed candle, from one engine. */
export function toRows(engine: FeatureEngine): OperatorFunction<StatedBar, FeatureRow> {
  return map((candle) => rowOf(engine, candle))
}
