/**
 * The daemon, from a configuration to a running fleet with an address: directory and lock, database, market, store and
 * lease, lanes, tree, API, and the chores around them; and back down in the reverse order. Start and recovery are one path.
 */
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { fileURLToPath } from 'node:url'
import { childrenFor } from '../actors/inference/home.ts'
import type { Coin } from '../streams/coin.ts'
import { featureSet } from '../streams/features/set.ts'
import { Pace } from '../streams/feeds/pace.ts'
import { type Clock, dayMs, hourMs, type Millis } from '../streams/time.ts'
import { createApp } from './api/app.ts'
import type { ApiDeps } from './api/deps.ts'
import { createEventHub } from './api/event-hub.ts'
import { nodeBody } from './api/routes/tree.ts'
import { type Served, serve } from './api/serve.ts'
import { startingApp } from './api/starting.ts'
import { httpMeter, tellBuild } from './api-metrics.ts'
import {
  type Assembly,
  assemble,
  type InferenceSettings,
  inferenceTree,
  rootId,
} from './assemble.ts'
import { type ChosenMarket, chooseMarket } from './choose-market.ts'
import { keepHouse } from './chores.ts'
import type { Config } from './config/schema.ts'
import { followedCoins, holdAgain, lastClosed, operatorControls } from './controls.ts'
import { orInterrupted } from './interrupted.ts'
import { judgeVersion } from './judge-version.ts'
import { LaneRegistry } from './lane-registry.ts'
import { openStoreServer, type StoreServer } from './open-store.ts'
import { recordLives } from './record-lives.ts'
import type { DataDirectory, DirectoryLock } from './store/data-directory.ts'
import type { Lease } from './store/lease.ts'
import { registerFeatureSet } from './store/reads/feature-view.ts'
import { resolveOutcomes } from './store/scores/outcomes.ts'
import { openStore, type Store } from './store/store.ts'
import { artifactFiles } from './store/versions/artifact-files.ts'
import { openRegistry } from './store/versions/registry.ts'
import { takeLease } from './take-lease.ts'
import type { Log } from './telemetry/log.ts'
import { measure } from './telemetry/measure.ts'
import { createMetrics } from './telemetry/metrics.ts'
import type { Vitals } from './telemetry/status-line.ts'
import { apiToken } from './token.ts'
import { trainingInDaemon } from './training/in-daemon.ts'
import { type Undo, unwind } from './undo.ts'
import { startVersions } from './versions.ts'
import { watchVitals } from './vitals.ts'

export interface DaemonOptions {
  readonly config: Config
  readonly directory: DataDirectory
  readonly lock: DirectoryLock
  readonly clock: Clock
  readonly random: () => number
  readonly cores: number
  readonly log: Log
  /** Tells the person at the terminal how the start goes. */
  readonly say: (text: string) => void
  readonly version: string
  readonly inferenceEntry?: string
  /** Settles when it is to stop, however far it has come with its start. */
  readonly interrupted?: Promise<unknown>
}

export interface Daemon {
  readonly address: string
  readonly market: ChosenMarket
  readonly vitals: () => Vitals
  /** Settles when it cannot go on: the tree has given up, or another daemon has taken over. */
  readonly failed: Promise<string>
  /** In order, within the deadline; what had to be killed is named. */
  readonly stop: (deadlineMs: Millis) => Promise<{ readonly killed: readonly string[] }>
}

const repository = fileURLToPath(new URL('..', import.meta.url))
/** More lives than a daemon has actors to lose: epochs of a later term are always greater. */
const epochsPerTerm = 2 ** 20

export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { config, directory, clock, log } = options
  const undo: Undo = []
  const startedAt = clock.now()
  let waitsFor = ''
  const say = (text: string): void => {
    waitsFor = text
    options.say(text)
  }
  try {
    // The port first: what can be refused at once is refused before anything is made.
    const served = await serve(
      startingApp(() => waitsFor),
      config.api.host,
      config.api.port,
    )
    undo.push(() => served.close(1_000))
    options.lock.announce(served.address)
    say('starting the database')
    const server = await openStoreServer(config, directory, (event) =>
      log.say('info', `database.${event.type}`, { ...event }),
    )
    undo.push(() => server.stop())
    return await orInterrupted(
      onServer({ ...options, say, startedAt, server, served }, undo),
      options.interrupted ?? new Promise(() => {}),
    )
  } catch (error) {
    await unwind(undo, log)
    throw error
  }
}

