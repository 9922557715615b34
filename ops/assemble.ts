/**
 * Puts a market, a store and the fleet together into one running tree. The daemon, a replay and the system bench are all
 * this, over different feeds and databases: there is one wiring.
 *
 * sink → inference (pool, then children) → market → outcomes: whoever writes last starts first, and leaves last.
 */
import { Subject } from 'rxjs'
import { FeatureHistory } from '../actors/feature-history.ts'
import type { InferenceCommand } from '../actors/inference.ts'
import { inferencePool } from '../actors/inference-pool.ts'
import { poolDefaults } from '../actors/inference-state.ts'
import { childDefaults, childEntry, inferenceChild } from '../actors/inference-worker.ts'
import type { HistoryWriter, LedgerReader, LedgerWriter } from '../actors/ledger.ts'
import { outcomes } from '../actors/outcomes.ts'
import type { Address } from '../actors/protocol.ts'
import { type Sink, sink } from '../actors/sink.ts'
import type { Lane, Pointer, Version } from '../models/version.ts'
import { inProcessBus } from '../streams/bus.ts'
import { tell } from '../streams/channels.ts'
import type { Coin } from '../streams/coin.ts'
import type { FeatureSet } from '../streams/features/set.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import type { Pace } from '../streams/feeds/pace.ts'
import type { Clock, Millis } from '../streams/time.ts'
import { Fleet, type FleetLane, type FleetTiming } from '../supervisor/fleet.ts'
import { leafPolicy, supervisorPolicy } from '../supervisor/restart-policy.ts'
import type { ChildSpec, SupervisorSpec } from '../supervisor/spec.ts'
import { type RunningTree, startTree } from '../supervisor/tree.ts'
import { worker } from '../supervisor/worker.ts'

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
  readonly resolveOutcomes: (coin: Coin) => Promise<number>
  readonly timing: FleetTiming
  readonly inference: InferenceSettings
}

export interface InferenceSettings {
  readonly children: number
  readonly rssMax: number
  readonly deadlineMs: Millis
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
  let tree: RunningTree | undefined
  const running = (): RunningTree => {
    if (!tree) throw new Error('the tree is asked for while it is being built')
    return tree
  }
  const changes$ = new Subject<string>()
  const features = new FeatureHistory({
    reader: ports.reader,
    intervalMs: ports.set.intervalMs,
    columns: ports.set.columns.length,
    hash: ports.set.hash,
    dueAt: (candle) =>
      ports.feed.mode === 'live' ? candle.openAt + ports.set.intervalMs : ports.clock.now(),
  })
  const isCurrent = (path: string, epoch: number): boolean => tree?.find(path)?.epoch === epoch
  const sinkWorker = worker(
    'sink',
    sink({
      writer: ports.writer,
      marketNow: () => ports.feed.now(),
      isCurrent,
      policy: { rowsMax: 2_000, lingerMs: 3 },
    }),
    { shutdownMs: 15_000, givingUp: 'escalate' },
  )
  const quarantined = (version: Version, reason: string): void => {
    tell('version.quarantined', { ...version, reason })
    void running().quarantine(fleet.versionPath(version), reason)
  }
  const pool = worker('pool', inferencePool({ ...poolDefaults, quarantined }), {
    givingUp: 'escalate',
  })
  const fleet: Fleet = new Fleet(
    {
      ...ports,
      history: ports.writer,
      features,
      sink: sinkWorker.address,
      pool: pool.address,
      bus: inProcessBus(),
      tree: running,
      changes$,
    },
    `${rootId}/market`,
  )
  const market = fleet.spec('market', ports.coins)
  const root = supervise(rootId, 'root', 'rest_for_one', [
    sinkWorker.spec,
    supervise('inference', 'inference', 'rest_for_one', [pool.spec, children(ports, pool.address)]),
    market,
    worker('outcomes', outcomes({ committed$: fleet.committed$, resolve: ports.resolveOutcomes }), {
      policy: { ...leafPolicy, restartsMax: Number.POSITIVE_INFINITY },
    }).spec,
  ])
  tree = await startTree(root, ports)
  tree.changes$.subscribe(changes$)
  return { tree, fleet, features, pool: pool.address, sink: sinkWorker.address }
}

function children(
  ports: AssemblyPorts,
  pool: Parameters<typeof inferenceChild>[0]['pool'],
): SupervisorSpec {
  const { children: count, rssMax, deadlineMs } = ports.inference
  const specs = Array.from(
    { length: count },
    (_, child) =>
      worker(
        `child-${child}`,
        inferenceChild({
          ...childDefaults,
          child,
          pool,
          entry: childEntry,
          deadlineMs,
          rssMax,
          platform: process.platform,
        }),
        { policy: { ...leafPolicy, restartsMax: Number.POSITIVE_INFINITY } },
      ).spec,
  )
  return supervise('children', 'children', 'one_for_one', specs)
}

function supervise(
  id: string,
  kind: string,
  strategy: SupervisorSpec['strategy'],
  childSpecs: readonly ChildSpec[],
): SupervisorSpec {
  return { type: 'supervisor', id, kind, strategy, policy: supervisorPolicy, children: childSpecs }
}
