/**
 * The newest feature rows of one coin, in one block of memory, so that a model's window is read without asking the store.
 * Rows are consecutive candles; older ones are overwritten.
 */
import assert from 'node:assert/strict'
import { type CandleState, candleStates } from '../../streams/candles/candle.ts'
import type { CandleColumns } from '../../streams/features/columns.ts'
import type { FeatureEngine } from '../../streams/features/engine.ts'
import type { FeatureRow } from '../../streams/features/row.ts'
import type { Millis } from '../../streams/time.ts'

export interface RingRow extends FeatureRow {
  /** Wall time at which the candle's close fell. */
  readonly dueAt: Millis
}

export class FeatureRing {
  readonly columns: number
  readonly capacity: number
  readonly intervalMs: Millis
  readonly #values: Float64Array
  readonly #whole: Int32Array
  readonly #afterGap: Uint8Array
  readonly #dueAt: Float64Array
  readonly #states: CandleState[]
  readonly #made = new Map<string, unknown>()
  #length = 0
  #end: Millis | undefined

  constructor(columns: number, capacity: number, intervalMs: Millis) {
    this.columns = columns
    this.capacity = capacity
    this.intervalMs = intervalMs
    this.#values = new Float64Array(columns * capacity)
    this.#whole = new Int32Array(capacity)
    this.#afterGap = new Uint8Array(capacity)
    this.#dueAt = new Float64Array(capacity)
    this.#states = Array.from({ length: capacity }, () => 'missing')
  }

  /** Opening of the oldest row held; undefined while empty. */
  get from(): Millis | undefined {
    return this.#end === undefined ? undefined : this.#end - this.#length * this.intervalMs
  }

  /** Opening of the next row that will come. */
  get to(): Millis | undefined {
    return this.#end
  }

  /** Adds the next row, or writes one again; `fill` puts its numbers in place and says how whole it is. */
  write(
    row: { readonly openAt: Millis; readonly state: CandleState; readonly dueAt: Millis },
    fill: (values: Float64Array) => { readonly whole: number; readonly after: 'start' | 'gap' },
  ): void {
    this.#made.clear()
    const isNext = this.#end === undefined || row.openAt === this.#end
    assert.ok(isNext || this.has(row.openAt, row.openAt + this.intervalMs), 'rows are consecutive')
    const slot = this.#slot(row.openAt)
    const start = slot * this.columns
    const { whole, after } = fill(this.#values.subarray(start, start + this.columns))
    this.#whole[slot] = whole
    this.#afterGap[slot] = after === 'gap' ? 1 : 0
    this.#states[slot] = row.state
    if (isNext) this.#grow(row.openAt, slot, row.dueAt)
  }

  /** Adds the rows of the next candles as the engine makes them, straight into place: a third of the cost of one by one. */
  run(
    engine: FeatureEngine,
    candles: CandleColumns,
    length: number,
    /** By the candle's place among these. */
    dueAt: (i: number) => Millis,
  ): void {
    this.#made.clear()
    const rows = { values: this.#values, whole: this.#whole, afterGap: this.#afterGap }
    for (let i = 0; i < length; ) {
      const slot = this.#slot(candles.openAt[i] as number)
      const until = Math.min(length, i + this.capacity - slot)
      engine.run(candles, i, until, rows, slot)
      for (let at = slot; i < until; i++, at++) {
        const openAt = candles.openAt[i] as number
        assert.ok(this.#end === undefined || openAt === this.#end, 'rows are consecutive')
        this.#states[at] = candleStates[candles.state[i] as number] as CandleState
        this.#grow(openAt, at, dueAt(i))
      }
    }
  }

  has(from: Millis, to: Millis): boolean {
    const oldest = this.from
    return oldest !== undefined && this.#end !== undefined && from >= oldest && to <= this.#end
  }

  /** The row itself, its values a view that later rows will overwrite. */
  at(openAt: Millis): RingRow | undefined {
    if (!this.has(openAt, openAt + this.intervalMs)) return undefined
    const slot = this.#slot(openAt)
    const start = slot * this.columns
    return {
      openAt,
      state: this.#states[slot] as CandleState,
      dueAt: this.#dueAt[slot] as number,
      whole: this.#whole[slot] as number,
      after: this.#afterGap[slot] === 1 ? 'gap' : 'start',
      values: this.#values.subarray(start, start + this.columns),
    }
  }

  /** What somebody makes of the rows as they are now, made once for all who ask under that key until a row is written. */
  once<T>(key: string, make: () => T): T {
    if (!this.#made.has(key)) this.#made.set(key, make())
    return this.#made.get(key) as T
  }

  /** Writes some columns of a row that is held into `out`; false where one of the numbers is not there. */
  pick(openAt: Millis, columns: readonly number[], out: Float32Array, offset: number): boolean {
    assert.ok(this.has(openAt, openAt + this.intervalMs), 'the row is held')
    const values = this.#values
    const start = this.#slot(openAt) * this.columns
    let isWhole = true
    for (let i = 0; i < columns.length; i++) {
      const value = values[start + (columns[i] as number)] as number
      if (!Number.isFinite(value)) isWhole = false
      out[offset + i] = value
    }
    return isWhole
  }

  #grow(openAt: Millis, slot: number, dueAt: Millis): void {
    this.#dueAt[slot] = dueAt
    this.#end = openAt + this.intervalMs
    this.#length = Math.min(this.capacity, this.#length + 1)
  }

  #slot(openAt: Millis): number {
    return (openAt / this.intervalMs) % this.capacity
  }
}
