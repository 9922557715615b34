/** How long a live feed waits for what, and how much it holds meanwhile. Tests and a busy exchange may want others. */
import { type Millis, minuteMs } from '../../time.ts'
import { type Backoff, reconnectBackoff } from '../reconnect.ts'
import { type StalenessBounds, stalenessBounds } from '../staleness.ts'

export interface FollowLimits {
  readonly tickMs: Millis
  readonly graceMs: Millis
  /** How long candles wait for what is missing before they are closed as part of a gap. */
  readonly patienceMs: Millis
  /** How long a trade may come after one with a later number before it counts as lost. */
  readonly reorderMsMax: Millis
  /** A tick later than this means that we were stopped, or that the wall clock was set. */
  readonly lateTickMs: Millis
  /** A trade further ahead of the exchange's clock than this is refused. */
  readonly aheadMsMax: Millis
  /** Live trades held back while filling; with more, order is given up, not trades. */
  readonly heldTradesMax: number
  /** Where trades have no running number, one more look this long after filling catches what REST showed late. */
  readonly secondLookMs: Millis
  /** How long REST may take to say whether a silent coin is merely quiet. */
  readonly verifyMsMax: Millis
  /** A market that has been halted for so long has ended. */
  readonly haltedMsMax: Millis
  readonly staleness: StalenessBounds
}

export interface LiveLimits extends FollowLimits {
  readonly backoff: Backoff
  readonly connectMsMax: Millis
  readonly measureEveryMs: Millis
  readonly coinsPerSocketMax: number
}

export const liveLimits: LiveLimits = {
  tickMs: 1_000,
  graceMs: 2_000,
  patienceMs: minuteMs,
  reorderMsMax: 2_000,
  lateTickMs: 5_000,
  aheadMsMax: 10_000,
  heldTradesMax: 20_000,
  secondLookMs: 5_000,
  verifyMsMax: 10_000,
  haltedMsMax: 60 * minuteMs,
  staleness: stalenessBounds,
  backoff: reconnectBackoff,
  connectMsMax: 15_000,
  measureEveryMs: minuteMs,
  coinsPerSocketMax: 100,
}
