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

export const noTrades: Trades = {
  length: 0,
  at: new Float64Array(0),
  id: new Float64Array(0),
  price: new Float64Array(0),
  size: new Float64Array(0),
  side: new Int8Array(0),
}

/** Collects trades one by one; `take` hands over what was collected and starts anew. */
export class TradesBuilder {
  #length = 0
  #at: Float64Array
  #id: Float64Array
  #price: Float64Array
  #size: Float64Array
  #side: Int8Array

  constructor(capacity = 64) {
    this.#at = new Float64Array(capacity)
    this.#id = new Float64Array(capacity)
    this.#price = new Float64Array(capacity)
    this.#size = new Float64Array(capacity)
    this.#side = new Int8Array(capacity)
  }

  get length(): number {
    return this.#length
  }

  push(at: Millis, id: number, price: number, size: number, side: number): void {
    const i = this.#length
    if (i === this.#at.length) this.#grow()
    this.#at[i] = at
    this.#id[i] = id
    this.#price[i] = price
    this.#size[i] = size
    this.#side[i] = side
    this.#length = i + 1
  }

  /** The bundle owns its columns: nothing pushed later shows in it. */
  take(): Trades {
    const n = this.#length
    if (n === 0) return noTrades
    this.#length = 0
    return {
      length: n,
      at: cut(this.#at, new Float64Array(n)),
      id: cut(this.#id, new Float64Array(n)),
      price: cut(this.#price, new Float64Array(n)),
      size: cut(this.#size, new Float64Array(n)),
      side: cut(this.#side, new Int8Array(n)),
    }
  }

  #grow(): void {
    const capacity = Math.max(64, this.#at.length * 2)
    this.#at = grown(this.#at, capacity)
    this.#id = grown(this.#id, capacity)
    this.#price = grown(this.#price, capacity)
    this.#size = grown(this.#size, capacity)
    const side = new Int8Array(capacity)
    side.set(this.#side)
    this.#side = side
  }
}

/** A few numbers are copied faster one by one than by a call (189 against 354 ns for a bundle of one). */
function cut<A extends Float64Array | Int8Array>(from: A, to: A): A {
  const { length } = to
  if (length > 32) to.set(from.subarray(0, length))
  else for (let i = 0; i < length; i++) to[i] = from[i] as number
  return to
}

export function grown(column: Float64Array, capacity: number): Float64Array {
  const larger = new Float64Array(capacity)
  larger.set(column)
  return larger
}

export function tradesOf(rows: readonly Trade[]): Trades {
  const builder = new TradesBuilder(rows.length)
  for (const row of rows) builder.push(row.at, row.id, row.price, row.size, row.side)
  return builder.take()
}

/** Rows `[from, to)` of the same memory. */
export function sliceTrades(trades: Trades, from: number, to: number): Trades {
  if (from >= to) return noTrades
  if (from === 0 && to === trades.length) return trades
  return {
    length: to - from,
    at: trades.at.subarray(from, to),
    id: trades.id.subarray(from, to),
    price: trades.price.subarray(from, to),
    size: trades.size.subarray(from, to),
    side: trades.side.subarray(from, to),
  }
}

/** The trades at these rows, in this order. */
export function pickTrades(trades: Trades, rows: Uint32Array, count: number): Trades {
  const builder = new TradesBuilder(count)
  for (let k = 0; k < count; k++) {
    const i = rows[k]!
    builder.push(trades.at[i]!, trades.id[i]!, trades.price[i]!, trades.size[i]!, trades.side[i]!)
  }
  return builder.take()
}

/** The first row that is not before `at`, in a bundle that is ordered by time. */
export function rowAt(trades: Trades, at: Millis): number {
  let low = 0
  let high = trades.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (trades.at[middle]! < at) low = middle + 1
    else high = middle
  }
  return low
}
