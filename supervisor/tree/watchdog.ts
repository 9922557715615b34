/**
 * Finds actors that stand still although messages wait for them, whatever the cause: every handler has its deadline, so
 * this catches what no one thought of. It counts its own rounds and not the clock, so a machine that was suspended does
 * not look like a fleet that hangs.
 */
import type { Subscription } from 'rxjs'
import type { Clock, Millis } from '../../streams/time.ts'
import type { RunningWorker } from './running-worker.ts'

const roundMs: Millis = 5_000
const standstillMs: Millis = 30_000

export type Watched = Pick<RunningWorker, 'life' | 'spec' | 'kill'>

export function watchProgress(clock: Clock, workers: () => Iterable<Watched>): Subscription {
  let seen = new Map<Watched, Standing>()
  return clock.schedule(function round() {
    const now = new Map<Watched, Standing>()
    for (const worker of workers()) {
      const standing = look(worker, seen.get(worker))
      now.set(worker, standing)
      if (standing.rounds < roundsMax(worker)) continue
      now.delete(worker)
      worker.kill(
        `no progress in ${standing.rounds * (roundMs / 1000)} s with ${worker.spec.mailbox.size} waiting`,
      )
    }
    seen = now
    this.schedule(undefined, roundMs)
  }, roundMs)
}

interface Standing {
  readonly begun: number
  readonly rounds: number
}

function look(worker: Watched, before: Standing | undefined): Standing {
  const { begun, size } = worker.spec.mailbox
  const stands = worker.life !== undefined && size > 0
  return { begun, rounds: stands && begun === before?.begun ? before.rounds + 1 : 0 }
}

/** A handler that may take longer than the standstill is left to its own deadline first. */
function roundsMax(worker: Watched): number {
  return Math.ceil(Math.max(standstillMs, 2 * worker.spec.actor.deadlineMs) / roundMs)
}
