/** Ends a fleet in the reverse order of its start, within a deadline; what has not left by then is killed and named. */
import type { Clock, Millis } from '../../streams/time.ts'

export interface Leaving {
  /** Begins the stop and settles when all have left. */
  readonly stop: () => Promise<void>
  /** Ends at once all that still live, and names them. */
  readonly kill: (reason: string) => readonly string[]
}

export async function shutDown(
  fleet: Leaving,
  clock: Clock,
  deadlineMs: Millis,
): Promise<readonly string[]> {
  const left = fleet.stop()
  return await new Promise((settle, fail) => {
    const patience = clock.schedule(
      () => settle(fleet.kill(`did not leave within ${deadlineMs} ms`)),
      deadlineMs,
    )
    left.then(() => {
      patience.unsubscribe()
      settle([])
    }, fail)
  })
}
