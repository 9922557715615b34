/**
 * A set of trades as columns in the order `(at, id)`, for the while that a coin keeps them. Whatever the order and the
 * number of times trades are put in, the columns come out the same. In order they are appended; late ones are merged from
 * the back, which costs what they overtake.
 */
import type { Millis } from '../time.ts'
import { grown, type Trades } from '../trade.ts'
import { orderRows } from './order-rows.ts'

export class TradeLog implements Trades {
  at: Float64Array
  id: Float64Array
  price: Float64Array
  size: Float64Array
  side: Int8Array
  /** Rows before `start` are forgotten; their room is taken back when half of it is free. */
  start = 0
  length = 0

  constructor(capacity = 256) {
    this.at = new Float64Array(capacity)
    this.id = new Float64Array(capacity)
    this.price = new Float64Array(capacity)
    this.size = new Float64Array(capacity)
    this.side = new Int8Array(capacity)
  }

  /**
   * Appends rows of `trades` from `from` on for as long as they are in order, whole, and within `[notBefore, notAfter]`.
   * Gives the first row that is not, or the length. This is the loop that nearly every trade goes through, once.
   */
  append(trades: Trades, from: number, notBefore: Millis, notAfter: Millis): number {
    const until = trades.length
    if (from === until) return from
    this.#makeRoom(until - from)
    const { at, id, price, size, side } = this
    const { at: ats, id: ids, price: prices, size: sizes, side: sides } = trades
    let end = this.length
    let lastAt = end > this.start ? at[end - 1]! : Number.NEGATIVE_INFINITY
    let lastId = end > this.start ? id[end - 1]! : Number.NEGATIVE_INFINITY
    if (lastAt < notBefore) {
      lastAt = notBefore
      lastId = Number.NEGATIVE_INFINITY
    }
    let i = from
    for (; i < until; i++) {
      const t = ats[i]!
      const n = ids[i]!
      const p = prices[i]!
      const s = sizes[i]!
      if (!(t > lastAt || (t === lastAt && n > lastId)) || !(t <= notAfter)) break
      if (!(p > 0 && p <= Number.MAX_VALUE && s > 0 && s <= Number.MAX_VALUE) || Number.isNaN(n))
        break
      at[end] = t
      id[end] = n
      price[end] = p
      size[end] = s
      side[end] = sides[i]!
      end++
      lastAt = t
      lastId = n
    }
    this.length = end
    return i
  }

  /**
   * Merges the given rows, which must be in order and whole. Rows that are here already are left out of `rows`; of two
   * that share `(at, id)` and differ, the greater stays, whichever came first. Gives how many rows were new, which are
   * then the first of `rows`, and tells `changed` the time of each row that was replaced.
   */
  merge(trades: Trades, rows: Uint32Array, count: number, changed: (at: Millis) => void): number {
    if (count === 0) return 0
    const news = this.#leaveOutKnown(trades, rows, count, changed)
    this.#makeRoom(news)
    let k = this.length + news - 1
    let i = this.length - 1
    for (let j = news - 1; j >= 0; k--) {
      const row = rows[j]!
      if (i >= this.start && this.#compare(i, trades, row) > 0) {
        this.#move(i--, k)
      } else {
        this.#put(trades, row, k)
        j--
      }
    }
    this.length += news
    return news
  }

  /** Rows in any order, which must be whole. */
  put(trades: Trades): void {
    const from = this.append(trades, 0, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY)
    if (from === trades.length) return
    const rows = Uint32Array.from({ length: trades.length - from }, (_, k) => from + k)
    orderRows(trades, rows, rows.length)
    this.merge(trades, rows, rows.length, () => undefined)
  }

  /** The first row that is not before `at`. */
  rowAt(at: Millis): number {
    const column = this.at
    let low = this.start
    let high = this.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (column[middle]! < at) low = middle + 1
      else high = middle
    }
    return low
  }

  forgetBefore(at: Millis): void {
    this.start = this.rowAt(at)
    if (this.start === this.length) {
      this.start = 0
      this.length = 0
    }
  }

  #leaveOutKnown(
    trades: Trades,
    rows: Uint32Array,
    count: number,
    changed: (at: Millis) => void,
  ): number {
    let i = this.rowAt(trades.at[rows[0]!]!)
    let news = 0
    for (let j = 0; j < count; j++) {
      const row = rows[j]!
      while (i < this.length && this.#compare(i, trades, row) < 0) i++
      if (i < this.length && this.#compare(i, trades, row) === 0) {
        if (this.#yieldsTo(i, trades, row)) {
          this.#put(trades, row, i)
          changed(trades.at[row]!)
        }
        continue
      }
      const before = news > 0 ? rows[news - 1]! : -1
      if (before >= 0 && sameTrade(trades, before, row)) {
        if (greater(trades, row, trades, before)) rows[news - 1] = row
        continue
      }
      rows[news++] = row
    }
    return news
  }

  #compare(i: number, trades: Trades, row: number): number {
    return this.at[i]! - trades.at[row]! || this.id[i]! - trades.id[row]!
  }

  #yieldsTo(i: number, trades: Trades, row: number): boolean {
    return greater(trades, row, this, i)
  }

  #put(trades: Trades, row: number, k: number): void {
    this.at[k] = trades.at[row]!
    this.id[k] = trades.id[row]!
    this.price[k] = trades.price[row]!
    this.size[k] = trades.size[row]!
    this.side[k] = trades.side[row]!
  }

  #move(i: number, k: number): void {
    this.at[k] = this.at[i]!
    this.id[k] = this.id[i]!
    this.price[k] = this.price[i]!
    this.size[k] = this.size[i]!
    this.side[k] = this.side[i]!
  }

  #makeRoom(extra: number): void {
    if (this.length + extra <= this.at.length) return
    const kept = this.length - this.start
    if (this.start > 0 && kept + extra <= this.at.length / 2) {
      for (const column of [this.at, this.id, this.price, this.size, this.side]) {
        column.copyWithin(0, this.start, this.length)
      }
    } else {
      const capacity = Math.max(256, 2 * (kept + extra))
      this.at = grown(this.at.subarray(this.start, this.length), capacity)
      this.id = grown(this.id.subarray(this.start, this.length), capacity)
      this.price = grown(this.price.subarray(this.start, this.length), capacity)
      this.size = grown(this.size.subarray(this.start, this.length), capacity)
      const side = new Int8Array(capacity)
      side.set(this.side.subarray(this.start, this.length))
      this.side = side
    }
    this.start = 0
    this.length = kept
  }
}

function sameTrade(trades: Trades, a: number, b: number): boolean {
  return trades.at[a] === trades.at[b] && trades.id[a] === trades.id[b]
}

/** Any total order does, so that of two contradicting trades the same one stays in every arrival order. */
function greater(a: Trades, i: number, b: Trades, j: number): boolean {
  const difference = a.price[i]! - b.price[j]! || a.size[i]! - b.size[j]! || a.side[i]! - b.side[j]!
  return difference > 0
}
