/** What training tells the event stream: a run in full whenever it stands differently, and how it goes in between. */
import { listen } from '../../streams/channels.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import type { EventHub } from '../api/event-hub.ts'
import { runBody } from '../api/routes/training.ts'
import type { StoreReads } from '../store/reads/reads.ts'
import type { Log } from '../telemetry/log.ts'

/** As often as an eye can follow; a trainer may tell more. */
const progressEveryMs: Millis = 500
const logLines = 5

export function tellTraining(
  hub: EventHub,
  reads: Pick<StoreReads, 'trainingRun'>,
  clock: Clock,
  log: Log,
): () => void {
  const shownAt = new Map<number, Millis>()
  const changed = ({ run }: { readonly run: number }): void => {
    reads.trainingRun(run).then(
      (it) => hub.publish('training', { type: 'run', ...runBody(it, logLines) }),
      (error: unknown) => log.say('warn', 'training.untold', { run, error: String(error) }),
    )
  }
  const stops = [
    listen('training.asked', changed),
    listen('training.step', changed),
    listen('training.ended', (it) => {
      shownAt.delete(it.run)
      changed(it)
    }),
    listen('training.progress', (it) => {
      const now = clock.now()
      if (now - (shownAt.get(it.run) ?? Number.NEGATIVE_INFINITY) < progressEveryMs) return
      shownAt.set(it.run, now)
      hub.publish('training', { type: 'progress', ...it })
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
