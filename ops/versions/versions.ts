/**
 * Versions in the daemon: the registry and its actor, the journal under the daemon's lease, the reconciler over the
 * running fleet, and what people may ask of them.
 */
import { ask } from '../../actors/ask.ts'
import type { Address } from '../../actors/protocol.ts'
import { registry as registryActor } from '../../actors/registry.ts'
import type { Sink } from '../../actors/sink.ts'
import { planInput } from '../../actors/version/version-input.ts'
import type { Verdict } from '../../models/judging/verdict.ts'
import { type Lane, laneName } from '../../models/version.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import { featureSet } from '../../streams/features/set.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import type { Pace } from '../../streams/feeds/pace.ts'
import { type Clock, dayMs, floorTo, type Millis } from '../../streams/time.ts'
import type { FleetPort } from '../../supervisor/fleet/carry-out.ts'
import type { LaneJournal, Swap } from '../../supervisor/fleet/lane-journal.ts'
import type { SwapPolicy } from '../../supervisor/fleet/reconcile.ts'
import {
  type ReconcilerCommand,
  type ReconcilerPorts,
  type Refreshed,
  type RolledBack,
  reconciler,
} from '../../supervisor/fleet/reconciler.ts'
import { toldJournal } from '../../supervisor/fleet/told-journal.ts'
import { patientPolicy } from '../../supervisor/tree/restart-policy.ts'
import { supervise } from '../../supervisor/tree/supervise.ts'
import { worker } from '../../supervisor/tree/worker.ts'
import type { VersionControls } from '../api/deps.ts'
import { type Assembly, rootId, sinkWorker } from '../assemble.ts'
import type { Config } from '../config/schema.ts'
import type { Lease } from '../store/lease.ts'
import type { Store } from '../store/store.ts'
import type { ArtifactFiles } from '../store/versions/artifact-files.ts'
import { versionsBehind } from '../store/versions/backfills.ts'
import { openJournal } from '../store/versions/journal.ts'
import type { EmbeddedRegistry } from '../store/versions/registry.ts'
import type { LaneRegistry } from './lane-registry.ts'
import { catchUp, predictForSwap } from './predict-past.ts'
import { publish } from './publish.ts'

export interface VersionsNeeds {
  readonly config: Config
  readonly clock: Clock
  readonly feed: Feed
  readonly store: Store
  readonly lease: Lease
  readonly lanes: LaneRegistry
  readonly files: ArtifactFiles
  readonly registry: EmbeddedRegistry
  /** Where uploads are put down for a moment. */
  readonly uploads: string
  readonly assembly: Assembly
  readonly pace: Pace
  /** What the gate says of a swap's version; `onShadow` counts what it predicted beside the incumbent, too. */
  readonly judge: (swap: Swap, onShadow: boolean) => Promise<Verdict>
}

const askMsMax: Millis = 30_000
const drainMsMax: Millis = 30_000
const settleCandlesMax = 10

export async function startVersions(needs: VersionsNeeds): Promise<VersionControls> {
  const { store, registry, assembly } = needs
  const { tree } = assembly
  const journal = toldJournal(openJournal({ ...store, sql: store.live, lease: needs.lease }))
  // History has a sink of its own: what is live never waits behind its rows, nor for the outcomes that they touch.
  const past = sinkWorker(
    {
      writer: store.writer(needs.lease, () => needs.clock.now()),
      marketNow: () => needs.feed.now(),
      isCurrent: (path, epoch) => tree.epochAt(path) === epoch,
    },
    'past',
  )
  const actor = reconciler(reconcilerPorts(needs, journal, past.address))
  const { spec, address } = worker('reconciler', actor, { policy: patientPolicy })
  const look = (lane: Lane | null): unknown => address.tell({ type: 'look', lane })
  const watching = registryActor({ registry, announced: look, listening: () => look(null) })
  const announcements = worker('registry', watching, { policy: patientPolicy })
  await tree.add(
    rootId,
    supervise('versions', 'versions', 'rest_for_one', [past.spec, spec, announcements.spec]),
  )
  return versionControls(needs, journal, address, look)
}

