/** When the sink writes: at once when it is idle and enough has come or enough time has passed, never two batches at a time. */
import type { Millis } from '../streams/time.ts'

export interface BatchPolicy {
  readonly rowsMax: number
  /** How long the first row of a batch may wait for company. */
  readonly lingerMs: Millis
}

export interface Waiting {
  readonly rows: number
  readonly oldestAt: Millis
  readonly committing: boolean
}

export type BatchDecision =
  | { readonly type: 'commit' }
  | { readonly type: 'wait'; readonly ms: Millis }
  | { readonly type: 'nothing' }

export function decideBatch(policy: BatchPolicy, waiting: Waiting, now: Millis): BatchDecision {
  if (waiting.rows === 0 || waiting.committing) return { type: 'nothing' }
  const ms = waiting.oldestAt + policy.lingerMs - now
  return waiting.rows >= policy.rowsMax || ms <= 0 ? { type: 'commit' } : { type: 'wait', ms }
}
