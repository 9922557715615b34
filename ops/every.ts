/** Does something again and again: one run at a time, and the next is due so long after the last has ended. */
import type { Clock, Millis } from '../streams/time.ts'

/** Answers how to stop it. */
export function every(
  clock: Clock,
  ms: Millis,
  run: () => Promise<unknown>,
  failed: (error: unknown) => void,
): () => void {
  const chore = clock.schedule(function (this) {
    run()
      .catch(failed)
      .finally(() => {
        if (!chore.closed) this.schedule(undefined, ms)
      })
  }, ms)
  return () => chore.unsubscribe()
}
