/**
 * A market as the rest of Starling sees it, live or tape. `open` is cold: subscribing connects, unsubscribing lets go.
 * Reconnection, staleness and backfill happen inside; what comes out is in the order in which it became known.
 * The stream never errors for trouble with the connection: that is data (`reconnecting`, `gap`).
 */
import type { Observable } from 'rxjs'
import type { Candle } from '../candles/candle.ts'
import type { Coin } from '../coin.ts'
import type { Gap } from '../gap.ts'
import type { Millis } from '../time.ts'
import type { Trades } from '../trade.ts'

export type FeedItem =
  | { readonly type: 'connected'; readonly coin: Coin }
  | {
      readonly type: 'reconnecting'
      readonly coin: Coin
      readonly cause: string
      readonly attempt: number
    }
  | { readonly type: 'gap'; readonly gap: Gap }
  /**
   * The trades of `gap`, a gap or a part of one, have all been emitted since; but for those of `candles`, which the source
   * still tells where it no longer tells trades.
   */
  | { readonly type: 'healed'; readonly gap: Gap; readonly candles?: readonly Candle[] }
  /** The source has nothing of `gap` any more: what is missing there stays missing. */
  | { readonly type: 'unhealable'; readonly gap: Gap }
  | { readonly type: 'trades'; readonly coin: Coin; readonly trades: Trades }
  /**
   * Market time has reached `at` for this coin, seen at `receivedAt` on the wall clock. This alone closes candles:
   * a live feed says it on a timer, the tape when it has delivered everything before.
   */
  | {
      readonly type: 'clock'
      readonly coin: Coin
      readonly at: Millis
      readonly receivedAt: Millis
    }
  /** The market has ended: a tape's file is over, a symbol was delisted. The stream completes after it. */
  | { readonly type: 'ended'; readonly coin: Coin; readonly reason: string }

export interface Feed {
  /** `binance`, `kraken`, … or `tape`. */
  readonly source: string
  readonly mode: 'live' | 'tape'
  /** Identifies the market for its store: `binance`, `tape-seed-7`, `tape-file-3fa1…`. */
  readonly market: string
  /** How many market milliseconds pass in one of the wall: 1 when live, Infinity at full speed. */
  readonly speed: number
  /** Market time now, as far as it has been told. */
  now(): Millis
  /** Everything from `from` on: what lies in the past is fetched first, then it follows the market. */
  open(coin: Coin, from: Millis): Observable<FeedItem>
  readonly history: MarketHistory
}

/** What a source can tell of the past. Pages are in ascending order and bounded; an empty page is skipped, not the end. */
export interface MarketHistory {
  /** Closed one-interval candles in `[from, to)`; intervals without trades are left out. */
  candles(coin: Coin, from: Millis, to: Millis): AsyncIterable<readonly Candle[]>
  /** Trades in `[from, to)`, as deep as the source keeps them. */
  trades(coin: Coin, from: Millis, to: Millis): AsyncIterable<Trades>
  /** The earliest candle that `candles` would give. */
  earliest(coin: Coin, notBefore: Millis): Promise<Millis>
  /** Whether this source's candles carry taker volume and trade count. */
  readonly candleColumns: { readonly takerBuyVolume: boolean; readonly trades: boolean }
}

/** Of a market that is stored, its `source`: all tapes are one. */
export function sourceOf(market: string): string {
  return market.startsWith('tape-') ? 'tape' : market
}
