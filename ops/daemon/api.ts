/** The daemon as its API shows it: every question of a route answered by the part that knows. */
import { performance } from 'node:perf_hooks'
import type { Coin } from '../../streams/coin.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import { dayMs, type Millis } from '../../streams/time.ts'
import type { ApiDeps, VersionControls } from '../api/deps.ts'
import type { EventHub } from '../api/event-hub.ts'
import { nodeBody } from '../api/routes/tree.ts'
import type { Assembly } from '../assemble.ts'
import type { ChosenMarket } from '../choose-market.ts'
import { measure } from '../telemetry/measure.ts'
import { createMetrics, type Metrics } from '../telemetry/metrics.ts'
import type { Training } from '../training/training.ts'
import type { LaneRegistry } from '../versions/lane-registry.ts'
import { httpMeter, tellBuild } from './api-metrics.ts'
import { operatorControls } from './controls.ts'
import type { Ground } from './ground.ts'
import { apiToken } from './token.ts'
import type { VitalsWatch } from './vitals.ts'

export interface DaemonParts {
  readonly ground: Ground
  readonly feed: Feed
  readonly assembly: Assembly
  readonly lanes: LaneRegistry
  readonly watch: VitalsWatch
  readonly versions: VersionControls
  readonly training: Training
  readonly metrics: Metrics
  readonly hub: EventHub
  /** Opening of the first candle that a lane answers that begins now. */
  readonly firstCandle: () => Millis
}

export function apiDeps(parts: DaemonParts): ApiDeps {
  const { ground, feed, assembly, lanes, watch, versions, training, metrics, hub } = parts
  const { config, clock, directory, log, store } = ground
  return {
    reads: store.reads,
    intervalMs: config.market.interval,
    status: watch.status,
    coins: watch.coins,
    tree: assembly.tree.snapshot,
    laneState: (coin, family) =>
      assembly.tree.look(assembly.fleet.lanePath({ coin, family }))?.state ?? null,
    preview: (coin) => watch.preview(coin),
    controls: operatorControls({
      assembly,
      registry: lanes,
      sql: store.sql,
      firstCandle: parts.firstCandle,
      isListed: isListed(ground.market, feed),
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
}

/** What the metrics say, fed and asked until they are closed. */
export function meterDaemon(
  { version }: Ground,
  { tree }: Assembly,
  { continuity, models }: VitalsWatch,
): Metrics {
  const metrics = createMetrics()
  tellBuild(metrics, version)
  const stop = measure(metrics, { tree: tree.snapshot, continuity, models })
  return {
    ...metrics,
    close: () => {
      metrics.close()
      stop()
    },
  }
}

/** Returns the way to stop telling. */
export function tellTree(assembly: Assembly, hub: EventHub): () => void {
  const changes = assembly.tree.changes$.subscribe((path) => {
    const node = assembly.tree.find(path)
    if (node) hub.publish('tree', nodeBody(node))
  })
  return () => changes.unsubscribe()
}

function isListed(market: ChosenMarket, feed: Feed): (coin: Coin) => Promise<boolean> {
  return async (coin) => {
    if (market.mode === 'tape') return market.plays(coin)
    const to = feed.now()
    for await (const page of feed.history.candles(coin, to - dayMs, to))
      if (page.length > 0) return true
    return false
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host.startsWith('127.')
}
