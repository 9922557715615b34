/** Waiting for actors without waiting for luck: nact takes turns of the event loop, and the kit counts them. */
import { setImmediate } from 'node:timers/promises'
import { population } from '../../../actors/actor.ts'
import type { Millis } from '../../../streams/time.ts'
import type { SimulatedClock } from '../simulated-clock.ts'

/**
 * Until no actor has a turn to come. Handlers may still wait for a promise that something outside settles, or for the
 * clock. A round more than the last turn needs lets its promises settle and their owners hear of it.
 */
export async function settled(): Promise<void> {
  do await setImmediate()
  while (population().turns > 0)
  await setImmediate()
  if (population().turns > 0) await settled()
}

/** Lets time pass with actors in it: all that one instant causes happens before the next instant comes. */
export async function pass(clock: SimulatedClock, ms: Millis): Promise<void> {
  const until = clock.now() + ms
  await settled()
  for (let next = clock.nextDueAt; next !== undefined && next <= until; next = clock.nextDueAt) {
    clock.advance(next - clock.now())
    await settled()
  }
  clock.advance(until - clock.now())
}
