/**
 * What a tape plays: a past and a future that are fixed before anyone looks. Asking twice gives the same trades, whatever
 * else was asked in between, so live play, history and a restart agree bit for bit.
 */
import type { Coin } from '../../coin.ts'
import type { Millis } from '../../time.ts'
import type { Trades } from '../../trade.ts'

export interface TapeSpan {
  readonly from: Millis
  readonly to: Millis
}

export interface TapeMarket {
  /** Identifies the content: `tape-seed-7`, `tape-file-3fa1c09b77de`. */
  readonly name: string
  /** Where the market's present is unless told otherwise. */
  readonly startAt: Millis
  /** Whether trades say who took, and whether a row is a trade of the source; candles have NaN where not. */
  readonly tells: { readonly takerBuyVolume: boolean; readonly trades: boolean }
  /** From the first trade on, to the end of the last one's interval; Infinity where it goes on for ever. */
  span(coin: Coin): TapeSpan | undefined
  /** Trades in `[from, to)`, in order, in bundles that share memory with the market: they are not to be written to. */
  trades(coin: Coin, from: Millis, to: Millis): Iterable<Trades>
}
