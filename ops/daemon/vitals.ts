/**
 * How the daemon is: what the status route, the status line, readiness and the gauges say, in one place and by one
 * definition. What would cost the database more than a moment is remembered for a while.
 */
import { type Version, versionName } from '../../models/version.ts'
import { listen } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import { type Clock, dayMs, type Millis } from '../../streams/time.ts'
import type { TreeNode } from '../../supervisor/tree/spec.ts'
import type { CoinRead, PreviewRead, Readiness, StatusRead } from '../api/deps.ts'
import type { Assembly } from '../assemble.ts'
import type { ChosenMarket } from '../choose-market.ts'
import type { ContinuityRead, StoreReads } from '../store/reads/reads.ts'
import type { Gauges } from '../telemetry/measure.ts'
import type { Vitals } from '../telemetry/status-line.ts'
import type { LaneRegistry } from '../versions/lane-registry.ts'
import { modelGauges } from './model-gauges.ts'

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
  const { heard, stop } = hear(clock)
  let running: Running | undefined
  let audited: ContinuityRead | undefined
  const continuity = remembered(clock, continuityForMs, async () => {
    audited = await reads.continuity(undefined, undefined)
    return audited
  })
  const models = remembered(clock, modelsForMs, async () => (running ? modelGauges(reads) : []))
  const missing = (): string | undefined => whatIsMissing(running, heard)
  const degraded = (): readonly string[] =>
    running ? whatIsWrong(running, heard, market, audited) : []
  const health = (): StatusRead['health'] => {
    if (missing() !== undefined) return 'starting'
    return degraded().length > 0 ? 'degraded' : 'ready'
  }
  return {
    attach: (assembly, registry) => {
      running = { assembly, registry }
    },
    status: async () => {
      const [{ unexplained, duplicates, lanes }, predictions, first, gaps] = await Promise.all([
        continuity(),
        reads.predictionCount(),
        reads.firstPredictionAt(),
        reads.gapCounts(),
      ])
      const { version, startedAt } = ports
      const { mode, source, reason } = market
      return {
        ...{ version, mode, source, reason, startedAt },
        firstPredictionAt: heard.firstPredictionAt ?? first,
        health: health(),
        degraded: degraded(),
        ...count(running),
        predictions,
        gaps,
        continuity: { unexplained, duplicates, holes: holesIn(lanes) },
      }
    },
    coins: async () =>
      running ? readCoins(running.assembly, market, await reads.candleCounts(), clock.now()) : [],
    preview: (coin) => {
      const bar = running?.assembly.fleet.coin(coin)?.line.preview
      return bar && { ...bar, trades: Number.isNaN(bar.trades) ? null : bar.trades }
    },
    readiness: () => {
      const why = missing() ?? sinkTrouble(heard)
      return why === undefined ? { ready: true } : { ready: false, why }
    },
    vitals: () => ({
      health: health(),
      mode: market.mode,
      source: market.source,
      coins: count(running).coins,
      lanes: count(running).lanes,
      predictions: heard.predictions,
      lastCandleAt: heard.lastCandleAt,
      waitMs: heard.waits.toSorted((a, b) => a - b)[heard.waits.length >> 1] ?? null,
      holes: holesIn(audited?.lanes ?? []),
      history: running ? historyOnItsWay(running, heard) : null,
      degraded: degraded(),
    }),
    continuity,
    models,
    stop,
  }
}

interface Running {
  readonly assembly: Assembly
  readonly registry: LaneRegistry
}

/** What has been told on the channels since the daemon began. */
interface Heard {
  readonly loaded: Set<string>
  /** How far back each coin's history goes, and is to go. */
  readonly fetched: Map<string, { readonly from: Millis; readonly goal: Millis }>
  /** Of the newest live predictions. */
  readonly waits: number[]
  predictions: number
  /** Answers made again from equal inputs that were not what the ledger has. */
  disagreements: number
  firstPredictionAt: Millis | null
  lastCandleAt: Millis | null
  sinkWaitsFor: string | undefined
  /** Bytes left, where they are few. */
  diskIsLow: number | undefined
}

function hear(clock: Clock): { readonly heard: Heard; readonly stop: () => void } {
  const heard: Heard = {
    loaded: new Set(),
    fetched: new Map(),
    waits: [],
    predictions: 0,
    disagreements: 0,
    firstPredictionAt: null,
    lastCandleAt: null,
    sinkWaitsFor: undefined,
    diskIsLow: undefined,
  }
  const stops = [
    listen('version.loaded', (version) => heard.loaded.add(versionName(version as Version))),
    listen('history.fetched', ({ coin, from, goal }) => heard.fetched.set(coin, { from, goal })),
    listen('prediction.committed', ({ waitMs, mode }) => {
      heard.predictions++
      heard.firstPredictionAt ??= clock.now()
      if (mode !== 'live') return
      heard.waits.push(waitMs)
      if (heard.waits.length > waitsKept) heard.waits.shift()
    }),
    listen('prediction.disagreed', () => {
      heard.disagreements++
    }),
    listen('candle.closed', ({ openAt }) => {
      heard.lastCandleAt = Math.max(heard.lastCandleAt ?? 0, openAt)
    }),
    listen('sink.waiting', ({ code }) => {
      heard.sinkWaitsFor = code
    }),
    listen('sink.committed', () => {
      heard.sinkWaitsFor = undefined
    }),
    listen('disk.looked_at', ({ freeBytes, isLow }) => {
      heard.diskIsLow = isLow ? freeBytes : undefined
    }),
  ]
  return {
    heard,
    stop: () => {
      for (const stop of stops) stop()
    },
  }
}

