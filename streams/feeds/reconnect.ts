/**
 * When to try again: doubling with full jitter, and never before an exchange's `Retry-After`. Full jitter because a
 * fleet that lost the same exchange at the same moment must not come back at the same moment.
 */
import type { Millis } from '../time.ts'

export interface Backoff {
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** A connection that lived this long starts the next series from the beginning. */
  readonly forgottenAfterMs: Millis
}

export const reconnectBackoff: Backoff = {
  delayMsMin: 200,
  delayMsMax: 30_000,
  forgottenAfterMs: 60_000,
}

/** An exchange that asks for longer than this is asked again anyway: a day's ban must not outlive its cause unseen. */
const retryAfterMsMax = 600_000

/** `attempt` counts from 0. What the exchange asked for is waited in full, and the jitter comes on top of it. */
export function delayMs(
  backoff: Backoff,
  attempt: number,
  random: () => number,
  retryAfterMs: Millis = 0,
): Millis {
  const ceiling = Math.min(backoff.delayMsMin * 2 ** Math.min(attempt, 32), backoff.delayMsMax)
  return Math.min(retryAfterMs, retryAfterMsMax) + Math.round(random() * ceiling)
}

/** RFC 9110: a number of seconds or an HTTP date; undefined when it is neither. */
export function parseRetryAfter(text: string | undefined, now: Millis): Millis | undefined {
  if (text === undefined) return undefined
  if (/^\s*\d+(\.\d+)?\s*$/.test(text)) return Math.ceil(Number(text) * 1000)
  const at = Date.parse(text)
  return Number.isNaN(at) ? undefined : Math.max(0, at - now)
}
