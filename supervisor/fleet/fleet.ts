/**
 * The fleet as a tree: groups of coins, each coin with its candles, its keeper, its lanes of versions, its feed, its
 * history and the healing of its gaps. A coin starts before those who read it and its feed after them, so nothing is
 * published to nobody; stopping runs the other way round: feed, then versions, then the candles.
 */
import { filter, type Observable, Subject } from 'rxjs'
import { coin as coinActor } from '../../actors/coin/coin.ts'
import { CoinLine } from '../../actors/coin/coin-line.ts'
import type { FeatureHistory } from '../../actors/coin/feature-history.ts'
import { type FeedState, feed as feedActor } from '../../actors/coin/feed.ts'
import { healing } from '../../actors/coin/healing.ts'
import { history } from '../../actors/coin/history.ts'
import { keeper, type Standing } from '../../actors/coin/keeper.ts'
import type { InferenceCommand } from '../../actors/inference/inference.ts'
import type { HistoryWriter, LedgerReader } from '../../actors/ledger.ts'
import type { Address } from '../../actors/protocol.ts'
import type { Sink } from '../../actors/sink.ts'
import type { Artifact } from '../../models/artifact.ts'
import type { Lane, Pointer, Version } from '../../models/version.ts'
import type { Bus } from '../../streams/bus.ts'
import { type Coin, coinToPath } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import type { Pace } from '../../streams/feeds/pace.ts'
import type { Millis } from '../../streams/time.ts'
import { patientPolicy } from '../tree/restart-policy.ts'
import type { SupervisorSpec, Tree } from '../tree/spec.ts'
import { supervise } from '../tree/supervise.ts'
import { worker } from '../tree/worker.ts'
import { type FleetLane, LaneActors, noLimits, type VersionLimits } from './lane-actors.ts'
import type { LifeView } from './reconcile.ts'

export interface FleetPorts {
  readonly feed: Feed
  readonly bus: Bus
  readonly pace: Pace
  readonly set: FeatureSet
  readonly features: FeatureHistory
  readonly reader: LedgerReader
  readonly history: HistoryWriter
  readonly sink: Sink
  readonly pool: Address<InferenceCommand>
  /** The versions that are to run in a coin's lanes, by what the registry knows now. */
  readonly lanes: (coin: Coin) => readonly FleetLane[]
  readonly pointers: (lane: Lane) => readonly Pointer[]
  readonly tree: () => Tree
  readonly changes$: Observable<string>
  readonly timing: FleetTiming
  readonly limits?: VersionLimits | undefined
  /** Is it written that this version stands in quarantine, wherever its actor is? */
  readonly isSetAside?: ((version: Version) => boolean) | undefined
  /** Wall time. */
  readonly now: () => Millis
}

export interface FleetTiming {
  readonly graceMs: Millis
  readonly correctionMs: Millis
  readonly warmMs: Millis
  readonly historyMs: Millis
  readonly tradesReachMs: Millis
}

/** One coin's part of the fleet, for whoever watches it. */
export interface FleetCoin {
  readonly coin: Coin
  readonly path: string
  readonly line: CoinLine
  readonly feedState: FeedState
  readonly spec: SupervisorSpec
}

/** Fan-out stays under about 100 everywhere: a market of a thousand coins is sixteen groups. */
const groupMax = 64
/** Rows kept in memory for each coin: the longest window that shipped models read, and some to fall behind by. */
const ringRows = 512

export class Fleet {
  /** A coin has candles in the ledger that were not there before. */
  readonly committed$ = new Subject<Coin>()
  readonly #ports: FleetPorts
  readonly #marketPath: string
  readonly #coins = new Map<Coin, FleetCoin>()
  readonly #groups = new Map<string, number>()
  readonly #lanes: LaneActors

