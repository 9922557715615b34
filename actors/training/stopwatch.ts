/**
 * How much time is worked, by looks and not by the clock: a machine that slept, or a clock that was set, adds no more
 * than a few looks, and takes nothing away.
 */
import type { Clock, Millis } from '../../streams/time.ts'

/** A look may be late by so many; what is missing beyond that nobody has worked. */
const looksMax = 3

/** Each call answers what has passed since the one before. There is a look at least every `lookMs`. */
export function stopwatch(clock: Clock, lookMs: Millis): () => Millis {
  let lookedAt = clock.now()
  return () => {
    const now = clock.now()
    const passed = Math.min(Math.max(0, now - lookedAt), looksMax * lookMs)
    lookedAt = now
    return passed
  }
}