function reconcilerPorts(needs: VersionsNeeds, journal: LaneJournal, past: Sink): ReconcilerPorts {
  const { config, store, lanes, registry, assembly } = needs
  const { fleet } = assembly
  const policy: SwapPolicy = {
    intervalMs: store.intervalMs,
    shadowCandles: config.fleet.shadowCandles,
    drainMsMax,
    settleCandlesMax,
  }
  return {
    journal,
    desired: registry.desired,
    policy: () => policy,
    isFollowed: (lane) => lanes.isFollowed(lane),
    learn: (record) => lanes.learn(record),
    changed$: fleet.changed$,
    progressed$: fleet.progressed$,
    fleet: fleetPort(needs),
    removeArtifact: (sha256) => needs.files.remove(sha256),
    work: {
      fetch: (version) => lanes.artifact(version),
      verify: async (version) => {
        const { manifest } = await lanes.artifact(version)
        planInput(manifest.input, featureSet(config.market.interval))
      },
      judge: needs.judge,
      backfill: (swap, signal) => predictForSwap(needs, past, swap, signal),
      catchUp: (version, signal) => catchUp(needs, past, version, signal),
    },
    behind: () => versionsBehind(store.sql, config.market.historyDays * dayMs),
  }
}

/** What people may ask of it. */
function versionControls(
  { clock, lanes, registry, assembly, uploads }: VersionsNeeds,
  journal: LaneJournal,
  address: Address<ReconcilerCommand>,
  look: (lane: Lane) => unknown,
): VersionControls {
  return {
    swap: async (to) => {
      if (!lanes.isFollowed(to)) throw new Fault('lane.unknown', `${laneName(to)} is not followed`)
      const revision = (await registry.desired(to))?.generation ?? 0
      const swap = await journal.open({ to, askedBy: 'operator', revision })
      look(to)
      return swap
    },
    rollback: async (lane, reason) => {
      const answer = await ask<ReconcilerCommand, RolledBack>(
        address,
        (replyTo, signal) => ({ type: 'rollBack', lane, reason, replyTo, signal }),
        askMsMax,
        clock,
      )
      if (answer.type === 'refused') throw answer.fault
      return answer.swap
    },
    publish: async (artifact, how) => {
      const admit = (lane: Lane): Promise<void> => lanes.admit(lane)
      const coins = (): readonly Coin[] => assembly.fleet.coins.map(({ coin }) => coin)
      const versions = await publish({ registry, admit, coins, uploads }, artifact, how)
      // What was announced came before their lanes were followed.
      for (const version of versions) look(version)
      return versions
    },
    refresh: () =>
      ask<ReconcilerCommand, Refreshed>(
        address,
        (replyTo) => ({ type: 'refresh', replyTo }),
        askMsMax,
        clock,
      ),
  }
}

function fleetPort({ assembly, lanes, feed, store }: VersionsNeeds): FleetPort {
  const { fleet } = assembly
  const { intervalMs } = store
  const position = ({ coin }: Lane): Millis | undefined => {
    const line = fleet.coin(coin)?.line
    const at = line && (line.ring.to ?? line.committedTo)
    return at ? at : undefined
  }
  return {
    lives: (lane) => fleet.lives(lane),
    isHeld: (lane) => fleet.isHeld(lane),
    position,
    opening: (lane, lead) =>
      Math.max(floorTo(feed.now(), intervalMs), position(lane) ?? 0) + (1 + lead) * intervalMs,
    spawn: async (version) => fleet.spawn(version, await lanes.artifact(version)),
    despawn: (version) => fleet.despawn(version),
    drain: (version, to) => fleet.drain(version, to),
    reassigned: (lane, from) => fleet.reassigned(lane, from),
  }
}
