/**
 * The whole path in one process and in simulated time: a seeded tape, the assembly that the daemon runs, a ledger and
 * models of arithmetic, and by another seed all that may go wrong between them. Two worlds of the same market must end
 * with the same ledger, whatever happened to one of them.
 */
import { join } from 'node:path'
import { openArtifact } from '../../models/artifact.ts'
import type { Pointer, Version } from '../../models/version.ts'
import { assemble } from '../../ops/assemble.ts'
import type { Coin } from '../../streams/coin.ts'
import { featureSet } from '../../streams/features/set.ts'
import { Pace } from '../../streams/feeds/pace.ts'
import { seededMarket, seededStartAt } from '../../streams/feeds/tape/seeded.ts'
import { tapeFeed } from '../../streams/feeds/tape/tape.ts'
import { type Random, randomFrom } from '../../streams/random.ts'
import { dayMs, type Millis, minuteMs } from '../../streams/time.ts'
import type { FleetLane } from '../../supervisor/fleet/lane-actors.ts'
import { patientPolicy } from '../../supervisor/tree/restart-policy.ts'
import type { TreeNode } from '../../supervisor/tree/spec.ts'
import { supervise } from '../../supervisor/tree/supervise.ts'
import { worker } from '../../supervisor/tree/worker.ts'
import { pass } from '../support/actors/settled.ts'
import { btc, eth } from '../support/candles.ts'
import { SimulatedClock } from '../support/simulated-clock.ts'
import { SimulatedLedger } from './simulated-ledger.ts'
import { simulatedPool } from './simulated-pool.ts'
import { stormy } from './storm.ts'

export interface Weather {
  readonly seed: number
  readonly outagesPerHour: number
  /** Actors that are killed, per hour of the market. */
  readonly killsPerHour: number
  /** Daemons that die without a word, per hour of the market. */
  readonly deathsPerHour: number
  readonly commitMsMax: Millis
  readonly answerMsMax: Millis
  readonly failing: number
}

export const calm: Weather = {
  seed: 0,
  outagesPerHour: 0,
  killsPerHour: 0,
  deathsPerHour: 0,
  commitMsMax: 1,
  answerMsMax: 1,
  failing: 0,
}

const coins: readonly Coin[] = [btc, eth]
const families = ['linear', 'tst', 'volatility']
const graceMs = 2_000
const speed = 60
/** The outages are over, and all that was held up may be done. */
const calmingMs = 180 * minuteMs
const models = join(import.meta.dirname, '..', '..', 'models')

export interface Ended {
  readonly ledger: SimulatedLedger
  readonly kills: number
  readonly deaths: number
}

/** Plays `hours` of the market that has this seed, through that weather. */
export async function live(marketSeed: number, hours: number, weather: Weather): Promise<Ended> {
  const random = randomFrom(`weather ${weather.seed}`)
  const clock = new SimulatedClock(Date.UTC(2026, 10, 1))
  const lanes = await lanesOfAll()
  const pointers: Pointer[] = [...lanes.values()].flat().map(({ lane }) => ({
    ...lane,
    version: 1,
    slot: 'v1',
    from: seededStartAt,
    until: null,
  }))
  const ledger = new SimulatedLedger(pointers, random, clock, weather)
  const endAt = seededStartAt + hours * 60 * minuteMs
  const counts = { kills: 0, deaths: 0 }
  let lives = 0
  let startAt: Millis = seededStartAt
  const stepMs = minuteMs
  while (startAt < endAt + calmingMs) {
    const market = seededMarket({ seed: marketSeed })
    const tape = tapeFeed({ market, clock, speed, graceMs, startAt })
    const isOver = (): boolean => tape.now() >= endAt
    const feed = stormy(tape, random, weather.outagesPerHour, isOver)
    const assembling = assemble({
      feed,
      pace: new Pace(),
      set: featureSet(minuteMs),
      clock,
      random: () => random.uniform(),
      epochs: () => ++lives,
      coins,
      writer: ledger.takeOver(),
      reader: ledger,
      lanes: (coin) => lanes.get(coin) ?? [],
      pointers: (lane) =>
        pointers.filter(({ coin, family }) => coin === lane.coin && family === lane.family),
      resolveOutcomes: () => Promise.resolve(0),
      timing: {
        graceMs,
        correctionMs: 10 * minuteMs,
        warmMs: dayMs / 4,
        historyMs: 0,
        tradesReachMs: 2 * 60 * minuteMs,
      },
      inference: () => inference(lanes, random, weather),
    })
    const { tree } = await during(clock, assembling)
    let isDead = false
    while (!isDead && tape.now() < endAt + calmingMs) {
      await pass(clock, stepMs / speed)
      if (isOver()) continue
      const share = stepMs / (60 * minuteMs)
      if (random.uniform() < weather.killsPerHour * share) {
        const paths = workers(tree.snapshot())
        const path = paths[Math.floor(random.uniform() * paths.length)] as string
        counts.kills++
        void tree.restart(path, 'simulated').catch(() => {})
      }
      isDead = random.uniform() < weather.deathsPerHour * share
    }
    if (isDead) counts.deaths++
    // A daemon that died has no say any more: its lease is gone before its tree is taken down.
    if (isDead) ledger.takeOver()
    await during(clock, tree.stop(isDead ? 0 : 20_000))
    const known = await Promise.all(coins.map((coin) => ledger.position(coin)))
    startAt = isDead ? Math.min(...known.map((at) => at ?? seededStartAt)) : tape.now()
  }
  return { ledger, ...counts }
}

async function lanesOfAll(): Promise<ReadonlyMap<Coin, readonly FleetLane[]>> {
  const artifacts = await Promise.all(families.map((it) => openArtifact(join(models, it, 'v1'))))
  return new Map(
    coins.map((coin) => [
      coin,
      families.map((family, i): FleetLane => {
        const artifact = artifacts[i] as (typeof artifacts)[number]
        return {
          lane: { coin, family },
          versions: [{ version: { coin, family, version: 1 }, artifact }],
        }
      }),
    ]),
  )
}

function inference(
  lanes: ReadonlyMap<Coin, readonly FleetLane[]>,
  random: Random,
  weather: Weather,
): ReturnType<Parameters<typeof assemble>[0]['inference']> {
  const manifestOf = ({ coin, family }: Version) => {
    const lane = lanes.get(coin)?.find((it) => it.lane.family === family)
    return (lane as FleetLane).versions[0]?.artifact.manifest as never
  }
  const pool = worker('pool', simulatedPool(manifestOf, random, weather), { policy: patientPolicy })
  return {
    pool: pool.address,
    spec: supervise('inference', 'inference', 'rest_for_one', [pool.spec]),
  }
}

/** Lets time pass until a promise that waits for it has settled. */
async function during<T>(clock: SimulatedClock, promise: Promise<T>): Promise<T> {
  let isSettled = false
  const settle = (): void => {
    isSettled = true
  }
  promise.then(settle, settle)
  for (let steps = 0; !isSettled && steps < 100_000; steps++) await pass(clock, 10)
  return promise
}

function workers(node: TreeNode): readonly string[] {
  return node.children.length === 0 ? [node.path] : node.children.flatMap(workers)
}
