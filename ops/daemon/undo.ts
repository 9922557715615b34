/** What has been started, in order, and the way back: the last first, each whatever became of the others. */
import type { Log } from '../telemetry/log.ts'

export type Undo = (() => Promise<unknown> | unknown)[]

export async function unwind(undo: Undo, log: Log): Promise<void> {
  for (let step = undo.pop(); step; step = undo.pop()) {
    try {
      await step()
    } catch (error) {
      // The next step must have its turn whatever became of this one; what went wrong is told.
      log.say('error', 'stop.failed', { error: String(error) })
    }
  }
}
