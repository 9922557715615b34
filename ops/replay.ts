/**
 * A tape through the whole path at full speed: the daemon's own assembly, in a store of its own that is thrown away.
 * What comes out is digests, so that two runs can be compared bit for bit, whatever the order of arrival was.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filter, firstValueFrom } from 'rxjs'
import type { Coin } from '../streams/coin.ts'
import { featureSet } from '../streams/features/set.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import { Pace } from '../streams/feeds/pace.ts'
import { fileMarket } from '../streams/feeds/tape/file-market.ts'
import type { TapeMarket } from '../streams/feeds/tape/market.ts'
import { seededMarket } from '../streams/feeds/tape/seeded.ts'
import { tapeFeed } from '../streams/feeds/tape/tape.ts'
import { type Clock, dayMs, floorTo, type Millis } from '../streams/time.ts'
import { type Assembly, assemble, inferenceTree } from './assemble.ts'
import type { Config } from './config/schema.ts'
import { lastClosed } from './daemon/controls.ts'
import { openStoreServer, type StoreServer } from './open-store.ts'
import { type DataDirectory, openDataDirectory } from './store/data-directory.ts'
import { acquireLease, firstEpoch, type Lease } from './store/lease.ts'
import { digestLedger, type LedgerDigest } from './store/reads/digest.ts'
import { resolveOutcomes } from './store/scores/outcomes.ts'
import { openStore, type Store } from './store/store.ts'
import { artifactFiles } from './store/versions/artifact-files.ts'
import { LaneRegistry } from './versions/lane-registry.ts'

export interface ReplayOptions {
  readonly config: Config
  readonly file: string | null
  readonly seed: number
  readonly candles: number
  readonly shuffleSeed: number | undefined
  readonly clock: Clock
  readonly random: () => number
  readonly children: number
  readonly progress: (done: number, of: number) => void
}

export interface ReplayReport extends LedgerDigest {
  readonly seconds: number
  readonly continuity: { readonly unexplained: number; readonly duplicates: number }
}

const stopMsMax = 20_000
const models = fileURLToPath(new URL('../models', import.meta.url))

export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-replay-'))
  try {
    return await replayIn(folder, options)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

/** Whatever goes wrong, the server is stopped: it would outlive us, and its folder. */
async function replayIn(folder: string, options: ReplayOptions): Promise<ReplayReport> {
  const { config } = options
  const directory = openDataDirectory(folder)
  // Before anything is started: a file that is no market costs nothing.
  const market = await marketOf(options, config.market.coins as readonly Coin[])
  const own = { ...config, store: { ...config.store, url: null } }
  const server = await openStoreServer(own, directory, () => {})
  try {
    return await replayOn(server, directory, market, options)
  } finally {
    await server.stop()
  }
}

async function replayOn(
  server: StoreServer,
  directory: DataDirectory,
  market: TapeMarket,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const { config, clock } = options
  const { interval, graceMs } = config.market
  const stage = await openStage(server, directory, market, options)
  const { store, feed, lanes } = stage
  const from = lastClosed(feed.now(), graceMs, interval) + interval
  const to = from + options.candles * interval
  for (const coin of config.market.coins as readonly Coin[]) await lanes.open(coin, from)
  const startedAt = clock.now()
  await play(stage, options, from, to)
  const seconds = (clock.now() - startedAt) / 1000
  const digests = await digestLedger(store.sql, from, to)
  const { unexplained, duplicates } = await store.reads.continuity(from, to)
  await stage.lease.release()
  await store.close()
  return { ...digests, seconds, continuity: { unexplained, duplicates } }
}

interface Stage {
  readonly store: Store
  readonly lease: Lease
  readonly pace: Pace
  readonly feed: Feed
  readonly lanes: LaneRegistry
}

async function openStage(
  { address }: StoreServer,
  directory: DataDirectory,
  market: TapeMarket,
  { config, clock, shuffleSeed }: ReplayOptions,
): Promise<Stage> {
  const { interval: intervalMs, graceMs } = config.market
  const { id: holder } = directory
  const store = await openStore({ address, market: market.name, intervalMs, holder })
  const pace = new Pace()
  return {
    store,
    lease: await acquireLease(store.live, 'fleet', holder),
    pace,
    feed: tapeFeed({
      ...{ market, clock, graceMs, intervalMs, pace },
      speed: Number.POSITIVE_INFINITY,
      ...(shuffleSeed === undefined ? {} : { shuffleSeed }),
    }),
    lanes: new LaneRegistry({
      store,
      reads: store.reads,
      artifacts: artifactFiles(join(directory.path, 'artifacts')),
      families: Object.keys(config.fleet.families),
      shipped: models,
    }),
  }
}

/** The whole fleet, until its slowest has answered every candle before `to`. */
async function play(stage: Stage, options: ReplayOptions, from: Millis, to: Millis): Promise<void> {
  const { pace } = stage
  const { tree } = await assembleOn(stage, options)
  const report = pace.slowest$.subscribe((at) =>
    options.progress(progressed(at, from, to, options.config.market.interval), options.candles),
  )
  const reached = firstValueFrom(pace.slowest$.pipe(filter((at) => at >= to)))
  const failed = tree.failed.then(({ path, reason }) =>
    Promise.reject(new Error(`${path} gave up: ${reason}`)),
  )
  try {
    await Promise.race([reached, failed])
  } finally {
    report.unsubscribe()
    await tree.stop(stopMsMax)
  }
}

function assembleOn(
  { store, lease, pace, feed, lanes }: Stage,
  { config, clock, random, children }: ReplayOptions,
): Promise<Assembly> {
  const { interval, graceMs, correctionWindow } = config.market
  const { memoryLimitMb, deadlineMs } = config.inference
  const settings = { children, rssMax: memoryLimitMb * 1024 * 1024, deadlineMs }
  let lives = 0
  return assemble({
    feed,
    pace,
    set: featureSet(interval),
    clock,
    random,
    epochs: () => firstEpoch(lease) + ++lives,
    coins: config.market.coins as readonly Coin[],
    writer: store.writer(lease, () => clock.now()),
    reader: store.reader,
    lanes: (coin) => lanes.lanes(coin),
    pointers: (lane) => lanes.pointers(lane),
    resolveOutcomes: (coin) => resolveOutcomes(store, coin, config.fees + config.slippage),
    timing: {
      graceMs,
      correctionMs: correctionWindow,
      warmMs: 2 * dayMs,
      historyMs: 0,
      tradesReachMs: 2 * dayMs,
    },
    inference: (quarantined) => inferenceTree(settings, quarantined),
  })
}

function progressed(at: Millis, from: Millis, to: Millis, interval: Millis): number {
  return Math.max(0, (floorTo(Math.min(at, to), interval) - from) / interval)
}

async function marketOf(options: ReplayOptions, coins: readonly Coin[]): Promise<TapeMarket> {
  const { file, seed, config } = options
  if (file === null) return seededMarket({ seed, signal: config.market.tape.signal })
  return fileMarket({ path: file, coin: coins[0] as Coin, intervalMs: config.market.interval })
}
