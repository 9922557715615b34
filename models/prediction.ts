/** What one version said at one candle, and what is written where it said nothing. */
import type { Coin } from '../streams/coin.ts'
import type { Millis } from '../streams/time.ts'
import type { Slot, Version } from './version.ts'

export type Mode = 'live' | 'backfill' | 'shadow' | 'in_sample'
export type Signal = 'buy' | 'hold' | 'sell'

/** One model output, read. Probabilities sum to 1; a regression has a value instead. */
export interface Answer {
  readonly signal: Signal | null
  readonly probabilities: {
    readonly sell: number
    readonly hold: number
    readonly buy: number
  } | null
  readonly value: number | null
}

/** A prediction on its way to the ledger. The ledger itself decides its mode, from the pointers, inside the insert. */
export interface Prediction extends Version, Answer {
  readonly openAt: Millis
  readonly closeAt: Millis
  /** How far ahead it looks. */
  readonly horizonMs: Millis
  /** `live` where it answers a candle as it closes or catches up on one; `backfill` where history was asked for. */
  readonly asked: 'live' | 'backfill'
  /** The version was trained on this candle, or it lies inside the purge. */
  readonly inSample: boolean
  /** Wall time at which the model had answered. */
  readonly madeAt: Millis
  /** Wall time at which the candle's close fell; `waitMs` runs from here to the commit. */
  readonly dueAt: Millis
  readonly inferMs: number
  /** Hash of the feature set. */
  readonly featureSet: string
  /** Hash of the very numbers that went in: re-runs must agree where it is equal. */
  readonly inputHash: string
  readonly traceId: string
  /** Path and epoch of the incarnation that answered; the sink refuses those of an older one. */
  readonly path: string
  readonly epoch: number
  readonly flags: readonly string[]
}

export type HoleReason =
  | 'no_trades'
  | 'gap'
  | 'warmup'
  | 'quarantined'
  | 'paused'
  | 'no_version'
  | 'stopped'
  | 'refused_answer'
  | 'expired'

/** Holes that can be answered later, once their reason has passed; the others stay. */
export const healableReasons: readonly HoleReason[] = [
  'gap',
  'quarantined',
  'paused',
  'no_version',
  'stopped',
]

/** A closed candle that a slot's version did not answer, and why. */
export interface Hole {
  readonly coin: Coin
  readonly family: string
  readonly slot: Slot
  readonly openAt: Millis
  readonly reason: HoleReason
}
