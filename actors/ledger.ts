/**
 * The port to the ledger: what is written, in batches, each one transaction. Nothing is acknowledged before it is
 * committed. Within a batch candles come before the predictions made on them.
 */
import type { Hole, Mode, Prediction } from '../models/prediction.ts'
import type { Version } from '../models/version.ts'
import type { Candle } from '../streams/candles/candle.ts'
import type { Coin } from '../streams/coin.ts'
import type { FeatureRow } from '../streams/features/row.ts'
import type { Gap } from '../streams/gap.ts'
import type { Millis } from '../streams/time.ts'
import type { Trades } from '../streams/trade.ts'

export type LedgerEntry =
  | { readonly type: 'candle'; readonly candle: Candle }
  | { readonly type: 'prediction'; readonly prediction: Prediction }
  | { readonly type: 'hole'; readonly hole: Hole }
  | { readonly type: 'gap'; readonly gap: Gap; readonly fate: 'open' | 'healed' | 'unhealable' }
  | { readonly type: 'trades'; readonly coin: Coin; readonly trades: Trades }
  | {
      readonly type: 'features'
      readonly coin: Coin
      readonly hash: string
      readonly row: FeatureRow
    }
  /**
   * The feature engine's state after the candle that closed at `at`. It is an origin where the engine had begun not long
   * before: whoever comes from further back goes on with it from there, as those did who saw the market live.
   */
  | {
      readonly type: 'snapshot'
      readonly coin: Coin
      readonly hash: string
      readonly at: Millis
      readonly state: Uint8Array
      readonly isOrigin: boolean
    }
  /** Every candle of the coin before `at` is in the ledger; the market is read on from there. */
  | { readonly type: 'position'; readonly coin: Coin; readonly at: Millis }

export interface CommitOutcome {
  /** One per prediction entry of the batch, in order. `fresh` is false where the row was there already. */
  readonly predictions: readonly {
    readonly mode: Mode
    readonly fresh: boolean
    readonly waitMs: number
  }[]
  /** Rows that were there, made from equal inputs, with another answer. */
  readonly disagreed: readonly (Version & { readonly openAt: Millis })[]
}

export interface LedgerWriter {
  /**
   * Writes a batch in one transaction, fenced by the fleet's lease: a `Fault` `lease.lost` when another daemon holds it
   * now, `store.unavailable` (retryable) when the database cannot be reached or refuses for the moment. The market's
   * time is infinite for whoever only answers history.
   */
  commit(batch: readonly LedgerEntry[], marketNow: (coin: Coin) => Millis): Promise<CommitOutcome>
}

/** Candles that come from a source's history rather than from its trades. */
export interface HistoryWriter {
  /** Writes many candles at once and leaves what is there as it is; gives how many were new. */
  writeHistory(candles: readonly Candle[]): Promise<number>
}

/** What the actors read back. */
export interface LedgerReader {
  /** Where the market is to be read on from; undefined on a first start. */
  position(coin: Coin): Promise<Millis | undefined>
  /** Candles in `[from, to)`, ascending, in pages. */
  candles(coin: Coin, from: Millis, to: Millis): AsyncIterable<readonly Candle[]>
  candleRange(coin: Coin): Promise<{ readonly from: Millis; readonly to: Millis } | undefined>
  /** The newest engine state at or before `at`. */
  snapshot(
    coin: Coin,
    hash: string,
    at: Millis,
  ): Promise<{ readonly at: Millis; readonly state: Uint8Array } | undefined>
  /** Where snapshots are origins, ascending. */
  origins(coin: Coin, hash: string): Promise<readonly Millis[]>
  /** Gaps that have not been healed and may still be. */
  openGaps(coin: Coin): Promise<readonly Gap[]>
  /** Forgets snapshots after `at`: a candle before them was corrected. */
  dropSnapshots(coin: Coin, after: Millis): Promise<void>
  /**
   * Closed candles in `[from, to)` that this version, in a slot at the time, has neither answered nor left with a hole
   * that stays; ascending, at most `limit`.
   */
  unanswered(version: Version, from: Millis, to: Millis, limit: number): Promise<readonly Millis[]>
}