/** Until nothing is, the daemon is starting. */
function whatIsMissing(running: Running | undefined, { loaded }: Heard): string | undefined {
  if (!running) return 'the fleet is being started'
  const { fleet } = running.assembly
  for (const { coin, line } of fleet.coins) {
    if (line.committedTo === 0) return `${coin} has no candles yet`
    for (const { versions } of running.registry.lanes(coin)) {
      const absent = versions.find(
        ({ version }) => !loaded.has(versionName(version)) && fleet.standing(version) === 'present',
      )
      if (absent) return `${versionName(absent.version)} is being loaded`
    }
  }
  return undefined
}

function whatIsWrong(
  { assembly, registry }: Running,
  heard: Heard,
  market: ChosenMarket,
  audited: ContinuityRead | undefined,
): readonly string[] {
  const told = [...setAside(assembly.tree.snapshot())]
  for (const [name, why] of registry.unservable) told.push(`${name} is not served: ${why}`)
  for (const { coin, feedState } of assembly.fleet.coins) {
    if (market.mode === 'live' && feedState.connection === 'connecting')
      told.push(`${coin} waits for ${market.source} to answer`)
    if (feedState.connection === 'reconnecting')
      told.push(`${coin} is reconnecting: ${feedState.detail}`)
  }
  const trouble = sinkTrouble(heard)
  if (trouble !== undefined) told.push(trouble)
  if (heard.diskIsLow !== undefined)
    told.push(`the disk has only ${Math.round(heard.diskIsLow / 1024 ** 2)} MiB left`)
  if (heard.disagreements > 0)
    told.push(`${heard.disagreements} answers made again differ from those in the ledger`)
  if (audited && audited.unexplained > 0)
    told.push(`${audited.unexplained} candles are unexplained`)
  if (audited && audited.duplicates > 0)
    told.push(`${audited.duplicates} candles are answered twice`)
  return told
}

function sinkTrouble({ sinkWaitsFor }: Heard): string | undefined {
  return sinkWaitsFor === undefined ? undefined : `the ledger cannot be written: ${sinkWaitsFor}`
}

function count(running: Running | undefined): Pick<StatusRead, 'coins' | 'lanes' | 'models'> {
  const coins = running?.assembly.fleet.coins ?? []
  const lanes = coins.flatMap(({ coin }) => running?.registry.lanes(coin) ?? [])
  return {
    coins: coins.length,
    lanes: lanes.length,
    models: lanes.reduce((sum, lane) => sum + lane.versions.length, 0),
  }
}

/** Of the coin that has the longest way to go; null once nothing more is fetched. */
function historyOnItsWay({ assembly }: Running, { fetched }: Heard): Vitals['history'] {
  const [longest] = [...fetched]
    .filter(([, { from, goal }]) => from > goal)
    .toSorted(([, a], [, b]) => b.from - b.goal - (a.from - a.goal))
  if (longest === undefined) return null
  const [coin, { from, goal }] = longest
  const to = assembly.fleet.coin(coin as Coin)?.line.committedTo
  return to === undefined ? null : { days: (to - from) / dayMs, of: (to - goal) / dayMs }
}

function holesIn(lanes: ContinuityRead['lanes']): number {
  return lanes.reduce((sum, lane) => sum + lane.holes, 0)
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

function* setAside(node: TreeNode): Generator<string> {
  const why = node.reason?.split('\n', 1)[0] ?? 'no reason was given'
  if (node.state === 'quarantined') yield `${node.path} is in quarantine: ${why}`
  if (node.state === 'waiting') yield `${node.path} is down: ${why}`
  for (const child of node.children) yield* setAside(child)
}

/**
 * One answer for everybody who asks within a while, and while it is still being found, however long that takes; a failure
 * is not remembered.
 */
function remembered<T>(clock: Clock, forMs: Millis, ask: () => Promise<T>): () => Promise<T> {
  let answer: Promise<T> | undefined
  let answeredAt: Millis | undefined
  return () => {
    const now = clock.now()
    // An answer from the future is one from before the clock was set back.
    const isFresh = answeredAt === undefined || (now >= answeredAt && now - answeredAt < forMs)
    if (answer && isFresh) return answer
    answeredAt = undefined
    answer = ask()
    answer.then(
      () => {
        answeredAt = clock.now()
      },
      () => {
        answer = undefined
      },
    )
    return answer
  }
}
