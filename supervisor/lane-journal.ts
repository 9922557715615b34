/**
 * The port to a lane's written history: swaps with their transitions, and the pointers that a cut moves. Whatever is about
 * to be done is written here first; whoever comes after a crash reads it and goes on from there.
 */

import type { Verdict } from '../models/verdict.ts'
import type { Lane, Pointer, Version } from '../models/version.ts'
import type { Millis } from '../streams/time.ts'

/** In the order in which a version lives through them; `rejected` and `quarantined` may follow any of them. */
export const stages = [
  'announced',
  'fetched',
  'verified',
  'loaded',
  'warmed',
  'judged',
  'backfilled',
  'shadowing',
  'serving',
  'draining',
  'archived',
  'rejected',
  'quarantined',
] as const
export type Stage = (typeof stages)[number]

export type SwapKind = 'swap' | 'rollback' | 'fallback'

/** waiting → running → done, or rejected with its reason, or overtaken by a newer one before its cut. */
export type SwapState = 'waiting' | 'running' | 'done' | 'rejected' | 'overtaken'

export interface Transition {
  readonly version: Version
  readonly stage: Stage
  readonly at: Millis
  readonly reason: string | null
}

export interface Swap {
  readonly id: number
  readonly lane: Lane
  readonly kind: SwapKind
  /** What held v3 (else v2, v1) when it began. */
  readonly from: Version | null
  readonly to: Version
  /** Of the wish that it carries out. */
  readonly generation: number
  readonly state: SwapState
  readonly reason: string | null
  readonly startedAt: Millis
  /** Opening of the first candle that `to` answers. */
  readonly cutAt: Millis | null
  readonly endedAt: Millis | null
  readonly transitions: readonly Transition[]
  readonly verdict: Verdict | null
  /** Known once it is done: candles of the lane's slots around the cut with no answer, and with two. */
  readonly missed: number | null
  readonly twice: number | null
  readonly longestWaitMs: number | null
}

/** All that is written of one lane and not over yet. */
export interface LaneRecord {
  readonly lane: Lane
  /** Open ones, and those that a cut has written for a later candle. */
  readonly pointers: readonly Pointer[]
  /** Running and waiting, oldest first. */
  readonly swaps: readonly Swap[]
  /** The last stage written of every version that is not archived or rejected. */
  readonly stages: readonly { readonly version: Version; readonly stage: Stage }[]
}

export interface LaneJournal {
  readonly lanes: () => Promise<readonly LaneRecord[]>
  readonly lane: (lane: Lane) => Promise<LaneRecord>
  /** Begins to carry out a wish; the same generation in the same lane is the same swap. */
  readonly open: (lane: Lane, to: Version, kind: SwapKind, generation: number) => Promise<Swap>
  /** Written before it is acted on, once per swap, version and stage. */
  readonly write: (swap: number, version: Version, stage: Stage, reason?: string) => Promise<void>
  readonly judged: (swap: number, verdict: Verdict) => Promise<void>
  /**
   * One transaction: v2 ← v3, v3 ← `to`, v1 stays, all from the candle that opens at `at` on; the old v2 is archived where
   * it holds no slot any more. Refused where the pointers have moved since. Gives the lane's pointers.
   */
  readonly cut: (swap: number, at: Millis) => Promise<readonly Pointer[]>
  /** One step back on the undo stack, as one transaction; what was undone is archived. The swap is its record. */
  readonly rollback: (lane: Lane, at: Millis, reason: string) => Promise<Swap>
  readonly end: (swap: number, state: SwapState, reason: string | null) => Promise<void>
}
