/**
 * The port to a lane's written history: swaps with their transitions, and the pointers that a cut moves. Whatever is about
 * to be done is written here first; whoever comes after a crash reads it and goes on from there. Every call may be made
 * twice: the second changes nothing.
 */
import type { Verdict } from '../../models/judging/verdict.ts'
import type { Lane, Pointer, Version } from '../../models/version.ts'
import type { Millis } from '../../streams/time.ts'

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

/** Whose wish it is: the registry's alias, a person's, or the fleet's own, which falls back. */
export type AskedBy = 'registry' | 'operator' | 'fleet'

export interface Transition {
  readonly version: Version
  readonly stage: Stage
  readonly at: Millis
  /** Opening of the first candle that had not closed then; null where no candle had yet come. */
  readonly candleAt: Millis | null
  readonly reason: string | null
}

export interface Swap {
  readonly id: number
  readonly lane: Lane
  readonly kind: SwapKind
  readonly askedBy: AskedBy
  /** What held v3 (else v2, v1) when it began. */
  readonly from: Version | null
  readonly to: Version
  /** Grows with every wish in its lane, a rollback too. */
  readonly generation: number
  readonly state: SwapState
  readonly reason: string | null
  readonly startedAt: Millis
  /** Opening of the first candle that `to` answers. */
  readonly cutAt: Millis | null
  readonly endedAt: Millis | null
  readonly transitions: readonly Transition[]
  readonly verdict: Verdict | null
  /** The verdict once the candles in the shadow were counted too. */
  readonly renewed: Verdict | null
  /** Known once it is done: candles of the lane's slots around the cut with no answer, and with two. */
  readonly missed: number | null
  readonly twice: number | null
  readonly longestWaitMs: number | null
}

/** All that is written of one lane and not over yet. */
export interface LaneRecord {
  readonly lane: Lane
  /** The whole history of its slots: the open ones, and those that a cut has written for a later candle, too. */
  readonly pointers: readonly Pointer[]
  /** Running and waiting, oldest first. */
  readonly swaps: readonly Swap[]
  /** The last stage written of every version that is not archived or rejected. */
  readonly stages: readonly { readonly version: Version; readonly stage: Stage }[]
  /** The registry's newest change of mind that has been dealt with. */
  readonly handled: number
  /** The newest again after a fallback; null where no cut can be undone that would stand on a version that is well. */
  readonly fallBackTo: Version | null
}

/** A swap as it was ordered, and those that have given way to it. */
export interface Ordered extends Swap {
  /** Not the same wish over again. */
  readonly isNew: boolean
  readonly overtaken: readonly Swap[]
}

export interface Order {
  readonly to: Version
  readonly askedBy: AskedBy
  /** Of the registry's wish, or the newest one that was known when somebody else ordered. */
  readonly revision: number
}

export interface GoingBack {
  readonly lane: Lane
  readonly kind: 'rollback' | 'fallback'
  readonly at: Millis
  readonly reason: string
  /** The registry's newest change of mind: repeating itself, it does not bring back what is undone here. */
  readonly revision: number
  /** Aborted when nobody waits for it any more: nothing is moved then. */
  readonly signal?: AbortSignal
}

export interface LaneJournal {
  readonly lanes: () => Promise<readonly LaneRecord[]>
  readonly lane: (lane: Lane) => Promise<LaneRecord>
  /**
   * A wish becomes a swap that waits; one that waited before it is overtaken. The registry's same change of mind is the
   * same swap, and so is a person's order of what a person's last order is moving the lane to. Where `to` is the newest
   * already and nothing is about to change that, it is done at once.
   */
  readonly open: (order: Order) => Promise<Ordered>
  /**
   * The one that waits is under way; `candleAt` is the opening of the first candle that has not closed. Where `to` is the
   * newest by now, it is done.
   */
  readonly begin: (swap: number, candleAt: Millis) => Promise<Swap>
  /** Written before it is acted on, once per swap, version and stage; answers whether it was not there yet. */
  readonly write: (
    swap: number,
    version: Version,
    stage: Stage,
    candleAt: Millis,
    reason?: string,
  ) => Promise<boolean>
  /** A stage outside of any swap; nothing is written where it stands there already. */
  readonly note: (version: Version, stage: Stage, reason: string | null) => Promise<void>
  /** With the stage `judged`, or as the verdict renewed on candles in the shadow. */
  readonly judged: (swap: number, verdict: Verdict, candleAt: Millis) => Promise<Swap>
  /**
   * One transaction: v2 ← v3, v3 ← `to`, v1 stays, all from the candle that opens at `at` on; what holds no slot any more
   * drains. A lane that never had a version has it in v1 then. A Fault `swap.late` where that candle is in the ledger
   * already, `swap.moved` where the pointers have moved since it began, `swap.serves` where `to` is the newest.
   */
  readonly cut: (swap: number, at: Millis) => Promise<Swap>
  /**
   * One step back on the undo stack, as one transaction; what was undone drains, and a swap that had not cut is
   * overtaken. A fallback goes back until the newest is not in quarantine. Beside the newest, what is not kept
   * any more is left out. The swap is its record. A Fault `rollback.state` where there is nothing to go back to,
   * `rollback.late` where nobody waits for it.
   */
  readonly goBack: (how: GoingBack) => Promise<Ordered>
  readonly archive: (version: Version, reason: string | null) => Promise<void>
  /** Ten archived and ten rejected versions are kept. Gives the artifacts that nobody needs any more. */
  readonly prune: (lane: Lane) => Promise<readonly string[]>
  /** `done` counts what it missed and what it answered twice. */
  readonly end: (
    swap: number,
    state: 'done' | 'rejected' | 'overtaken',
    reason: string | null,
  ) => Promise<Swap>
}