async function onServer(
  ground: Footing & { readonly server: StoreServer },
  undo: Undo,
): Promise<Daemon> {
  const { config, directory, clock, say, server } = ground
  const pace = new Pace()
  say(
    config.market.source === 'auto'
      ? 'looking for a live market'
      : `opening ${config.market.source}`,
  )
  const market = await chooseMarket(config, { clock, random: ground.random, pace })
  const store = await openMarket(server, market, config)
  undo.push(() => store.close())
  const lease = await takeLease(store.sql, directory.id, clock, say)
  undo.push(() => lease.release())
  return run({ ...ground, pace, market, store, lease }, undo)
}

interface Footing extends DaemonOptions {
  readonly startedAt: Millis
  readonly served: Served
}

interface Ground extends Footing {
  readonly pace: Pace
  readonly market: ChosenMarket
  readonly store: Store
  readonly lease: Lease
}

async function run(ground: Ground, undo: Undo): Promise<Daemon> {
  const { config, directory, clock, log, say, served, store, lease, market } = ground
  const coins = await followedCoins(store.sql, config.market.coins as readonly Coin[])
  const { feed, close } = market.open(await resumePoint(market, store, coins))
  undo.push(close)
  await store.prepareParts(feed.now())
  const { reads } = store
  const folder = join(directory.path, 'artifacts')
  const files = artifactFiles(folder)
  const models = await openRegistry({ store, files, folder })
  undo.push(models.close)
  const registry = new LaneRegistry({
    store,
    reads,
    artifacts: files,
    families: Object.keys(config.fleet.families),
    shipped: join(repository, 'models'),
    fetch: models.fetch,
  })
  const firstCandle = (): Millis =>
    lastClosed(feed.now(), config.market.graceMs, config.market.interval)
  await registry.closeOthers(coins, firstCandle())
  for (const coin of coins) await registry.open(coin, firstCandle())

  const watch = watchVitals({
    clock,
    market,
    reads,
    startedAt: ground.startedAt,
    version: ground.version,
  })
  undo.push(watch.stop)
  undo.push(recordLives({ sql: store.sql, clock, log, firstEpoch: lease.term * epochsPerTerm }))
  const set = featureSet(config.market.interval)
  await registerFeatureSet(
    store.sql,
    store.names,
    set.hash,
    set.columns.map(({ name }) => name),
  )
  say(`following ${coins.join(', ')} on ${market.source}: ${market.reason}`)
  const assembly = await assembleFleet(ground, coins, registry, feed)
  undo.push(() => assembly.tree.stop(1_000))
  watch.attach(assembly, registry, coins)
  await holdAgain(assembly, store.sql)
  const versions = await startVersions({
    ...ground,
    feed,
    files,
    assembly,
    lanes: registry,
    registry: models,
    uploads: folder,
    judge: (swap, onShadow) =>
      judgeVersion({ store, settings: config.gate, fee: config.fees }, swap, onShadow),
  })

  const lost = Promise.withResolvers<string>()
  undo.push(
    keepHouse({
      clock,
      store,
      lease,
      log,
      directory,
      keep: config.store.keep,
      marketNow: () => feed.now(),
      lost: lost.resolve,
    }),
  )
  const metrics = createMetrics()
  tellBuild(metrics, ground.version)
  undo.push(
    measure(metrics, {
      tree: assembly.tree.snapshot,
      continuity: watch.continuity,
      models: watch.models,
    }),
  )
  undo.push(metrics.close)
  const hub = createEventHub(randomUUID().slice(0, 8), clock)
  undo.push(hub.close)
  undo.push(tellTree(assembly, hub))
  const training = await trainingInDaemon({
    ...ground,
    registry: models,
    hub,
    marketNow: () => feed.now(),
    coins: () => assembly.fleet.coins.map(({ coin }) => coin),
  })
  undo.push(training.stop)
  assembly.fleet.expired$.subscribe((lane) => training.drifted(lane))
  await assembly.tree.add(rootId, training.spec)
  const deps: ApiDeps = {
    reads,
    intervalMs: config.market.interval,
    status: watch.status,
    coins: watch.coins,
    tree: assembly.tree.snapshot,
    laneState: (coin, family) =>
      assembly.tree.look(assembly.fleet.lanePath({ coin, family }))?.state ?? null,
    preview: (coin) => watch.preview(coin),
    controls: operatorControls({
      assembly,
      registry,
      sql: store.sql,
      firstCandle,
      isListed: isListed(feed),
    }),
    versions,
    training: training.controls,
    readiness: watch.readiness,
    metrics: { contentType: metrics.contentType, text: metrics.text, observe: httpMeter(metrics) },
    events: hub,
    access: {
      token: config.api.token ?? apiToken(directory.path),
      allowedHosts: config.api.allowedHosts,
      isReadingGuarded: !isLoopback(config.api.host),
    },
    now: () => clock.now(),
    elapsed: () => performance.now(),
    broke: (error, route) =>
      log.say('error', 'api.broke', {
        route,
        error: String(error),
        stack: (error as Error)?.stack,
      }),
    version: ground.version,
  }
  served.turnTo(createApp(deps))
  const failed = Promise.race([
    lost.promise,
    assembly.tree.failed.then(({ path, reason }) => `${path} gave up: ${reason}`),
  ])
  return {
    address: served.address,
    market,
    vitals: watch.vitals,
    failed,
    stop: async (deadlineMs) => {
      hub.close()
      await served.close(500)
      const stopped = await assembly.tree.stop(deadlineMs)
      await unwind(undo, log)
      return stopped
    },
  }
}

