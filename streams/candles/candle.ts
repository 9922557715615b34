/**
 * One closed interval of one coin, `[openAt, openAt + interval)` in exchange time. Every interval between a coin's first
 * and its last has a candle: one without trades is `empty`, one whose trades are known to be lost is `missing`, and both
 * have no prices (NaN here, null outside). Nothing is fabricated.
 */
import type { Coin } from '../coin.ts'
import type { Millis } from '../time.ts'

export const candleStates = ['final', 'corrected', 'empty', 'missing'] as const
export type CandleState = (typeof candleStates)[number]

/** What the fold of an interval's trades gives. Fields a source cannot tell are NaN. */
export interface Bar {
  readonly openAt: Millis
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  /** Base units. */
  readonly volume: number
  /** Sum of price × size. */
  readonly quoteVolume: number
  /** Base units bought by takers; NaN where the source does not say. */
  readonly takerBuyVolume: number
  /** Number of trades; NaN where the source does not say. */
  readonly trades: number
}

export interface Candle extends Bar {
  readonly coin: Coin
  readonly state: CandleState
  /** 0 when first closed, one more with each correction. */
  readonly revision: number
}
