/**
 * A tape through the whole path at full speed: the daemon's own assembly, in a store of its own that is thrown away.
 * What comes out is digests, so that two runs can be compared bit for bit, whatever the order of arrival was.
 */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { filter, firstValueFrom } from 'rxjs'
import type { Coin } from '../streams/coin.ts'
import { Fault } from '../streams/fault.ts'
import { featureSet } from '../streams/features/set.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import { Pace } from '../streams/feeds/pace.ts'
import type { TapeMarket, TapeSpan } from '../streams/feeds/tape/market.ts'
import { tapeFeed } from '../streams/feeds/tape/tape.ts'
import { type Clock, dayMs, floorTo, type Millis } from '../streams/time.ts'
import { type Assembly, assemble, inferenceTree } from './assemble.ts'
import { tapeMarket } from './choose-market.ts'
import type { Config } from './config/schema.ts'
import { lastClosed } from './daemon/controls.ts'
import { openStoreServer, type StoreServer } from './open-store.ts'
import { type DataDirectory, openDataDirectory } from './store/data-directory.ts'
import { removeDataDirectory } from './store/embedded/server.ts'
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
  readonly say: (text: string) => void
  /** Settles with what has told it to end. */
  readonly interrupted: Promise<string>
}

export interface ReplayReport extends LedgerDigest {
  readonly seconds: number
  readonly continuity: { readonly unexplained: number; readonly duplicates: number }
}

const stopMsMax = 20_000
/** Every column of a model is whole after so long. */
const warmMs: Millis = 2 * dayMs
const models = fileURLToPath(new URL('../models', import.meta.url))

export async function replay(options: ReplayOptions): Promise<ReplayReport> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-replay-'))
  try {
    return await replayIn(folder, options)
  } finally {
    await removeDataDirectory(folder)
  }
}

/** Whatever goes wrong, the server is stopped: it would outlive us, and its folder. */
async function replayIn(folder: string, options: ReplayOptions): Promise<ReplayReport> {
  const { config } = options
  const directory = openDataDirectory(folder)
  // Before anything is started: a file that is no market, or too short a one, costs nothing.
  const take = await Promise.race([takeOf(options), brokenOff(options)])
  const own = { ...config, store: { ...config.store, url: null } }
  const server = await openStoreServer(own, directory, () => {})
  try {
    return await replayOn(server, directory, take, options)
  } finally {
    await server.stop()
  }
}

async function replayOn(
  server: StoreServer,
  directory: DataDirectory,
  take: Take,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const { clock } = options
  const { from, to } = take
  const stage = await openStage(server, directory, take, options)
  const { store, lanes } = stage
  try {
    for (const coin of take.coins) await lanes.open(coin, from)
    const startedAt = clock.now()
    await play(stage, options, take)
    const seconds = (clock.now() - startedAt) / 1000
    const digests = await digestLedger(store.sql, from, to)
    const { unexplained, duplicates } = await store.reads.continuity(from, to)
    return { ...digests, seconds, continuity: { unexplained, duplicates } }
  } finally {
    await store.close()
  }
}

interface Take {
  readonly market: TapeMarket
  readonly coins: readonly Coin[]
  readonly from: Millis
  readonly to: Millis
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
  { market, from }: Take,
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
      startAt: Math.max(market.startAt, from + graceMs),
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
async function play(stage: Stage, options: ReplayOptions, take: Take): Promise<void> {
  const { pace } = stage
  const { from, to } = take
  const { tree } = await assembleOn(stage, options, take.coins)
  const report = pace.slowest$.subscribe((at) =>
    options.progress(progressed(at, from, to, options.config.market.interval), options.candles),
  )
  const reached = firstValueFrom(pace.slowest$.pipe(filter((at) => at >= to)))
  const failed = tree.failed.then(({ path, reason }) =>
    Promise.reject(new Error(`${path} gave up: ${reason}`)),
  )
  try {
    await Promise.race([reached, failed, brokenOff(options)])
  } finally {
    report.unsubscribe()
    await tree.stop(stopMsMax)
  }
}

function assembleOn(
  { store, lease, pace, feed, lanes }: Stage,
  { config, clock, random, children }: ReplayOptions,
  coins: readonly Coin[],
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
    coins,
    writer: store.writer(lease, () => clock.now()),
    reader: store.reader,
    lanes: (coin) => lanes.lanes(coin),
    pointers: (lane) => lanes.pointers(lane),
    resolveOutcomes: (coin) => resolveOutcomes(store, coin, config.fees + config.slippage),
    timing: {
      graceMs,
      correctionMs: correctionWindow,
      warmMs,
      historyMs: 0,
      tradesReachMs: 2 * dayMs,
    },
    inference: (quarantined) => inferenceTree(settings, quarantined),
  })
}

async function brokenOff({ interrupted }: ReplayOptions): Promise<never> {
  throw new Fault('replay.interrupted', `ended by ${await interrupted}: nothing is left of it`)
}

function progressed(at: Millis, from: Millis, to: Millis, interval: Millis): number {
  return Math.max(0, (floorTo(Math.min(at, to), interval) - from) / interval)
}

/**
 * What of the tape is replayed: which of the coins it has, and the candles that are asked for, behind a whole warm-up; of
 * a file that has not so many, the last ones, behind what is left.
 */
async function takeOf(options: ReplayOptions): Promise<Take> {
  const { config, file, seed, candles, say } = options
  const { interval, graceMs } = config.market
  const wanted = config.market.coins as readonly Coin[]
  const market = await tapeMarket({ ...config.market, tape: { ...config.market.tape, file, seed } })
  const coins = wanted.filter((coin) => market.span(coin) !== undefined)
  const others = wanted.filter((coin) => !coins.includes(coin))
  if (others.length > 0) say(`the tape has no ${others.join(', ')}: replayed without`)
  const { from: firstAt, to: endAt } = market.span(coins[0] as Coin) as TapeSpan
  const warm = Math.max(lastClosed(market.startAt, graceMs, interval) + interval, firstAt + warmMs)
  const from = Math.min(warm, endAt - candles * interval)
  if (from < firstAt) throw tooShort(options, (endAt - firstAt) / interval)
  return { market, coins, from, to: from + candles * interval }
}

function tooShort({ file, candles }: ReplayOptions, found: number): Fault {
  const message = `${file}: found ${found} candles from the first to the last, expected ${candles} to replay; say fewer with --candles`
  return new Fault('file.short', message)
}