async function assembleFleet(
  ground: Ground,
  coins: readonly Coin[],
  registry: LaneRegistry,
  feed: ReturnType<ChosenMarket['open']>['feed'],
): Promise<Assembly> {
  const { config, clock, store, lease, pace } = ground
  const { graceMs, correctionWindow, historyDays, interval } = config.market
  let lives = 0
  const historyMs = (feed.mode === 'tape' ? Math.min(historyDays, 30) : historyDays) * dayMs
  return assemble({
    feed,
    pace,
    set: featureSet(interval),
    clock,
    random: ground.random,
    epochs: () => lease.term * epochsPerTerm + ++lives,
    coins,
    writer: store.writer(lease, () => clock.now()),
    reader: store.reader,
    lanes: (coin) => registry.lanes(coin),
    pointers: (lane) => registry.pointers(lane),
    isSetAside: (version) => registry.isSetAside(version),
    limits: {
      inferMsMax: config.fleet.inferMsMax,
      expiresAt: ({ manifest }) => {
        const age = config.fleet.families[manifest.family]?.expiresAfter ?? null
        return age === null ? Number.POSITIVE_INFINITY : Date.parse(manifest.trained.to) + age
      },
    },
    resolveOutcomes: (coin) => resolveOutcomes(store, coin, config.fees + config.slippage),
    timing: {
      graceMs,
      correctionMs: correctionWindow,
      warmMs: 2 * dayMs,
      historyMs,
      tradesReachMs: 2 * hourMs,
    },
    inference: (quarantined) => inferenceTree(inferenceSettings(ground), quarantined),
  })
}

function inferenceSettings({ config, cores, inferenceEntry }: DaemonOptions): InferenceSettings {
  const { children, memoryLimitMb, deadlineMs } = config.inference
  return {
    ...(inferenceEntry === undefined ? {} : { entry: inferenceEntry }),
    children: children === 'auto' ? childrenFor(cores) : children,
    rssMax: memoryLimitMb * 1024 * 1024,
    deadlineMs,
  }
}

/** A tape goes on from the earliest of its coins; a live market is where it is. */
async function resumePoint(
  market: ChosenMarket,
  store: Store,
  coins: readonly Coin[],
): Promise<Millis | undefined> {
  if (market.mode === 'live') return undefined
  const known = (await Promise.all(coins.map((coin) => store.reader.position(coin)))).filter(
    (at) => at !== undefined,
  )
  return known.length === 0 ? undefined : Math.min(...known)
}

async function openMarket(
  server: StoreServer,
  market: ChosenMarket,
  config: Config,
): Promise<Store> {
  return openStore({
    address: server.address,
    market: market.name,
    intervalMs: config.market.interval,
  })
}

function tellTree(assembly: Assembly, hub: ReturnType<typeof createEventHub>): () => void {
  const changes = assembly.tree.changes$.subscribe((path) => {
    const node = assembly.tree.find(path)
    if (node) hub.publish('tree', nodeBody(node))
  })
  return () => changes.unsubscribe()
}

function isListed(
  feed: ReturnType<ChosenMarket['open']>['feed'],
): (coin: Coin) => Promise<boolean> {
  return async (coin) => {
    if (feed.mode === 'tape') return true
    const to = feed.now()
    for await (const page of feed.history.candles(coin, to - dayMs, to))
      if (page.length > 0) return true
    return false
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
