/**
 * Training without a daemon: the same run, the same steps, by the process of the command itself. One that is cut short is
 * gone on with by the next daemon, or by the next command: so is one that a daemon has left.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { carryOut, carryTiming } from '../../actors/training/carry-out.ts'
import type { RunJournal } from '../../actors/training/journal.ts'
import type { TrainingOrder } from '../../actors/training/run.ts'
import { Fault } from '../../streams/fault.ts'
import { type Clock, type Millis, wait, wallClock } from '../../streams/time.ts'
import { runBody, type TrainingRunBody } from '../api/routes/training.ts'
import type { CancelTrainingOptions, TrainOptions } from '../cli/world.ts'
import { environment } from '../config/environment.ts'
import { every } from '../every.ts'
import type { Store } from '../store/store.ts'
import { readOpenRun, readRun } from '../store/training/read-training.ts'
import { openRunJournal, trainingLeaseMs } from '../store/training/training-runs.ts'
import { artifactFiles } from '../store/versions/artifact-files.ts'
import { openRegistry } from '../store/versions/registry.ts'
import { openStoreWork } from '../store-work.ts'
import { openTrainingBench } from './bench.ts'
import { turnsFolder } from './machine-turn.ts'
import { openTrainers } from './trainable.ts'
import { wholeOrder } from './whole-order.ts'

const lookEveryMs: Millis = 300

export async function train(options: TrainOptions): Promise<TrainingRunBody> {
  const { config, dataPath } = options
  const clock = wallClock
  const { store, artifacts, close } = await openStoreWork(dataPath, config)
  const registry = await openRegistry({ store, files: artifactFiles(artifacts), folder: artifacts })
  const path = join(artifacts, '..')
  const trainers = openTrainers({
    path,
    env: environment(),
    clock,
    mayFetch: config.training.python === 'auto',
  })
  const turns = turnsFolder
  const bench = openTrainingBench({ store, registry, config, clock, path, trainers, turns })
  try {
    const id = await runFor(store, bench.journal, options)
    const holder = { name: `command-${randomUUID()}`, epoch: 1 }
    const stopShowing = show(store, id, options.heard, clock)
    try {
      await work({ ...bench, clock, holder, timing: carryTiming }, id, config.training.concurrency)
    } finally {
      stopShowing()
    }
    return runBody(await readRun(store.sql, id))
  } finally {
    await registry.close()
    await close()
  }
}

/** A run of the lane that is not over is gone on with, unless it is another than what is asked for. */
async function runFor(store: Store, journal: RunJournal, options: TrainOptions): Promise<number> {
  const order = wholeOrder(options, 'hand', await newestCandle(store, options), options.config)
  try {
    const { id } = await journal.ask(order)
    return id
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== 'training.busy') throw error
    const open = await readOpenRun(store.sql, order.lane)
    if (open && isMeant(open, options)) return open.id
    const what = `${error.message}; without options this command goes on with it`
    throw new Fault('training.busy', what)
  }
}

function isMeant(open: TrainingOrder, { rows, trials, seed, warmStart }: TrainOptions): boolean {
  return (
    (rows ?? open.rowsMax) === open.rowsMax &&
    (trials ?? open.trials) === open.trials &&
    (seed ?? open.seed) === open.seed &&
    (warmStart ?? open.warmStart) === open.warmStart
  )
}

/** Until it is over: a wait before another try, or for another run to end, is waited for here. */
async function work(
  ports: Parameters<typeof carryOut>[0],
  id: number,
  atOnce: number,
): Promise<void> {
  const { journal, clock } = ports
  const notStopped = new AbortController().signal
  for (;;) {
    const claimed = await journal.claim(ports.holder, atOnce, id)
    if (claimed) {
      const carried = await carryOut(ports, claimed, notStopped)
      if (carried.type === 'ended') return
    }
    const { state } = await journal.read(id)
    if (state !== 'queued' && state !== 'running') return
    await wait(clock, claimed ? lookEveryMs : trainingLeaseMs / 10)
  }
}

async function newestCandle(store: Store, { coin }: TrainOptions): Promise<Millis> {
  const range = await store.reader.candleRange(coin)
  if (range) return range.to
  throw new Fault(
    'store.absent',
    `nothing of ${coin} is stored: start the daemon, or import a file`,
  )
}

function show(store: Store, id: number, heard: TrainOptions['heard'], clock: Clock): () => void {
  // One that cannot be read is shown the next time; the work itself says what is wrong with the store.
  const look = (): Promise<void> =>
    readRun(store.sql, id).then(
      (run) => heard(runBody(run)),
      () => undefined,
    )
  return every(clock, lookEveryMs, look, (error) => {
    throw error
  })
}

export async function cancelTraining(options: CancelTrainingOptions): Promise<TrainingRunBody> {
  const { store, close } = await openStoreWork(options.dataPath, options.config)
  try {
    const { id } = await openRunJournal(store.sql, store.names).cancel(options.run)
    return runBody(await readRun(store.sql, id))
  } finally {
    await close()
  }
}
