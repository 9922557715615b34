/**
 * How the daemon is: what the status route, the status line, readiness and the gauges say, in one place and by one
 * definition. What would cost the database more than a moment is remembered for a while.
 */
import { score } from '../models/scores/score.ts'
import { type Version, versionName } from '../models/version.ts'
import { listen } from '../streams/channels.ts'
import type { Coin } from '../streams/coin.ts'
import { type Clock, dayMs, type Millis } from '../streams/time.ts'
import type { TreeNode } from '../supervisor/spec.ts'
import type { CoinRead, PreviewRead, Readiness, StatusRead } from './api/deps.ts'
import type { Assembly } from './assemble.ts'
import type { ChosenMarket } from './choose-market.ts'
import type { LaneRegistry } from './lane-registry.ts'
import type { ContinuityRead, StoreReads } from './store/reads/reads.ts'
import type { Gauges, ModelGauge } from './telemetry/measure.ts'
import type { Vitals } from './telemetry/status-line.ts'

export interface VitalsPorts {
  readonly clock: Clock
  readonly market: ChosenMarket
  readonly reads: StoreReads
  readonly startedAt: Millis
  readonly version: string
}

export interface VitalsWatch {
  readonly attach: (assembly: Assembly, registry: LaneRegistry, coins: readonly Coin[]) => void
  readonly status: () => Promise<StatusRead>
  readonly coins: () => Promise<readonly CoinRead[]>
  readonly preview: (coin: Coin) => PreviewRead | undefined
  readonly readiness: () => Readiness
  readonly vitals: () => Vitals
  readonly continuity: Gauges['continuity']
  readonly models: Gauges['models']
  readonly stop: () => void
}

const continuityForMs: Millis = 15_000
const modelsForMs: Millis = 60_000
const waitsKept = 256

