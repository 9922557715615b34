/**
 * An exchange as the live feed needs it: a socket that pushes trades, and questions over REST. `ccxt/` answers
 * with ccxt; the tests of the feed's own decisions answer with a few lines.
 */
import type { Coin } from '../../coin.ts'
import { Fault } from '../../fault.ts'
import type { Millis } from '../../time.ts'
import type { Trades } from '../../trade.ts'

/** Where to go on reading trades. The most exact field that the exchange understands is used; `at` always is there. */
export interface Cursor {
  readonly at: Millis
  /** Start with this trade, inclusive, where trades can be asked for by number. */
  readonly id?: number | undefined
  /** The exchange's own bookmark. */
  readonly token?: string | undefined
}

export interface TradesPage {
  /** In ascending order. The first page overlaps what lay at the cursor, so that continuity shows. */
  readonly trades: Trades
  /** Everything before this instant has been told. */
  readonly coveredTo: Millis
  /** Undefined when this was the newest that the exchange knows. */
  readonly next: Cursor | undefined
}

/** One REST candle; what a source does not tell is NaN. */
export interface CandleRow {
  readonly openAt: Millis
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly quoteVolume: number
  readonly takerBuyVolume: number
  readonly trades: number
}

export interface SocketEar {
  /** Trades of this coin are being sent from now on. Once each time that it is watched. */
  up(coin: Coin): void
  trades(coin: Coin, trades: Trades): void
  /** For a coin that is not told as it happens: all that was traded before `askedAt`, on our clock, has been told. */
  told(coin: Coin, askedAt: Millis): void
  /** The trades that follow are not all that were traded since `last`, which was the last that was told. */
  torn(coin: Coin, last: Cursor): void
  /** The socket is of no more use. Once, and the last thing that is heard of it. */
  lost(cause: string): void
  /** A frame or a trade that was not understood. */
  refused(coin: Coin | undefined, what: string, detail: string): void
}

export interface Socket {
  /** A coin that was watched before may be watched again: whoever followed it has started anew. */
  watch(coin: Coin): void
  /** Nothing is heard afterwards. */
  close(): void
}

export interface Venue {
  readonly source: string
  /** A coin's trades are numbered without gaps, so a missing number is a missing trade. */
  readonly sequential: boolean
  /** A page of trades begins at its cursor, however long ago; others may give their newest, whatever they are asked for. */
  readonly deep: boolean
  readonly candleColumns: { readonly takerBuyVolume: boolean; readonly trades: boolean }
  /** A fresh connection; an old one is never mended. */
  socket(ear: SocketEar): Socket
  trades(coin: Coin, from: Cursor): Promise<TradesPage>
  /** Ascending, from `from` on as far as one page goes; exchanges that ignore `from` give their newest. */
  candles(coin: Coin, from: Millis): Promise<readonly CandleRow[]>
  /** The exchange's clock, or undefined where it tells none. */
  time(): Promise<Millis | undefined>
  /** Asks anew when `fresh`. `halted`: known, and not trading now. */
  listed(coin: Coin, fresh: boolean): Promise<'listed' | 'halted' | 'absent'>
  close(): void
}

/** The exchange said when to come back. */
export class Limited extends Fault {
  readonly retryAfterMs: Millis

  constructor(message: string, retryAfterMs: Millis) {
    super('feed.limited', message, { retryable: true })
    this.retryAfterMs = retryAfterMs
  }
}