  /** `marketPath` is the path at which `spec` will stand. */
  constructor(ports: FleetPorts, marketPath: string) {
    this.#ports = ports
    this.#marketPath = marketPath
    this.#lanes = new LaneActors({
      ...ports,
      limits: ports.limits ?? noLimits,
      lanePath: (lane) => this.lanePath(lane),
    })
  }

  /** A version of the lane stands differently, or is loaded. */
  get changed$(): Observable<Lane> {
    return this.#lanes.changed$
  }

  /** A version of the lane has answered more. */
  get progressed$(): Observable<Lane> {
    return this.#lanes.progressed$
  }

  get coins(): readonly FleetCoin[] {
    return [...this.#coins.values()]
  }

  coin(coin: Coin): FleetCoin | undefined {
    return this.#coins.get(coin)
  }

  spec(id: string, coins: readonly Coin[]): SupervisorSpec {
    const made = coins.map((coin) => this.#make(coin))
    const groups = [...this.#groups.keys()].map((group) =>
      supervise(
        group,
        'group',
        'one_for_one',
        made
          .filter((it) => it.path.startsWith(`${this.#marketPath}/${group}/`))
          .map((it) => it.spec),
        8,
      ),
    )
    return supervise(id, 'market', 'one_for_one', groups, 8)
  }

  async add(coin: Coin): Promise<void> {
    const tree = this.#ports.tree()
    const made = this.#make(coin)
    const groupPath = made.path.slice(0, made.path.lastIndexOf('/'))
    if (tree.look(groupPath)) return tree.add(groupPath, made.spec)
    const group = supervise(
      groupPath.slice(this.#marketPath.length + 1),
      'group',
      'one_for_one',
      [made.spec],
      8,
    )
    return tree.add(this.#marketPath, group)
  }

  async remove(coin: Coin): Promise<void> {
    const known = this.#coins.get(coin)
    if (!known) return
    await this.#ports.tree().remove(known.path)
    this.#coins.delete(coin)
    for (const { lane } of this.#ports.lanes(coin)) this.#lanes.forget(lane)
    const group = known.path.split('/').at(-2) as string
    this.#groups.set(group, (this.#groups.get(group) ?? 1) - 1)
    this.#ports.pace.leave(known.path)
  }

  lanePath(lane: Lane): string {
    return `${this.#coinPath(lane.coin)}/lanes/${lane.family}`
  }

  versionPath(version: Version): string {
    return this.#lanes.path(version)
  }

  lives(lane: Lane): readonly LifeView[] {
    return this.#lanes.lives(lane)
  }

  async spawn(version: Version, artifact: Artifact): Promise<void> {
    const known = this.#coins.get(version.coin)
    if (!known)
      throw new Fault('coin.unknown', `${version.coin} is not followed`, { retryable: true })
    await this.#lanes.spawn(version, artifact, known.line)
  }

  despawn(version: Version): Promise<void> {
    return this.#lanes.remove(version)
  }

  /** It answers every candle before `to` and leaves; with null it stays. */
  drain(version: Version, to: Millis | null): void {
    this.#lanes.drain(version, to)
  }

  /** The slots of a lane have changed from that candle on. */
  reassigned(lane: Lane, from: Millis): void {
    this.#lanes.reassigned(lane, from)
  }

  /** An operator holds the lane, or what it stands under. */
  isHeld(lane: Lane): boolean {
    return this.#isSetAside(this.lanePath(lane)) !== undefined
  }

  /** How a version stands, by itself or by what it stands under. */
  standing(version: Version): Standing {
    const state = this.#isSetAside(this.versionPath(version))
    return state ?? (this.#ports.isSetAside?.(version) ? 'quarantined' : 'present')
  }

  #isSetAside(path: string): 'paused' | 'quarantined' | undefined {
    return this.#ports.tree().rest(path)
  }

  #coinPath(coin: Coin): string {
    return this.#coins.get(coin)?.path ?? `${this.#marketPath}/unknown/${coinToPath(coin)}`
  }

  #make(coin: Coin): FleetCoin {
    const ports = this.#ports
    const group = this.#placeInGroup()
    const path = `${this.#marketPath}/${group}/${coinToPath(coin)}`
    const line = new CoinLine(coin, ports.set.intervalMs, ports.set.columns.length, ringRows)
    const feedState: FeedState = {
      connection: 'connecting',
      lastTradeAt: null,
      receivedAt: null,
      detail: null,
    }
    const spec = supervise(coinToPath(coin), 'coin', 'rest_for_one', [
      worker('candles', this.#candles(path, line), { policy: patientPolicy }).spec,
      worker('keeper', this.#keeper(path, line), { policy: patientPolicy }).spec,
      supervise(
        'lanes',
        'lanes',
        'one_for_one',
        ports.lanes(coin).map((lane) => this.#lanes.spec(lane, line)),
        8,
      ),
      worker(
        'feed',
        feedActor({ ...ports, line, correctionMs: ports.timing.correctionMs, state: feedState }),
        {
          policy: patientPolicy,
        },
      ).spec,
      worker('history', this.#history(coin), { restart: 'transient', policy: patientPolicy }).spec,
      worker('healing', healing({ ...ports, coin, intervalMs: ports.set.intervalMs }), {
        policy: patientPolicy,
      }).spec,
    ])
    const made = { coin, path, line, feedState, spec }
    this.#coins.set(coin, made)
    return made
  }

  #placeInGroup(): string {
    for (let i = 0; ; i++) {
      const members = this.#groups.get(`group-${i}`) ?? 0
      if (members >= groupMax) continue
      this.#groups.set(`group-${i}`, members + 1)
      return `group-${i}`
    }
  }

  #candles(path: string, line: CoinLine): ReturnType<typeof coinActor> {
    const ports = this.#ports
    return coinActor({
      ...ports,
      ...ports.timing,
      line,
      intervalMs: ports.set.intervalMs,
      featureHash: ports.set.hash,
      committed: (to) => {
        ports.pace.answered(path, to)
        this.committed$.next(line.coin)
      },
    })
  }

  #keeper(path: string, line: CoinLine): ReturnType<typeof keeper> {
    const ports = this.#ports
    return keeper({
      line,
      reader: ports.reader,
      sink: ports.sink,
      pointers: () => ports.lanes(line.coin).flatMap(({ lane }) => ports.pointers(lane)),
      standing: (version) => this.standing(version),
      changes$: ports.changes$.pipe(filter((changed) => isAbout(changed, path))),
    })
  }

  #history(coin: Coin): ReturnType<typeof history> {
    const { feed, reader, history: writer, set, timing } = this.#ports
    return history({
      coin,
      feed,
      reader,
      writer,
      intervalMs: set.intervalMs,
      depthMs: timing.historyMs,
    })
  }
}

/** A change of the coin, of anything in it, or of what it stands under. */
function isAbout(changed: string, coinPath: string): boolean {
  return `${changed}/`.startsWith(`${coinPath}/`) || coinPath.startsWith(`${changed}/`)
}
