/**
 * 200 coins close the same minute, each with nine versions of their own: 1,800 predictions by 1,800 different artifacts of
 * linear and transformer size, through the real fleet, pool and PostgreSQL. The wait runs from the moment the clock closed
 * the candle until the version hears that its answer is committed; there is no grace.
 */
import { rm } from 'node:fs/promises'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { childrenFor } from '../../actors/inference/home.ts'
import { openArtifact } from '../../models/artifact.ts'
import type { Lane, Pointer } from '../../models/version.ts'
import { assemble, inferenceTree } from '../../ops/assemble.ts'
import { openDataDirectory } from '../../ops/store/data-directory.ts'
import { removeDataDirectory, startServer } from '../../ops/store/embedded/server.ts'
import { acquireLease } from '../../ops/store/lease.ts'
import { openStore, type Store } from '../../ops/store/store.ts'
import { assignSlot, registerVersion } from '../../ops/store/versions/versions.ts'
import { listen } from '../../streams/channels.ts'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { featureSet } from '../../streams/features/set.ts'
import { Pace } from '../../streams/feeds/pace.ts'
import type { TapeMarket } from '../../streams/feeds/tape/market.ts'
import { tapeFeed } from '../../streams/feeds/tape/tape.ts'
import { dayMs, type Millis, minuteMs, wallClock } from '../../streams/time.ts'
import { TradesBuilder } from '../../streams/trade.ts'
import type { FleetLane } from '../../supervisor/fleet/lane-actors.ts'
import { median, quantile } from '../support/quantile.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { Figure } from './figure.ts'
import { shipped, writeVariant } from './variant.ts'

const coinCount = 200
const families = 9
const closes = 12
/** The first closes open the sessions, and what follows is compiled meanwhile: up to half as slow again. */
const closesBefore = 4
/** Three seconds a candle: each close is over before the next. */
const speed = 20
const everyMs = 12_000

export async function benchBurst(): Promise<readonly Figure[]> {
  const folder = temporaryFolder()
  const directory = openDataDirectory(join(folder, 'data'))
  const server = await startServer(directory.path)
  const store = await openStore({
    address: { type: 'socket', path: server.socket },
    market: market.name,
    intervalMs: minuteMs,
  })
  try {
    const lease = await acquireLease(store.sql, 'fleet', 'bench')
    const pace = new Pace()
    const feed = tapeFeed({ market, clock: wallClock, speed, graceMs: 0, pace })
    const coins = Array.from({ length: coinCount }, (_, i) => parseCoin(`C${i}/USDT`) as Coin)
    const lanes = new Map<Coin, readonly FleetLane[]>()
    for (const [i, coin] of coins.entries())
      lanes.set(coin, await lanesOf(store, folder, coin, i, feed.now()))
    await store.prepareParts(feed.now())
    let lives = 0
    const assembly = await assemble({
      feed,
      pace,
      set: featureSet(minuteMs),
      clock: wallClock,
      random: Math.random,
      epochs: () => ++lives,
      coins,
      writer: store.writer(lease, () => wallClock.now()),
      reader: store.reader,
      lanes: (coin) => lanes.get(coin) ?? [],
      pointers: (lane) => [pointerOf(lane, market.startAt - minuteMs)],
      resolveOutcomes: async () => 0,
      timing: {
        graceMs: 0,
        correctionMs: 2 * minuteMs,
        warmMs: 1.2 * dayMs,
        historyMs: 0,
        tradesReachMs: dayMs,
      },
      inference: (quarantined) =>
        inferenceTree(
          { children: childrenFor(cpus().length), rssMax: 2 * 1024 ** 3, deadlineMs: 30_000 },
          quarantined,
        ),
    })
    const waits = await waitsOfCloses()
    await assembly.tree.stop(20_000)
    const p99 = waits.map((close) => quantile(close, 0.99))
    const name = `${coinCount} coins × ${families} versions close at once`
    return [
      {
        name: `${name}, 99th percentile of all of ${closes} closes`,
        value: quantile(waits.flat(), 0.99),
        unit: 'ms',
        limit: { atMost: 300 },
      },
      {
        name: `${name}, 99th percentile, median of ${closes} closes`,
        value: median(p99),
        unit: 'ms',
        limit: { atMost: 300 },
      },
      {
        name: `${name}, 99th percentile, worst close`,
        value: Math.max(...p99),
        unit: 'ms',
        limit: { atMost: 300 },
      },
    ]
  } finally {
    await store.close()
    await server.stop()
    await removeDataDirectory(directory.path)
    await rm(folder, { recursive: true, force: true })
  }
}

/** Waits by close, once the first ones are over. */
function waitsOfCloses(): Promise<readonly (readonly number[])[]> {
  return new Promise((resolve) => {
    const dueAt = new Map<Millis, Millis>()
    const heardAt = new Map<Millis, Millis[]>()
    const stops = [
      listen('candle.closed', ({ openAt, waitMs }) => {
        dueAt.set(openAt, wallClock.now() - waitMs)
      }),
      listen('prediction.committed', ({ openAt, mode }) => {
        if (mode !== 'live') return
        const heard = heardAt.get(openAt) ?? []
        heardAt.set(openAt, heard)
        heard.push(wallClock.now())
        if (heard.length < coinCount * families) return
        const whole = [...heardAt].filter(([, it]) => it.length === coinCount * families)
        if (whole.length < closesBefore + closes) return
        for (const stop of stops) stop()
        resolve(
          whole.slice(-closes).map(([at, it]) => it.map((now) => now - (dueAt.get(at) as Millis))),
        )
      }),
    ]
  })
}

async function lanesOf(
  store: Store,
  folder: string,
  coin: Coin,
  i: number,
  now: Millis,
): Promise<readonly FleetLane[]> {
  const lanes: FleetLane[] = []
  for (let f = 0; f < families; f++) {
    const lane = { coin, family: `family_${f}` }
    const to = join(folder, 'variants', `${i}-${f}`)
    await writeVariant(shipped((i + f) % 2 === 0 ? 'linear' : 'tst'), to, `${i}-${f}`)
    const artifact = await openArtifact(to)
    const { sha256, manifest } = artifact
    const version = await registerVersion(store.sql, store.names, {
      ...lane,
      sha256,
      manifest,
      metrics: null,
      artifact: sha256,
    })
    await assignSlot(store.sql, store.names, 'v1', version, now - minuteMs)
    lanes.push({ lane, versions: [{ version, artifact }] })
  }
  return lanes
}

/** Five trades a minute that follow from coin and minute alone: the market is not what is measured. */
const market: TapeMarket = {
  name: 'bench-burst',
  startAt: Date.UTC(2026, 0, 1),
  tells: { takerBuyVolume: true, trades: true },
  span: () => ({ from: 0, to: Number.POSITIVE_INFINITY }),
  *trades(coin, from, to) {
    const builder = new TradesBuilder()
    for (let at = Math.ceil(from / everyMs) * everyMs; at < to; at += everyMs) {
      const wave = Math.sin(at / 9e6 + coin.length) + Math.sin(at / 7e5 + coin.charCodeAt(1))
      builder.push(at, at / everyMs, 100 + wave, 1 + Math.abs(wave), wave > 0 ? 1 : -1)
    }
    if (builder.length > 0) yield builder.take()
  },
}

function pointerOf(lane: Lane, from: Millis): Pointer {
  return { ...lane, version: 1, slot: 'v1', from, until: null }
}
