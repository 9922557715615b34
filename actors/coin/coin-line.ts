/**
 * What one coin offers to its version actors: its closed candles with features, as a stream of hints and a ring to read
 * from. The coin actor writes it; versions keep cursors of their own and read what they have not answered.
 */
import { Subject } from 'rxjs'
import type { Bar } from '../../streams/candles/candle.ts'
import type { Coin } from '../../streams/coin.ts'
import type { Millis } from '../../streams/time.ts'
import { FeatureRing } from './feature-ring.ts'

export type LineHint =
  /** A candle closed; its row is in the ring, and its candle is on its way to the ledger ahead of any answer. */
  | { readonly type: 'closed'; readonly openAt: Millis }
  /** Candles from here on have changed or healed: what was a hole may have an answer now. */
  | { readonly type: 'mended'; readonly from: Millis }

export class CoinLine {
  readonly coin: Coin
  readonly intervalMs: Millis
  readonly hints$ = new Subject<LineHint>()
  /** Every candle before this is in the ledger now. */
  readonly committed$ = new Subject<Millis>()
  ring: FeatureRing
  /** Opening of the first candle that is not in the ledger. */
  committedTo: Millis = 0
  /** The open candle as far as it goes, for people's eyes. */
  preview: Bar | undefined
  readonly #columns: number
  readonly #capacity: number

  constructor(coin: Coin, intervalMs: Millis, columns: number, capacity: number) {
    this.coin = coin
    this.intervalMs = intervalMs
    this.#columns = columns
    this.#capacity = capacity
    this.ring = new FeatureRing(columns, capacity, intervalMs)
  }

  /** For a new life of the coin actor, which starts with nothing in memory. */
  emptyRing(): FeatureRing {
    return new FeatureRing(this.#columns, this.#capacity, this.intervalMs)
  }
}
