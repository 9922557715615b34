/**
 * Learning as a part of the running daemon: the trainer and the scheduler in the tree, what operators may ask of them, and
 * what the event stream hears. It never holds up what is live: everything heavy is done in other processes.
 */
import { merge, Observable, Subject } from 'rxjs'
import { carryTiming } from '../../actors/training/carry-out.ts'
import type { LaneFacts } from '../../actors/training/due.ts'
import type { RunJournal } from '../../actors/training/journal.ts'
import type { Cause, Workshop } from '../../actors/training/run.ts'
import { type LanePlan, scheduler } from '../../actors/training/scheduler.ts'
import { trainer } from '../../actors/training/trainer.ts'
import { type Lane, laneName } from '../../models/version.ts'
import { listen, tell } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import { patientPolicy } from '../../supervisor/tree/restart-policy.ts'
import type { SupervisorSpec } from '../../supervisor/tree/spec.ts'
import { supervise } from '../../supervisor/tree/supervise.ts'
import { worker } from '../../supervisor/tree/worker.ts'
import type { AskedTraining, TrainingControls } from '../api/deps.ts'
import type { Config } from '../config/schema.ts'
import type { Store } from '../store/store.ts'
import { readRun, readTrainedLanes, type TrainedLane } from '../store/training/read-training.ts'
import type { HistoryWatch } from './watch-history.ts'
import { wholeOrder } from './whole-order.ts'

export interface TrainingPorts {
  readonly store: Store
  readonly journal: RunJournal
  readonly workshop: Workshop
  readonly config: Config
  /** Who this daemon is, the same in all its lives. */
  readonly holder: string
  readonly history: HistoryWatch
  readonly marketNow: () => Millis
  readonly coins: () => readonly Coin[]
  readonly trainable: (family: string) => Trainable
}

/** What is known of a family's trainer before it is run. */
export interface Trainable {
  /** Why it cannot be trained here, and what to do; null where it can. */
  readonly obstacle: string | null
  readonly candlesMin: number
  readonly candlesMax: number
  /** How old its newest version may grow. */
  readonly retrainMs: Millis
}

export interface Training {
  /** To be added to the running tree. */
  readonly spec: SupervisorSpec
  readonly controls: TrainingControls
}

/** An aborted step writes its last line and lets go. */
const shutdownMs: Millis = 8_000

export function openTraining(ports: TrainingPorts): Training {
  const { config, journal, workshop, store } = ports
  const asked$ = new Subject<void>()
  let plan: ReadonlyMap<string, LanePlan> = new Map()

  const ask = async (asked: AskedTraining, cause: Cause) => {
    const { id, lane } = await journal.ask(wholeOrder(asked, cause, ports.marketNow(), config))
    tell('training.asked', { run: id, ...lane, cause })
    asked$.next()
    return readRun(store.sql, id)
  }
  const trainers = worker(
    'trainer',
    trainer({
      journal,
      workshop,
      holder: ports.holder,
      concurrency: config.training.concurrency,
      timing: carryTiming,
      asked$,
    }),
    { policy: patientPolicy, shutdownMs },
  ).spec
  const schedule = worker(
    'scheduler',
    scheduler({
      facts: () => factsOf(ports),
      marketNow: ports.marketNow,
      ask,
      changes$: merge(told('training.ended'), ports.history.complete$),
      decided: (it) => {
        plan = it
      },
    }),
    { policy: patientPolicy },
  ).spec
  const isOff = config.training.where === 'off'
  return {
    spec: supervise(
      'training',
      'training',
      'one_for_one',
      isOff ? [trainers] : [trainers, schedule],
    ),
    controls: {
      ask: async (order) => {
        checkLane(ports, order)
        return ask(order, 'hand')
      },
      cancel: async (run) => {
        await journal.cancel(run)
        asked$.next()
        return readRun(store.sql, run)
      },
      plan: () => {
        if (!isOff) return [...plan.values()]
        const due = { type: 'off', detail: 'training.where is off' } as const
        return lanesOf(ports).map((lane) => ({ lane, due }))
      },
    },
  }
}

function lanesOf({ coins, config }: TrainingPorts) {
  return coins().flatMap((coin) =>
    Object.keys(config.fleet.families).map((family) => ({ coin, family })),
  )
}

function checkLane(ports: TrainingPorts, lane: Lane): void {
  if (!lanesOf(ports).some((it) => laneName(it) === laneName(lane)))
    throw new Fault('lane.unknown', `${laneName(lane)} is not followed here`)
}

async function factsOf(ports: TrainingPorts): Promise<readonly LaneFacts[]> {
  const { store, config } = ports
  // Once for each family: its defaults are read from the disk, and a fleet may have a hundred lanes.
  const trainables = new Map(
    Object.keys(config.fleet.families).map((name) => [name, ports.trainable(name)]),
  )
  const known = await readTrainedLanes(store.sql)
  const stored = new Map<Coin, number>()
  for (const coin of ports.coins()) {
    const range = await store.reader.candleRange(coin)
    stored.set(coin, range ? (range.to - range.from) / store.intervalMs : 0)
  }
  return lanesOf(ports).map((lane) => {
    const it = known.get(laneName(lane))
    const { obstacle, candlesMin, candlesMax, retrainMs } = trainables.get(lane.family) as Trainable
    return {
      lane,
      retrainMs,
      obstacle,
      isUnderWay: it?.isUnderWay ?? false,
      hasOnlyShipped: (it?.versions ?? 0) <= 1,
      past: it?.past ?? [],
      history: {
        candles: stored.get(lane.coin) ?? 0,
        ...ports.history.of(lane.coin),
        candlesMin,
        candlesMax,
      },
      isPastItsAge: it !== undefined && isPastItsAge(ports, lane, it),
    }
  })
}

/** It asks once for each time that it grows too old; after that it is tried again as after any trouble. */
function isPastItsAge(
  { config, marketNow }: TrainingPorts,
  { family }: Lane,
  { trainedTo, past }: TrainedLane,
): boolean {
  const age = config.fleet.families[family]?.expiresAfter ?? null
  if (age === null || trainedTo === null) return false
  const expiredAt = trainedTo + age
  return marketNow() >= expiredAt && (past[0]?.marketAt ?? 0) < expiredAt
}

function told(event: 'training.ended'): Observable<unknown> {
  return new Observable((subscriber) => listen(event, (what) => subscriber.next(what)))
}
