/**
 * What the API needs from the daemon, or from whoever opened a data directory without one. Instants are milliseconds
 * here; the routes write them as ISO 8601. A control that cannot be carried out throws a `Fault`.
 */
import type { Due } from '../../actors/training/due.ts'
import type { Lane, Version } from '../../models/version.ts'
import type { Coin } from '../../streams/coin.ts'
import type { Millis } from '../../streams/time.ts'
import type { Swap } from '../../supervisor/fleet/lane-journal.ts'
import type { TreeNode } from '../../supervisor/tree/spec.ts'
import type { StoreReads } from '../store/reads/reads.ts'
import type { TrainingRead } from '../store/training/read-training.ts'
import type { EventHub } from './event-hub.ts'

export interface ApiDeps {
  readonly reads: StoreReads
  /** Of a candle: the base of the roll-ups that can be asked for. */
  readonly intervalMs: Millis
  readonly status: () => Promise<StatusRead>
  readonly coins: () => Promise<readonly CoinRead[]>
  readonly tree: () => TreeNode
  /** State of a lane's actors, in the tree's words; null where nothing runs. */
  readonly laneState: (coin: Coin, family: string) => string | null
  /** The candle that is still open. */
  readonly preview: (coin: Coin) => PreviewRead | undefined
  readonly controls: OperatorControls
  readonly versions: VersionControls
  readonly training: TrainingControls
  readonly readiness: () => Readiness
  readonly metrics: {
    readonly contentType: string
    readonly text: () => Promise<string>
    readonly observe: (route: string, method: string, status: number, seconds: number) => void
  }
  readonly events: EventHub
  readonly access: Access
  /** Wall time, for ages; and a clock that only goes forward, for how long a request took. */
  readonly now: () => Millis
  readonly elapsed: () => Millis
  /** Told of what no route expected, before it is answered with 500. */
  readonly broke: (error: unknown, route: string) => void
  readonly version: string
}

export interface Access {
  readonly token: string
  /** Names besides loopback by which it may be called, with or without a port. */
  readonly allowedHosts: readonly string[]
  /** Whether reading, too, needs the token. */
  readonly isReadingGuarded: boolean
}

export interface StatusRead {
  readonly version: string
  readonly mode: 'live' | 'tape'
  readonly source: string
  /** Why this source: asked for, the first that answered, none answered … */
  readonly reason: string
  readonly startedAt: Millis
  readonly firstPredictionAt: Millis | null
  readonly health: 'starting' | 'ready' | 'degraded'
  /** What is not well, in words. */
  readonly degraded: readonly string[]
  readonly coins: number
  readonly lanes: number
  readonly models: number
  readonly predictions: number
  readonly gaps: { readonly open: number; readonly unhealable: number }
  readonly continuity: {
    readonly unexplained: number
    readonly duplicates: number
    readonly holes: number
  }
}

export interface CoinRead {
  readonly coin: Coin
  readonly source: string
  /** The feed's and the actors' state in one word: `live`, `backfilling`, `reconnecting`, `paused`, `quarantined` … */
  readonly state: string
  readonly lastTradeAt: Millis | null
  /** Opening of the newest closed candle. */
  readonly lastCandleAt: Millis | null
  readonly candles: number
  readonly gaps: number
  /** Since the last trade, market time. */
  readonly stalenessMs: number | null
}

export interface PreviewRead {
  readonly openAt: Millis
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
  readonly trades: number | null
}

export type Readiness =
  | { readonly ready: true }
  /** What is still missing, in words. */
  | { readonly ready: false; readonly why: string }

export const actions = ['pause', 'resume', 'restart', 'release'] as const
export type Action = (typeof actions)[number]

/** A lane where a family is named, else a coin with all its lanes. */
export interface Target {
  readonly coin: Coin
  readonly family?: string | undefined
}

export interface VersionControls {
  /** A person's wish. `lane.unknown`, `model.unknown`; what becomes of it is in the swap. */
  readonly swap: (version: Version) => Promise<Swap>
  /** One step back, from the next candle on. `rollback.state` where there is none. */
  readonly rollback: (lane: Lane, reason: string) => Promise<Swap>
  /** Looks at the registry now, and says in how many lanes it wants something new. */
  readonly refresh: () => Promise<{ readonly announced: number }>
  /** An artifact's files by name; into the coin's lane, or with `null` into that of every coin that it fits. */
  readonly publish: (
    files: ReadonlyMap<string, Uint8Array>,
    how: { readonly coin: Coin | null; readonly activate: boolean },
  ) => Promise<readonly Version[]>
}

export interface OperatorControls {
  /** Recorded with its reason. `coin.unknown` and `lane.unknown` where there is none. */
  readonly act: (
    target: Target,
    action: Action,
    reason: string,
  ) => Promise<{ readonly state: string }>
  /** `coin.exists` where it is followed already, `coin.unlisted` where the source does not have it. */
  readonly addCoin: (coin: Coin, reason: string) => Promise<void>
  readonly removeCoin: (coin: Coin, reason: string) => Promise<void>
}

export interface TrainingControls {
  /** `training.busy` while the lane has a run; `lane.unknown`, and `family.unsupported` where no trainer is known. */
  readonly ask: (order: AskedTraining) => Promise<TrainingRead>
  /** `training.unknown`, and `training.state` where it is over already. */
  readonly cancel: (run: number) => Promise<TrainingRead>
  /** When each lane is trained next, or what it waits for. */
  readonly plan: () => readonly LanePlanRead[]
}

export interface AskedTraining extends Lane {
  readonly rows?: number | undefined
  readonly trials?: number | undefined
  readonly seed?: number | undefined
  /** The configuration says where this does not. */
  readonly warmStart?: boolean | undefined
}

export interface LanePlanRead {
  readonly lane: Lane
  readonly due: Due | { readonly type: 'off'; readonly detail: string }
}
