/**
 * The newest feature rows of one coin, in one block of memory, so that a model's window is read without asking the store.
 * Rows are consecutive candles; older ones are overwritten.
 */
import assert from 'node:assert/strict'
import type { CandleState } from '../streams/candles/candle.ts'
import type { FeatureRow } from '../streams/features/row.ts'
import type { Millis } from '../streams/time.ts'

interface RowInfo {
  readonly openAt: Millis
  readonly state: CandleState
  readonly dueAt: Millis
  whole: number
  after: 'start' | 'gap'
}

export interface RingRow extends FeatureRow {
  /** Wall time at which the candle's close fell. */
  readonly dueAt: Millis
}

export class FeatureRing {
  readonly columns: number
  readonly capacity: number
  readonly intervalMs: Millis
  readonly #values: Float64Array
  readonly #rows: RowInfo[] = []
  #end: Millis | undefined

  constructor(columns: number, capacity: number, intervalMs: Millis) {
    this.columns = columns
    this.capacity = capacity
    this.intervalMs = intervalMs
    this.#values = new Float64Array(columns * capacity)
  }

  /** Opening of the oldest row held; undefined while empty. */
  get from(): Millis | undefined {
    return this.#end === undefined ? undefined : this.#end - this.#rows.length * this.intervalMs
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
    const from = this.from
    const isNext = this.#end === undefined || row.openAt === this.#end
    assert.ok(
      isNext || (from !== undefined && row.openAt >= from && row.openAt < (this.#end as Millis)),
      'rows are consecutive',
    )
    const start = this.#slot(row.openAt) * this.columns
    const filled = fill(this.#values.subarray(start, start + this.columns))
    const info = { openAt: row.openAt, state: row.state, dueAt: row.dueAt, ...filled }
    if (!isNext) {
      const index = (row.openAt - (from as Millis)) / this.intervalMs
      this.#rows[index] = { ...info, dueAt: this.#rows[index]?.dueAt ?? row.dueAt }
      return
    }
    this.#rows.push(info)
    if (this.#rows.length > this.capacity) this.#rows.shift()
    this.#end = row.openAt + this.intervalMs
  }

  has(from: Millis, to: Millis): boolean {
    const oldest = this.from
    return oldest !== undefined && this.#end !== undefined && from >= oldest && to <= this.#end
  }

  /** The row itself, its values a view that later rows will overwrite. */
  at(openAt: Millis): RingRow | undefined {
    const oldest = this.from
    if (oldest === undefined) return undefined
    const info = this.#rows[(openAt - oldest) / this.intervalMs]
    if (!info) return undefined
    const start = this.#slot(openAt) * this.columns
    return { ...info, values: this.#values.subarray(start, start + this.columns) }
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

  #slot(openAt: Millis): number {
    return (openAt / this.intervalMs) % this.capacity
  }
}
