/**
 * The actors of the lanes: one supervisor each, with one worker for every version that holds a slot, is on its way to one
 * or has yet to finish. Versions come and go here while their lane runs and nobody beside them notices; how each of them
 * stands is read from the tree and from what it says of its own progress.
 */
import { type Observable, Subject } from 'rxjs'
import type { CoinLine } from '../../actors/coin/coin-line.ts'
import type { InferenceCommand } from '../../actors/inference/inference.ts'
import type { Address } from '../../actors/protocol.ts'
import {
  type VersionMessage,
  type VersionPorts,
  version as versionActor,
} from '../../actors/version/version.ts'
import type { Artifact } from '../../models/artifact.ts'
import {
  type Lane,
  laneName,
  type Pointer,
  type Slot,
  type Version,
  versionName,
} from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import { coinFromPath } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import type { Pace } from '../../streams/feeds/pace.ts'
import type { Millis } from '../../streams/time.ts'
import type { SupervisorSpec, Tree, WorkerSpec } from '../tree/spec.ts'
import { supervise } from '../tree/supervise.ts'
import { worker } from '../tree/worker.ts'
import type { LifeView } from './reconcile.ts'

export interface FleetLane {
  readonly lane: Lane
  readonly versions: readonly { readonly version: Version; readonly artifact: Artifact }[]
}

/** What a version may take, and how old it may grow. */
export interface VersionLimits {
  /** Openings from here on are past its age. */
  readonly expiresAt: (artifact: Artifact) => Millis
  readonly inferMsMax: Millis
}

export const noLimits: VersionLimits = {
  expiresAt: () => Number.POSITIVE_INFINITY,
  inferMsMax: Number.POSITIVE_INFINITY,
}

export interface LaneActorPorts extends Pick<VersionPorts, 'set' | 'features' | 'reader' | 'sink'> {
  readonly feed: Pick<Feed, 'source'>
  readonly pace: Pace
  readonly pool: Address<InferenceCommand>
  readonly pointers: (lane: Lane) => readonly Pointer[]
  readonly tree: () => Tree
  readonly lanePath: (lane: Lane) => string
  readonly limits: VersionLimits
  /** The paths whose state in the tree changed. */
  readonly changes$: Observable<string>
  /** Wall time. */
  readonly now: () => Millis
}

interface Living {
  readonly version: Version
  readonly address: Address<VersionMessage>
  readonly reassigned$: Subject<Millis>
  loaded: boolean
  answeredTo: Millis
  /** Wall time at which it was told to drain. */
  drainingSince: Millis | null
}

export class LaneActors {
  /** A version stands differently, or is loaded. */
  readonly changed$ = new Subject<Lane>()
  /** A version has answered more. */
  readonly progressed$ = new Subject<Lane>()
  readonly #ports: LaneActorPorts
  readonly #living = new Map<string, Map<string, Living>>()

  constructor(ports: LaneActorPorts) {
    this.#ports = ports
    ports.changes$.subscribe((path) => {
      const lane = laneAt(path)
      if (lane) this.changed$.next(lane)
    })
  }

