/** What a bundle holds beside trades that can be merged: the impossible, the too late, and what a gap still waits for. */
import type { Millis } from '../time.ts'
import { pickTrades, type Trade, type Trades } from '../trade.ts'

export type RefusalReason = 'future' | 'price' | 'size' | 'identity'

export type PassedOver =
  /** Too late to be merged, or before the first candle. Nothing was done with them. */
  | { readonly type: 'aside'; readonly reason: 'settled' | 'before_start'; readonly trades: Trades }
  /** Not trades of this market's present: `example` is the first. */
  | {
      readonly type: 'refused'
      readonly reason: RefusalReason
      readonly count: number
      readonly example: Trade
    }

export function whyRefused(trades: Trades, i: number, notAfter: Millis): RefusalReason | undefined {
  const price = trades.price[i]!
  const size = trades.size[i]!
  if (!Number.isFinite(trades.at[i]!) || Number.isNaN(trades.id[i]!)) return 'identity'
  if (!(price > 0 && Number.isFinite(price))) return 'price'
  if (!(size > 0 && Number.isFinite(size))) return 'size'
  return trades.at[i]! > notAfter ? 'future' : undefined
}

/** Rows of one bundle that do not go the common way. */
export class Rest {
  readonly #trades: Trades
  readonly held: number[] = []
  readonly #aside = new Map<'settled' | 'before_start', number[]>()
  readonly #refused = new Map<RefusalReason, number[]>()

  constructor(trades: Trades) {
    this.#trades = trades
  }

  hold(row: number): void {
    this.held.push(row)
  }

  putAside(reason: 'settled' | 'before_start', row: number): void {
    const rows = this.#aside.get(reason)
    if (rows === undefined) this.#aside.set(reason, [row])
    else rows.push(row)
  }

  refuse(reason: RefusalReason, row: number): void {
    const rows = this.#refused.get(reason)
    if (rows === undefined) this.#refused.set(reason, [row])
    else rows.push(row)
  }

  tell(events: { push(event: PassedOver): unknown }): void {
    const all = this.#trades
    for (const [reason, rows] of this.#aside) {
      const trades = pickTrades(all, Uint32Array.from(rows), rows.length)
      events.push({ type: 'aside', reason, trades })
    }
    for (const [reason, rows] of this.#refused) {
      const i = rows[0]!
      const example: Trade = {
        at: all.at[i]!,
        id: all.id[i]!,
        price: all.price[i]!,
        size: all.size[i]!,
        side: all.side[i]! as Trade['side'],
      }
      events.push({ type: 'refused', reason, count: rows.length, example })
    }
  }
}
