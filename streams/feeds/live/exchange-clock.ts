/**
 * Market time of a live market: our wall clock plus what the exchange's clock is ahead of it. Measured at the start, every
 * minute, and whenever something hints that one of the two clocks has moved. A changed measurement counts only when a second one agrees.
 */
import type { Clock, Millis } from '../../time.ts'

export interface ExchangeClock {
  now(): Millis
  /** Shared by all who ask at once. Never rejects: without an answer the old offset stays. */
  measure(): Promise<void>
  /** Something happened at the exchange at `at`: there it cannot be earlier now, whatever was measured in whole seconds. */
  witness(at: Millis): void
}

/** Beyond a day it is not a clock that is off. */
const offsetMsMax = 86_400_000
/** A measurement within this of the last is drift and is believed at once. */
const driftMsMax = 1_000

export function exchangeClock(
  clock: Clock,
  ask: () => Promise<Millis | undefined>,
  refused: (detail: string) => void,
): ExchangeClock {
  let offset: Millis | undefined
  let measuring: Promise<void> | undefined

  async function sample(): Promise<Millis | undefined> {
    const askedAt = clock.now()
    const told = await ask()
    if (told === undefined) return undefined
    // The exchange looked at its clock somewhere between the question and the answer.
    return Math.round(told - (askedAt + clock.now()) / 2)
  }

  async function measureOnce(): Promise<void> {
    let found = await sample()
    if (found !== undefined && Math.abs(found - (offset ?? 0)) > driftMsMax) {
      const again = await sample()
      if (again === undefined || Math.abs(again - found) > driftMsMax) return
      found = again
    }
    if (found === undefined) return
    if (Math.abs(found) > offsetMsMax) refused(`the exchange's clock is ${found} ms from ours`)
    else offset = found
  }

  return {
    now: () => clock.now() + (offset ?? 0),
    measure: () => {
      measuring ??= measureOnce()
        .catch((error: unknown) => refused(String(error)))
        .finally(() => {
          measuring = undefined
        })
      return measuring
    },
    witness: (at) => {
      const ahead = at - clock.now() - (offset ?? 0)
      if (ahead > 0 && ahead <= driftMsMax) offset = (offset ?? 0) + ahead
    },
  }
}
