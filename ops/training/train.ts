/**
 * Training without a daemon: the same run, the same steps, by the process of the command itself. One that is cut short is
 * gone on with by the next daemon.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { carryOut, carryTiming } from '../../actors/training/carry-out.ts'
import { Fault } from '../../streams/fault.ts'
import { type Clock, type Millis, wait, wallClock } from '../../streams/time.ts'
import { runBody, type TrainingRunBody } from '../api/routes/training.ts'
import type { CancelTrainingOptions, TrainOptions } from '../cli/world.ts'
import { environment } from '../config/environment.ts'
import type { Store } from '../store/store.ts'
import { readRun } from '../store/training/read-training.ts'
import { openRunJournal, trainingLeaseMs } from '../store/training/training-runs.ts'
import { artifactFiles } from '../store/versions/artifact-files.ts'
import { openRegistry } from '../store/versions/registry.ts'
import { openStoreWork } from '../store-work.ts'
import { openTrainingBench } from './bench.ts'
import { turnsFolder } from './machine-turn.ts'
import { openTrainers } from './trainable.ts'

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
    const { id } = await bench.journal.ask({
      lane: { coin: options.coin, family: options.family },
      cause: 'hand',
      rowsMax: options.rows ?? null,
      trials: options.trials ?? 1,
      seed: options.seed ?? 1,
      warmStart: options.warmStart ?? config.fleet.families[options.family]?.warmStart ?? false,
      timeLimitMs: config.training.timeLimit,
      marketAt: await newestCandle(store, options),
    })
    const holder = { name: `command-${randomUUID()}`, epoch: 1 }
    const showing = show(store, id, options.heard, clock)
    try {
      await work({ ...bench, clock, holder, timing: carryTiming }, id, config.training.concurrency)
    } finally {
      showing.unsubscribe()
    }
    return runBody(await readRun(store.sql, id))
  } finally {
    await registry.close()
    await close()
  }
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

function show(store: Store, id: number, heard: TrainOptions['heard'], clock: Clock) {
  const showing = clock.schedule(function (this) {
    readRun(store.sql, id)
      .then(
        (run) => heard(runBody(run)),
        // It is shown the next time; the work itself says what is wrong with the store.
        () => undefined,
      )
      .finally(() => {
        if (!showing.closed) this.schedule(undefined, lookEveryMs)
      })
  }, lookEveryMs)
  return showing
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
