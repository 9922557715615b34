/**
 * The daemon, from a configuration to a running fleet with an address: directory and lock, database, market, store and
 * lease, lanes, tree, API, and the chores around them; and back down in the reverse order. Start and recovery are one path.
 */
import { randomUUID } from 'node:crypto'
import type { Coin } from '../../streams/coin.ts'
import { Pace } from '../../streams/feeds/pace.ts'
import type { Millis } from '../../streams/time.ts'
import { createApp } from '../api/app.ts'
import { createEventHub } from '../api/event-hub.ts'
import { serve } from '../api/serve.ts'
import { startingApp } from '../api/starting.ts'
import { rootId } from '../assemble.ts'
import { type ChosenMarket, chooseMarket } from '../choose-market.ts'
import type { Config } from '../config/schema.ts'
import { openStoreServer, type StoreServer } from '../open-store.ts'
import { firstEpoch } from '../store/lease.ts'
import { openStore, type Store } from '../store/store.ts'
import type { Vitals } from '../telemetry/status-line.ts'
import { tellSwaps } from '../telemetry/swap-story.ts'
import { trainingInDaemon } from '../training/in-daemon.ts'
import { watchHistory } from '../training/watch-history.ts'
import { judgeVersion } from '../versions/judge-version.ts'
import { startVersions } from '../versions/versions.ts'
import { apiDeps, meterDaemon, tellTree } from './api.ts'
import { keepHouse } from './chores.ts'
import { followedCoins, holdAgain, lastClosed } from './controls.ts'
import { assembleFleet, openLanes } from './fleet.ts'
import type { DaemonOptions, Footing, Ground } from './ground.ts'
import { orInterrupted } from './interrupted.ts'
import { recordLives } from './record-lives.ts'
import { takeLease } from './take-lease.ts'
import { type Undo, unwind } from './undo.ts'
import { watchVitals } from './vitals.ts'

export interface Daemon {
  readonly address: string
  readonly market: ChosenMarket
  readonly vitals: () => Vitals
  /** Settles when it cannot go on: the tree has given up, or another daemon has taken over. */
  readonly failed: Promise<string>
  /** In order, within the deadline; what had to be killed is named. */
  readonly stop: (deadlineMs: Millis) => Promise<{ readonly killed: readonly string[] }>
}

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
    const pace = new Pace()
    const footing = { ...options, say, startedAt, served, pace }
    const interrupted = options.interrupted ?? new Promise(() => {})
    const market = await orInterrupted(lookForMarket(footing), interrupted)
    say(config.store.url === null ? 'starting the database' : 'opening the database')
    const server = await openStoreServer(config, directory, (event) =>
      log.say('info', `database.${event.type}`, { ...event }),
    )
    undo.push(() => server.stop())
    return await orInterrupted(onServer({ ...footing, market, server }, undo), interrupted)
  } catch (error) {
    await unwind(undo, log)
    throw error
  }
}

function lookForMarket({ config, clock, random, pace, say }: Footing): Promise<ChosenMarket> {
  const { source } = config.market
  say(source === 'auto' ? 'looking for a live market' : `opening ${source}`)
  return chooseMarket(config, { clock, random, pace })
}

async function onServer(
  ground: Footing & { readonly market: ChosenMarket; readonly server: StoreServer },
  undo: Undo,
): Promise<Daemon> {
  const { config, directory, clock, say, server, market } = ground
  const store = await openMarket(server, market, config, directory.id)
  undo.push(() => store.close())
  const lease = await takeLease(store.live, directory.id, clock, say)
  undo.push(() => lease.release())
  return run({ ...ground, store, lease }, undo)
}

async function run(ground: Ground, undo: Undo): Promise<Daemon> {
  const { config, clock, log, say, served, store, market, startedAt, version } = ground
  const coins = await playedCoins(ground)
  const { feed, close } = market.open(await resumePoint(market, store, coins))
  undo.push(close)
  await store.prepareParts(feed.now())
  const firstCandle = (): Millis =>
    lastClosed(feed.now(), config.market.graceMs, config.market.interval)
  const { lanes, files, registry, folder } = await openLanes(ground)
  undo.push(registry.close)
  await lanes.closeOthers(coins, firstCandle())
  for (const coin of coins) await lanes.open(coin, firstCandle())
  const watch = watchVitals({ clock, market, reads: store.reads, startedAt, version })
  undo.push(watch.stop)
  const history = watchHistory(clock)
  undo.push(history.stop)
  undo.push(recordLives({ sql: store.sql, clock, log, firstEpoch: firstEpoch(ground.lease) }))
  say(`following ${coins.join(', ')} on ${market.source}: ${market.reason}`)
  const assembly = await assembleFleet(ground, coins, lanes, feed)
  undo.push(() => assembly.tree.stop(1_000))
  watch.attach(assembly, lanes, coins)
  await holdAgain(assembly, store.sql)
  const marketNow = (): Millis => feed.now()
  undo.push(tellSwaps(say))
  const versions = await startVersions({
    ...{ ...ground, feed, files, assembly, lanes, registry, uploads: folder },
    judge: (swap, onShadow) =>
      judgeVersion({ store, settings: config.gate, fee: config.fees }, swap, onShadow),
  })
  const lost = Promise.withResolvers<string>()
  undo.push(keepHouse({ ...ground, keep: config.store.keep, marketNow, lost: lost.resolve }))
  const metrics = meterDaemon(ground, assembly, watch)
  undo.push(metrics.close)
  const hub = createEventHub(randomUUID().slice(0, 8), clock)
  undo.push(hub.close)
  undo.push(tellTree(assembly, hub))
  const training = await trainingInDaemon({
    ...{ ...ground, registry, hub, history, marketNow },
    coins: () => assembly.fleet.coins.map(({ coin }) => coin),
  })
  undo.push(training.stop)
  await assembly.tree.add(rootId, training.spec)
  const parts = { ground, feed, assembly, lanes, watch, versions, training, metrics, hub }
  served.turnTo(createApp(apiDeps({ ...parts, firstCandle })))
  const gaveUp = assembly.tree.failed.then(({ path, reason }) => `${path} gave up: ${reason}`)
  return {
    address: served.address,
    market,
    vitals: watch.vitals,
    failed: Promise.race([lost.promise, gaveUp]),
    stop: async (deadlineMs) => {
      hub.close()
      await served.close(500)
      const stopped = await assembly.tree.stop(deadlineMs)
      await unwind(undo, log)
      return stopped
    },
  }
}

/** A tape has coins of its own; what it does not play is not followed. */
async function playedCoins({ config, store, market, say }: Ground): Promise<readonly Coin[]> {
  const wanted = await followedCoins(store.sql, config.market.coins as readonly Coin[])
  const unplayed = wanted.filter((coin) => !market.plays(coin))
  if (unplayed.length > 0) say(`the tape has no ${unplayed.join(', ')}: not followed`)
  return wanted.filter(market.plays)
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
  holder: string,
): Promise<Store> {
  return openStore({
    address: server.address,
    market: market.name,
    intervalMs: config.market.interval,
    holder,
  })
}
