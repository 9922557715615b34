/**
 * One coin of a tape for one subscriber: it emits what lies between where it is and where it is told to go, trades first
 * and then the clock, so that the clock never says more than was delivered. Clock items fall exactly on each candle's end
 * and on its end plus the grace.
 */
import type { Subscriber } from 'rxjs'
import type { Coin } from '../../coin.ts'
import { chanceOf } from '../../random.ts'
import { floorTo, type Millis } from '../../time.ts'
import { noTrades, pickTrades, type Trades, TradesBuilder } from '../../trade.ts'
import type { FeedItem } from '../feed.ts'
import type { TapeMarket } from './market.ts'

export interface PlayerOptions {
  readonly market: TapeMarket
  readonly coin: Coin
  readonly from: Millis
  readonly intervalMs: Millis
  readonly graceMs: Millis
  /** Each trade arrives late by less than the grace, by this seed; undefined: at once. */
  readonly shuffleSeed: number | undefined
}

export class Player {
  /** Everything before it has been emitted. */
  cursor: Millis
  readonly #options: PlayerOptions
  readonly #to: Subscriber<FeedItem>
  /** When the last candle can have closed; nothing comes after. */
  readonly #endAt: Millis

  constructor(options: PlayerOptions, to: Subscriber<FeedItem>) {
    this.#options = options
    this.#to = to
    this.cursor = options.from
    const span = options.market.span(options.coin)
    this.#endAt = span === undefined ? options.from : span.to + options.graceMs
  }

  get isOver(): boolean {
    return this.#to.closed
  }

  /** `wallAt` says at which wall instant the market was at `at`. */
  playTo(target: Millis, wallAt: (at: Millis) => Millis): void {
    const { coin, intervalMs, graceMs } = this.#options
    const until = Math.min(target, this.#endAt)
    while (this.cursor < until && !this.isOver) {
      const to = Math.min(until, nextBoundary(this.cursor, intervalMs, graceMs))
      this.#emitTrades(this.cursor, to)
      this.cursor = to
      this.#to.next({ type: 'clock', coin, at: to, receivedAt: wallAt(to) })
    }
    if (this.cursor >= this.#endAt && !this.isOver) {
      this.#to.next({ type: 'ended', coin, reason: 'the tape is over' })
      this.#to.complete()
    }
  }

  #emitTrades(from: Millis, to: Millis): void {
    const { market, coin, shuffleSeed } = this.#options
    if (shuffleSeed !== undefined) {
      const trades = this.#arriving(from, to, shuffleSeed)
      if (trades.length > 0) this.#to.next({ type: 'trades', coin, trades })
      return
    }
    for (const trades of market.trades(coin, from, to)) {
      this.#to.next({ type: 'trades', coin, trades })
    }
  }

  /** Trades that arrive in `[from, to)`, in the order in which they do. */
  #arriving(from: Millis, to: Millis, seed: number): Trades {
    const { market, coin, graceMs } = this.#options
    const found = new TradesBuilder()
    const arrivals: number[] = []
    const earliest = Math.max(this.#options.from, from - graceMs)
    for (const { length, at, id, price, size, side } of market.trades(coin, earliest, to)) {
      for (let i = 0; i < length; i++) {
        const arrival = at[i]! + chanceOf(seed, id[i]!) * graceMs
        if (arrival < from || arrival >= to) continue
        found.push(at[i]!, id[i]!, price[i]!, size[i]!, side[i]!)
        arrivals.push(arrival)
      }
    }
    if (arrivals.length === 0) return noTrades
    const rows = Uint32Array.from(arrivals.keys()).sort((a, b) => arrivals[a]! - arrivals[b]!)
    return pickTrades(found.take(), rows, rows.length)
  }
}

/** The next instant after `at` at which a candle ends or its grace does. */
export function nextBoundary(at: Millis, intervalMs: Millis, graceMs: Millis): Millis {
  const endAt = floorTo(at, intervalMs) + intervalMs
  const closedAt = floorTo(at - graceMs, intervalMs) + intervalMs + graceMs
  return Math.min(endAt, closedAt)
}