  spec({ lane, versions }: FleetLane, line: CoinLine): SupervisorSpec {
    return superviseLane(
      lane,
      versions.map(({ version, artifact }) => this.#make(version, artifact, line)),
    )
  }

  path(version: Version): string {
    return `${this.#ports.lanePath(version)}/${version.version}`
  }

  async spawn(version: Version, artifact: Artifact, line: CoinLine): Promise<void> {
    const tree = this.#ports.tree()
    const lanePath = this.#ports.lanePath(version)
    if (tree.look(this.path(version))) return
    const made = this.#make(version, artifact, line)
    if (tree.look(lanePath)) return tree.add(lanePath, made)
    await tree.add(lanePath.slice(0, lanePath.lastIndexOf('/')), superviseLane(version, [made]))
  }

  /** Its actor ends, by itself or at its deadline, and the children let go of its session. */
  async remove(version: Version): Promise<void> {
    const { pool, tree } = this.#ports
    const path = this.path(version)
    if (tree().look(path)) await tree().remove(path)
    this.#living.get(laneName(version))?.delete(versionName(version))
    pool.tell({ type: 'unload', version })
  }

  drain(version: Version, to: Millis | null): void {
    const living = this.#of(version)
    if (!living?.address.tell({ type: 'drain', to }))
      throw new Fault('version.busy', `${versionName(version)} hears nothing now`, {
        retryable: true,
      })
    living.drainingSince = to === null ? null : this.#ports.now()
  }

  /** The lane's slots have changed from the candle that opens at `from` on: whoever holds one looks what it owes. */
  reassigned(lane: Lane, from: Millis): void {
    for (const { reassigned$ } of this.#living.get(laneName(lane))?.values() ?? [])
      reassigned$.next(from)
  }

  /** No actor of the coin is there any more. */
  forget(lane: Lane): void {
    this.#living.delete(laneName(lane))
  }

  lives(lane: Lane): readonly LifeView[] {
    const { now } = this.#ports
    return [...(this.#living.get(laneName(lane))?.values() ?? [])].flatMap((living) => {
      const node = this.#ports.tree().look(this.path(living.version))
      if (!node) return []
      const { drainingSince } = living
      const standing =
        node.state === 'quarantined'
          ? 'quarantined'
          : this.#ports.tree().hasLeft(this.path(living.version))
            ? 'left'
            : living.loaded
              ? 'following'
              : 'loading'
      return {
        version: living.version,
        standing,
        reason: node.reason,
        answeredTo: living.answeredTo,
        drainingMs: drainingSince === null ? null : now() - drainingSince,
      } as const
    })
  }

  #of(version: Version): Living | undefined {
    return this.#living.get(laneName(version))?.get(versionName(version))
  }

  #make(version: Version, artifact: Artifact, line: CoinLine): WorkerSpec {
    const { pace, pointers, limits, feed, ...ports } = this.#ports
    const key = versionName(version)
    const reassigned$ = new Subject<Millis>()
    let isExpired = false
    const holdsSlot = (): boolean =>
      pointers(version).some((it) => it.until === null && it.version === version.version)
    const actor = versionActor({
      ...ports,
      version,
      artifact,
      line,
      source: feed.source,
      slotsAt: (openAt) => slotsAt(pointers(version), version, openAt),
      reassigned$,
      expiresAt: limits.expiresAt(artifact),
      inferMsMax: limits.inferMsMax,
      expired: (openAt) => {
        if (isExpired || !holdsSlot()) return
        isExpired = true
        tell('version.expired', { ...version, openAt })
      },
      entered: (from) => {
        living.loaded = false
        living.drainingSince = null
        // The market waits for whoever is to be heard; a challenger joins in once it can answer.
        if (holdsSlot()) pace.answered(key, from)
      },
      loaded: () => {
        living.loaded = true
        this.changed$.next(version)
      },
      answered: (to) => {
        living.answeredTo = Math.max(living.answeredTo, to)
        pace.answered(key, to)
        this.progressed$.next(version)
      },
      left: () => pace.leave(key),
      quarantine: (reason) => ports.tree().quarantine(this.path(version), reason),
    })
    const { spec, address } = worker(String(version.version), actor, { restart: 'transient' })
    const living: Living = {
      version,
      address,
      reassigned$,
      loaded: false,
      answeredTo: 0,
      drainingSince: null,
    }
    const lane = this.#living.get(laneName(version)) ?? new Map<string, Living>()
    this.#living.set(laneName(version), lane.set(key, living))
    return spec
  }
}

/** Of a version's path: `…/BTC-USDT/lanes/linear/7`. */
function laneAt(path: string): Lane | undefined {
  const match = /([^/]+)\/lanes\/([^/]+)\/\d+$/.exec(path)
  const coin = match && coinFromPath(match[1] as string)
  return match && coin ? { coin, family: match[2] as string } : undefined
}

function superviseLane({ family }: Lane, children: readonly WorkerSpec[]): SupervisorSpec {
  return supervise(family, 'lane', 'one_for_one', children, 4)
}

/** The slots that a version held at one candle, by the history of pointers. */
export function slotsAt(
  pointers: readonly Pointer[],
  version: Version,
  openAt: Millis,
): readonly Slot[] {
  return pointers
    .filter(
      (it) =>
        it.version === version.version && it.family === version.family && it.coin === version.coin,
    )
    .filter((it) => openAt >= it.from && (it.until === null || openAt < it.until))
    .map((it) => it.slot)
}
