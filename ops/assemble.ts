/**
 * Puts a market, a store and the fleet together into one running tree. The daemon, a replay and the system bench are all
 * this, over different feeds and databases: there is one wiring.
 *
 * sink → inference (pool, then children) → market → outcomes: whoever writes last starts first, and leaves last.
 */
import { Subject } from 'rxjs'
import { FeatureHistory } from '../actors/coin/feature-history.ts'
import type { InferenceCommand } from '../actors/inference/inference.ts'
import { inferencePool } from '../actors/inference/pool.ts'
import { poolDefaults } from '../actors/inference/state.ts'
import { childDefaults, childEntry, inferenceChild } from '../actors/inference/worker.ts'
import type { HistoryWriter, LedgerReader, LedgerWriter } from '../actors/ledger.ts'
import { outcomes } from '../actors/outcomes.ts'
import type { Address } from '../actors/protocol.ts'
import { type Sink, type SinkCommand, type SinkPorts, sink } from '../actors/sink.ts'
import type { Lane, Pointer, Version } from '../models/version.ts'
import { inProcessBus } from '../streams/bus.ts'
import type { Coin } from '../streams/coin.ts'
import type { FeatureSet } from '../streams/features/set.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import type { Pace } from '../streams/feeds/pace.ts'
import type { Clock, Millis } from '../streams/time.ts'
import { Fleet, type FleetTiming } from '../supervisor/fleet/fleet.ts'
import type { FleetLane, VersionLimits } from '../supervisor/fleet/lane-actors.ts'
import { patientPolicy, workPolicy } from '../supervisor/tree/restart-policy.ts'
import type { SupervisorSpec, Worker } from '../supervisor/tree/spec.ts'
import { supervise } from '../supervisor/tree/supervise.ts'
import { openTree, type RunningTree } from '../supervisor/tree/tree.ts'
import { worker } from '../supervisor/tree/worker.ts'

export interface AssemblyPorts {
  readonly feed: Feed
  readonly pace: Pace
  readonly set: FeatureSet
  readonly clock: Clock
  readonly random: () => number
  readonly epochs: () => number
  readonly coins: readonly Coin[]
  readonly writer: LedgerWriter & HistoryWriter
  readonly reader: LedgerReader
  readonly lanes: (coin: Coin) => readonly FleetLane[]
  readonly pointers: (lane: Lane) => readonly Pointer[]
  readonly limits?: VersionLimits
  readonly isSetAside?: (version: Version) => boolean
  readonly resolveOutcomes: (coin: Coin) => Promise<number>
  readonly timing: FleetTiming
  /** The pool and whatever answers for it; it is told how to set a version aside. */
  readonly inference: (quarantined: Quarantine) => InferenceTree
}

export interface InferenceSettings {
  /** The file that the children run; a test may have one whose models misbehave. */
  readonly entry?: string
  readonly children: number
  readonly rssMax: number
  readonly deadlineMs: Millis
}

export type Quarantine = (version: Version, reason: string) => Promise<void>

export interface InferenceTree {
  readonly pool: Address<InferenceCommand>
  readonly spec: SupervisorSpec
}

export interface Assembly {
  readonly tree: RunningTree
  readonly fleet: Fleet
  readonly features: FeatureHistory
  readonly pool: Address<InferenceCommand>
  readonly sink: Sink
}

export const rootId = 'starling'

export async function assemble(ports: AssemblyPorts): Promise<Assembly> {
  const changes$ = new Subject<string>()
  const tree = (): RunningTree => running
  const features = new FeatureHistory({
    reader: ports.reader,
    set: ports.set,
    dueAt: (candle) =>
      ports.feed.mode === 'live' ? candle.openAt + ports.set.intervalMs : ports.clock.now(),
  })
  const ledger = sinkWorker({
    writer: ports.writer,
    marketNow: () => ports.feed.now(),
    isCurrent: (path, epoch) => tree().epochAt(path) === epoch,
  })
  const inference = ports.inference(async (version, reason) => {
    const path = fleet.versionPath(version)
    if (tree().look(path)) await tree().quarantine(path, reason)
  })
  const fleet: Fleet = new Fleet(
    {
      ...ports,
      history: ports.writer,
      features,
      sink: ledger.address,
      pool: inference.pool,
      bus: inProcessBus(),
      tree,
      changes$,
      now: () => ports.clock.now(),
    },
    `${rootId}/market`,
  )
  const resolver = worker(
    'resolver',
    outcomes({
      coins: () => fleet.coins.map(({ coin }) => coin),
      committed$: fleet.committed$,
      resolve: ports.resolveOutcomes,
    }),
    { policy: patientPolicy },
  )
  const root = supervise(rootId, 'root', 'rest_for_one', [
    ledger.spec,
    inference.spec,
    fleet.spec('market', ports.coins),
    // In rooms of their own: trouble there is no reason to begin anew for what starts after them.
    supervise('outcomes', 'outcomes', 'one_for_one', [resolver.spec]),
  ])
  const running = openTree(root, ports)
  running.changes$.subscribe(changes$)
  await running.started
  return { tree: running, fleet, features, pool: inference.pool, sink: ledger.address }
}

/** The sink as the tree's first child: what it was given is worth waiting for. */
export function sinkWorker(ports: Omit<SinkPorts, 'policy'>, id = 'sink'): Worker<SinkCommand> {
  const policy = { rowsMax: 2_000, lingerMs: 3, restMs: 10, restRowsMax: 256 }
  return worker(id, sink({ ...ports, policy }), { shutdownMs: 15_000, policy: patientPolicy })
}

/** The pool and its children. A child that dies is the children's business; a pool that dies takes them with it. */
export function inferenceTree(
  { children: count, rssMax, deadlineMs, entry = childEntry }: InferenceSettings,
  quarantined: Quarantine,
): InferenceTree {
  const pool = worker('pool', inferencePool({ ...poolDefaults, quarantined }), {
    policy: patientPolicy,
  })
  const children = Array.from({ length: count }, (_, child) => {
    const { platform, env } = process
    const options = {
      ...childDefaults,
      child,
      pool: pool.address,
      entry,
      deadlineMs,
      rssMax,
      platform,
      env,
    }
    return worker(`child-${child}`, inferenceChild(options), { policy: workPolicy }).spec
  })
  const spec = supervise('inference', 'inference', 'rest_for_one', [
    pool.spec,
    supervise('children', 'children', 'one_for_one', children),
  ])
  return { pool: pool.address, spec }
}
