/**
 * Training takes turns on a machine, whichever daemons it belongs to: so many steps are worked on at a time as the
 * configuration says. A turn whose process has ended, however it ended, counts for nothing.
 */
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Step,
  type StepResult,
  type StepWork,
  turnOf,
  type Workshop,
} from '../../actors/training/run.ts'
import { type Clock, type Millis, wait } from '../../streams/time.ts'
import { tryLock } from '../store/folder-lock.ts'

/** Of one user; others' daemons are not ours to wait for. */
export const turnsFolder = join(tmpdir(), `starling-${process.getuid?.() ?? 0}`, 'training')

const lookMs: Millis = 500

export function inTurns(
  workshop: Workshop,
  {
    places,
    folder,
    clock,
  }: { readonly places: number; readonly folder: string; readonly clock: Clock },
): Workshop {
  const inTurn = async (step: Step, work: StepWork): Promise<StepResult> => {
    const leave = await takeTurn(work, places, folder, clock)
    try {
      return await workshop.work[step](work)
    } finally {
      leave()
    }
  }
  return {
    ...workshop,
    work: {
      dataset: (it) => inTurn('dataset', it),
      fit: (it) => inTurn('fit', it),
      export: (it) => inTurn('export', it),
      verify: (it) => inTurn('verify', it),
      evaluate: (it) => inTurn('evaluate', it),
      judge: (it) => inTurn('judge', it),
      publish: (it) => inTurn('publish', it),
    },
  }
}

/** Answers how to leave it. */
async function takeTurn(
  { signal, tell }: StepWork,
  places: number,
  folder: string,
  clock: Clock,
): Promise<() => void> {
  for (let hasWaited = false; ; hasWaited = true) {
    for (let place = 0; place < places; place++) {
      const lock = tryLock(join(folder, String(place)))
      if (lock === undefined) continue
      if (hasWaited) tell(turnOf(true))
      return lock.release
    }
    signal.throwIfAborted()
    tell(turnOf(false))
    await wait(clock, lookMs)
  }
}