export function watchVitals(ports: VitalsPorts): VitalsWatch {
  const { clock, reads, market } = ports
  const loaded = new Set<string>()
  const waits: number[] = []
  let running: { assembly: Assembly; registry: LaneRegistry } | undefined
  let predictions = 0
  let firstPredictionAt: Millis | null = null
  let lastCandleAt: Millis | null = null
  let sinkWaitsFor: string | undefined
  let diskIsLow: number | undefined
  let audited: ContinuityRead | undefined
  const continuity = remembered(clock, continuityForMs, async () => {
    audited = await reads.continuity(undefined, undefined)
    return audited
  })
  const models = remembered(clock, modelsForMs, () => modelGauges(ports, running))

  const stops = [
    listen('version.loaded', (version) => loaded.add(versionName(version as Version))),
    listen('prediction.committed', ({ waitMs, mode }) => {
      predictions++
      firstPredictionAt ??= clock.now()
      if (mode !== 'live') return
      waits.push(waitMs)
      if (waits.length > waitsKept) waits.shift()
    }),
    listen('candle.closed', ({ openAt }) => {
      lastCandleAt = Math.max(lastCandleAt ?? 0, openAt)
    }),
    listen('sink.waiting', ({ code }) => {
      sinkWaitsFor = code
    }),
    listen('disk.looked_at', ({ freeBytes, isLow }) => {
      diskIsLow = isLow ? freeBytes : undefined
    }),
    listen('sink.committed', () => {
      sinkWaitsFor = undefined
    }),
  ]

  const missing = (): string | undefined => {
    if (!running) return 'the fleet is being started'
    const { fleet } = running.assembly
    for (const { coin, line } of fleet.coins) {
      if (line.committedTo === 0) return `${coin} has no candles yet`
      for (const { versions } of running.registry.lanes(coin)) {
        const absent = versions.find(
          ({ version }) =>
            !loaded.has(versionName(version)) && fleet.standing(version) === 'present',
        )
        if (absent) return `${versionName(absent.version)} is being loaded`
      }
    }
    return undefined
  }
  const degraded = (): readonly string[] => {
    if (!running) return []
    const told = [...setAside(running.assembly.tree.snapshot())]
    for (const [name, why] of running.registry.unservable)
      told.push(`${name} is not served: ${why}`)
    for (const { coin, feedState } of running.assembly.fleet.coins) {
      if (market.mode === 'live' && feedState.connection === 'connecting')
        told.push(`${coin} waits for ${market.source} to answer`)
      if (feedState.connection === 'reconnecting')
        told.push(`${coin} is reconnecting: ${feedState.detail}`)
    }
    if (sinkWaitsFor !== undefined) told.push(`the ledger cannot be written: ${sinkWaitsFor}`)
    if (diskIsLow !== undefined)
      told.push(`the disk has only ${Math.round(diskIsLow / 1024 ** 2)} MiB left`)
    if (audited && audited.unexplained > 0)
      told.push(`${audited.unexplained} candles are unexplained`)
    if (audited && audited.duplicates > 0)
      told.push(`${audited.duplicates} candles are answered twice`)
    return told
  }
  const health = (): StatusRead['health'] => {
    if (missing() !== undefined) return 'starting'
    return degraded().length > 0 ? 'degraded' : 'ready'
  }
  const counts = () => {
    const coins = running?.assembly.fleet.coins ?? []
    const lanes = coins.flatMap(({ coin }) => running?.registry.lanes(coin) ?? [])
    return {
      coins: coins.length,
      lanes: lanes.length,
      models: lanes.reduce((sum, lane) => sum + lane.versions.length, 0),
    }
  }

  return {
    attach: (assembly, registry) => {
      running = { assembly, registry }
    },
    status: async () => {
      const [{ unexplained, duplicates, lanes }, stored, first, gaps] = await Promise.all([
        continuity(),
        reads.predictionCount(),
        reads.firstPredictionAt(),
        reads.gapCounts(),
      ])
      return {
        version: ports.version,
        mode: market.mode,
        source: market.source,
        reason: market.reason,
        startedAt: ports.startedAt,
        firstPredictionAt: firstPredictionAt ?? first,
        health: health(),
        degraded: degraded(),
        ...counts(),
        predictions: stored,
        gaps,
        continuity: {
          unexplained,
          duplicates,
          holes: lanes.reduce((sum, lane) => sum + lane.holes, 0),
        },
      }
    },
    coins: async () =>
      running ? readCoins(running.assembly, market, await reads.candleCounts(), clock.now()) : [],
    preview: (coin) => {
      const bar = running?.assembly.fleet.coin(coin)?.line.preview
      return bar && { ...bar, trades: Number.isNaN(bar.trades) ? null : bar.trades }
    },
    readiness: () => {
      const why =
        missing() ??
        (sinkWaitsFor === undefined ? undefined : `the ledger cannot be written: ${sinkWaitsFor}`)
      return why === undefined ? { ready: true } : { ready: false, why }
    },
    vitals: () => ({
      health: health(),
      mode: market.mode,
      source: market.source,
      coins: counts().coins,
      lanes: counts().lanes,
      predictions,
      lastCandleAt,
      waitMs:
        waits.length === 0 ? null : ([...waits].sort((a, b) => a - b)[waits.length >> 1] as number),
      holes: audited?.lanes.reduce((sum, lane) => sum + lane.holes, 0) ?? 0,
      degraded: degraded(),
    }),
    continuity,
    models,
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

function readCoins(
  { fleet, tree }: Assembly,
  market: ChosenMarket,
  counts: Awaited<ReturnType<StoreReads['candleCounts']>>,
  now: Millis,
): readonly CoinRead[] {
  return fleet.coins.map(({ coin, path, line, feedState }) => {
    const count = counts.find((it) => it.coin === coin)
    const lanes = tree.look(`${path}/lanes`)?.state
    const held = lanes === 'paused' || lanes === 'quarantined'
    const { lastTradeAt, receivedAt } = feedState
    return {
      coin,
      source: market.source,
      state: held
        ? (lanes as string)
        : feedState.connection === 'connected'
          ? market.mode
          : feedState.connection,
      lastTradeAt,
      lastCandleAt: line.committedTo === 0 ? null : line.committedTo - line.intervalMs,
      candles: count?.candles ?? 0,
      gaps: count?.gaps ?? 0,
      stalenessMs: receivedAt === null ? null : Math.max(0, now - receivedAt),
    }
  })
}

async function modelGauges(
  { reads }: VitalsPorts,
  running: { assembly: Assembly; registry: LaneRegistry } | undefined,
): Promise<readonly ModelGauge[]> {
  if (!running) return []
  const [models, signals] = await Promise.all([reads.models(), reads.signals()])
  const now = Math.max(0, ...signals.map(({ newest }) => newest?.closeAt ?? 0))
  return Promise.all(
    models.flatMap((model) =>
      model.slots.map(async (slot) => {
        const accuracy: Record<string, number> = {}
        for (const days of [1, 7]) {
          const sums = await reads.daySums({ ...versionOf(model), from: now - days * dayMs })
          const value = score(sums, null, false).classes?.accuracy
          if (value !== undefined && Number.isFinite(value)) accuracy[`${days}d`] = value
        }
        return {
          coin: model.coin,
          family: model.family,
          slot,
          ageSeconds: ageOf(model.manifest, now),
          accuracy,
        }
      }),
    ),
  )
}

function versionOf({ coin, family, version }: Version): Version {
  return { coin, family, version }
}

function ageOf(manifest: unknown, now: Millis): number | null {
  const to = (manifest as { trained?: { to?: string } } | null)?.trained?.to
  return to === undefined ? null : (now - Date.parse(to)) / 1000
}

function* setAside(node: TreeNode): Generator<string> {
  const why = node.reason?.split('\n', 1)[0] ?? 'no reason was given'
  if (node.state === 'quarantined') yield `${node.path} is in quarantine: ${why}`
  if (node.state === 'waiting') yield `${node.path} is down: ${why}`
  for (const child of node.children) yield* setAside(child)
}

/** One answer for everybody who asks within a while; a failure is not remembered. */
function remembered<T>(clock: Clock, forMs: Millis, ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  let askedAt = Number.NEGATIVE_INFINITY
  return () => {
    const now = clock.now()
    // An answer from the future is one from before the clock was set back.
    if (answer && now >= askedAt && now - askedAt < forMs) return answer
    askedAt = now
    answer = ask()
    answer.catch(() => {
      answer = undefined
    })
    return answer
  }
}
