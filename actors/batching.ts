/**
 * When the sink writes: at once when it is idle and enough has come or enough time has passed, never two batches at a time.
 *
 * A transaction costs 2 to 3 ms of a core, here and in the database, whatever is in it. While answers trickle in, as
 * after a close of many coins, a rest after each commit lets rows gather; what comes alone waits for its linger only.
 */
import type { Millis } from '../streams/time.ts'

export interface BatchPolicy {
  readonly rowsMax: number
  /** How long the first row of a batch may wait for company. */
  readonly lingerMs: Millis
  /** How long after a commit the next one waits for company, */
  readonly restMs: Millis
  /** unless so many rows have come meanwhile. */
  readonly restRowsMax: number
}

export interface Waiting {
  readonly rows: number
  readonly oldestAt: Millis
  /** When the latest commit was over. */
  readonly committedAt: Millis
  readonly committing: boolean
}

export type BatchDecision =
  | { readonly type: 'commit' }
  | { readonly type: 'wait'; readonly ms: Millis }
  | { readonly type: 'nothing' }

export function decideBatch(policy: BatchPolicy, waiting: Waiting, now: Millis): BatchDecision {
  if (waiting.rows === 0 || waiting.committing) return { type: 'nothing' }
  const lingers = left(waiting.oldestAt, policy.lingerMs, now)
  const rests =
    waiting.rows >= policy.restRowsMax ? 0 : left(waiting.committedAt, policy.restMs, now)
  const ms = Math.max(lingers, rests)
  return waiting.rows >= policy.rowsMax || ms <= 0 ? { type: 'commit' } : { type: 'wait', ms }
}

/** What is left of a time; nothing where the clock was set back meanwhile, since nobody may wait for an hour to come again. */
function left(since: Millis, forMs: Millis, now: Millis): Millis {
  return now < since ? 0 : since + forMs - now
}
