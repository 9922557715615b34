/** Training as the daemon has it: in its tree, behind its API, told to its event stream and, in a line each, on its terminal. */
import type { Registry } from '../../models/registry.ts'
import { laneName } from '../../models/version.ts'
import { listen } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import type { EventHub } from '../api/event-hub.ts'
import { environment } from '../config/environment.ts'
import type { Config } from '../config/schema.ts'
import type { DataDirectory } from '../store/data-directory.ts'
import type { Store } from '../store/store.ts'
import type { Log } from '../telemetry/log.ts'
import { openTrainingBench } from './bench.ts'
import { turnsFolder } from './machine-turn.ts'
import { tellTraining } from './tell-training.ts'
import { openTrainers, trainable } from './trainable.ts'
import { openTraining, type Training } from './training.ts'
import type { HistoryWatch } from './watch-history.ts'

export interface DaemonTrainingPorts {
  readonly store: Store
  readonly registry: Registry
  readonly config: Config
  readonly directory: DataDirectory
  readonly clock: Clock
  readonly log: Log
  readonly say: (text: string) => void
  readonly hub: EventHub
  readonly history: HistoryWatch
  readonly marketNow: () => Millis
  readonly coins: () => readonly Coin[]
}

export interface TrainingInDaemon extends Training {
  readonly stop: () => void
}

export async function trainingInDaemon(ports: DaemonTrainingPorts): Promise<TrainingInDaemon> {
  const { store, registry, config, directory, clock, log, hub } = ports
  const { path } = directory
  const trainers = openTrainers({
    path,
    env: environment(),
    clock,
    mayFetch: config.training.python === 'auto',
  })
  const turns = turnsFolder
  const bench = openTrainingBench({ store, registry, config, clock, path, trainers, turns })
  await bench.sweep()
  const training = openTraining({
    ...ports,
    ...bench,
    holder: directory.id,
    trainable: (family) => trainable(family, config, trainers),
  })
  const stopTelling = [tellTraining(hub, store.reads, clock, log), tellStory(ports.say)]
  return {
    ...training,
    stop: () => {
      for (const stop of stopTelling) stop()
    },
  }
}

const begins = {
  hand: 'asked for',
  schedule: 'its turn',
  first: 'it has only its shipped version',
  drift: 'its version is past its age',
} as const

/** What somebody at the terminal wants to know: that it begins, and what came of it. */
function tellStory(say: (text: string) => void): () => void {
  const name = (it: { coin: string; family: string }): string =>
    laneName({ coin: it.coin as Coin, family: it.family })
  const stops = [
    listen('training.set_up', ({ packages, size }) =>
      say(
        `training fetches Python packages (${packages}: ${size}), once; training.python: off prevents it`,
      ),
    ),
    listen('training.asked', (it) =>
      say(
        `${name(it)} is to be trained: ${begins[it.cause as keyof typeof begins]} (run ${it.run})`,
      ),
    ),
    listen('training.ended', (it) => {
      const why = it.detail === null ? '' : `: ${it.detail}`
      say(`${name(it)}, run ${it.run}: ${it.state} after ${it.seconds.toFixed(0)} s${why}`)
    }),
  ]
  return () => {
    for (const stop of stops) stop()
  }
}
