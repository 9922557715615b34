/** When a crashed child comes back, and when its supervisor gives up on it. Pure: the supervisor owns history, clock and chance. */
import { type Millis, minuteMs } from '../../streams/time.ts'
import type { RestartPolicy } from './spec.ts'

export type Verdict =
  | { readonly type: 'restart'; readonly delayMs: Millis; readonly crashes: readonly Millis[] }
  | { readonly type: 'giveUp'; readonly crashes: readonly Millis[] }

/** A leaf that needs an eighth restart within five minutes is quarantined. */
export const leafPolicy: RestartPolicy = {
  delayMsMin: 200,
  delayMsMax: 30_000,
  restartsMax: 7,
  windowMs: 5 * minuteMs,
  healthyAfterMs: minuteMs,
}

/** What stands on the market, the database or a process comes back for as long as it takes. */
export const patientPolicy: RestartPolicy = { ...leafPolicy, restartsMax: Number.POSITIVE_INFINITY }

/**
 * A process that has worked for some seconds is sound: what it falls over then is its work, which is set aside for that, and
 * all others wait until it is back. One that cannot start takes its time like everybody.
 */
export const workPolicy: RestartPolicy = { ...patientPolicy, healthyAfterMs: 5_000 }

/** A supervisor that gives up for the third time within 30 s is not restarted: its own supervisor gives up too. */
export const supervisorPolicy: RestartPolicy = { ...leafPolicy, restartsMax: 2, windowMs: 30_000 }

/**
 * `upSince` is when the incarnation that crashed had started, null if it crashed while starting. `chance` is uniform in
 * [0, 1): with full jitter, children that fell together do not come back together.
 */
export function judge(
  policy: RestartPolicy,
  crashesBefore: readonly Millis[],
  upSince: Millis | null,
  now: Millis,
  chance: number,
): Verdict {
  const wasHealthy = upSince !== null && now - upSince >= policy.healthyAfterMs
  const remembered = wasHealthy ? [] : crashesBefore.filter((at) => at > now - policy.windowMs)
  const crashes = [...remembered, now]
  if (crashes.length > policy.restartsMax) return { type: 'giveUp', crashes }
  return { type: 'restart', delayMs: backOff(policy, crashes.length - 1, chance), crashes }
}

/** How long after so many failures in a row. */
export function backOff(policy: RestartPolicy, before: number, chance: number): Millis {
  return chance * Math.min(policy.delayMsMin * 2 ** before, policy.delayMsMax)
}
