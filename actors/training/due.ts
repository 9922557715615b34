/**
 * When a lane is trained again, decided from facts alone, in market time.
 *
 * A lane that has only its shipped version is trained at once, as soon as its coin has history enough; any other every
 * `retrainMs`, each lane at a moment of its own, so that they do not all come at once. What was refused or failed is tried
 * again later and later. A lane that cannot be trained here says what to do instead.
 */
import { type Lane, laneName } from '../../models/version.ts'
import type { Millis } from '../../streams/time.ts'
import type { Cause } from './run.ts'

export interface LaneFacts {
  readonly lane: Lane
  readonly retrainMs: Millis
  /** Why it cannot be trained here, and what to do; null where it can. */
  readonly obstacle: string | null
  /** It has a queued or running run. */
  readonly isUnderWay: boolean
  /** No version of it but the one that ships. */
  readonly hasOnlyShipped: boolean
  /** Runs that are over, newest first, back to the last that passed. */
  readonly past: readonly { readonly state: string; readonly marketAt: Millis }[]
  readonly history: History
  /** What serves gives no more signals, and nobody has tried to train another since. */
  readonly isPastItsAge: boolean
}

/** Candles that are stored, and whether more will come from the past. */
export interface History {
  readonly candles: number
  readonly isFetched: boolean
  /** For how long it has been fetched, on the wall. */
  readonly fetchingMs: Millis
  /** Fewer than this teach nothing; more than that are not used. */
  readonly candlesMin: number
  readonly candlesMax: number
}

export type Due =
  | { readonly type: 'now'; readonly cause: Cause; readonly detail: string }
  | { readonly type: 'later'; readonly at: Millis; readonly detail: string }
  | { readonly type: 'waiting'; readonly detail: string }
  | { readonly type: 'obstructed'; readonly detail: string }
  | { readonly type: 'underWay'; readonly detail: string }

export function due(facts: LaneFacts, now: Millis): Due {
  if (facts.isUnderWay) return { type: 'underWay', detail: 'a run is queued or running' }
  if (facts.obstacle !== null) return { type: 'obstructed', detail: facts.obstacle }
  const missing = missingHistory(facts.history)
  if (missing !== null) return { type: 'waiting', detail: missing }
  if (facts.isPastItsAge)
    return { type: 'now', cause: 'drift', detail: 'its version is past its age' }
  const { at, cause, detail } = dueAt(facts, now)
  return at <= now ? { type: 'now', cause, detail } : { type: 'later', at, detail }
}

/** Some sources give their past by the hour: after so long a lane begins with what there is. */
const patienceMs: Millis = 3_600_000

/** Enough is what the family uses at most, or all that there is to be had. */
function missingHistory(it: History): string | null {
  const isComing = !it.isFetched && it.fetchingMs < patienceMs
  if (isComing && it.candles < it.candlesMax)
    return `history is being fetched: ${it.candles} candles of ${it.candlesMax}`
  if (it.candles < it.candlesMin)
    return `${it.candles} candles are too few to learn from, it begins with ${it.candlesMin}`
  return null
}

/** The first wait after trouble, which may pass by itself: an hour of the market. */
const troubleMs: Millis = 3_600_000

function dueAt(
  { lane, retrainMs, hasOnlyShipped, past }: LaneFacts,
  now: Millis,
): { readonly at: Millis; readonly cause: Cause; readonly detail: string } {
  const last = past[0]
  const cause = hasOnlyShipped ? 'first' : 'schedule'
  if (last === undefined) {
    if (hasOnlyShipped) return { at: now, cause, detail: 'it has only its shipped version' }
    return { at: nextTurn(lane, retrainMs, now), cause, detail: 'its regular turn' }
  }
  const inARow = past.findIndex(({ state }) => state !== last.state)
  const times = (inARow === -1 ? past.length : inARow) - 1
  switch (last.state) {
    case 'failed': {
      const waitMs = Math.min(retrainMs, troubleMs * 4 ** times)
      return { at: last.marketAt + waitMs, cause, detail: `after ${counted(times, 'failure')}` }
    }
    case 'refused': {
      // A lane with nothing of its own tries sooner; neither asks for ever at the same pace.
      const firstMs = hasOnlyShipped ? retrainMs / 5 : retrainMs
      const waitMs = Math.min(retrainMs * 4, firstMs * 2 ** times)
      return { at: last.marketAt + waitMs, cause, detail: `after ${counted(times, 'refusal')}` }
    }
    default:
      return { at: turnAfter(lane, retrainMs, last.marketAt), cause, detail: 'its regular turn' }
  }
}

/** Between half of `retrainMs` and one and a half after the first time, and `retrainMs` after every other. */
function turnAfter(lane: Lane, retrainMs: Millis, at: Millis): Millis {
  return nextTurn(lane, retrainMs, at + retrainMs / 2)
}

/** The first moment not before `at` that is this lane's own. */
function nextTurn(lane: Lane, retrainMs: Millis, at: Millis): Millis {
  const phase = phaseOf(lane) * retrainMs
  return Math.ceil((at - phase) / retrainMs) * retrainMs + phase
}

/** In [0, 1), spread evenly over names: 32-bit FNV-1a with its bits mixed once more. */
export function phaseOf(lane: Lane): number {
  let hash = 0x811c9dc5
  for (const letter of laneName(lane)) hash = Math.imul(hash ^ letter.charCodeAt(0), 0x01000193)
  hash ^= hash >>> 16
  hash = Math.imul(hash, 0x85ebca6b)
  hash ^= hash >>> 13
  return (hash >>> 0) / 2 ** 32
}

function counted(times: number, what: string): string {
  return times === 0 ? `a ${what}` : `${times + 1} ${what}s in a row`
}
