/**
 * What may be asked of a market's versions while no daemon runs: they are published and wanted, lanes are ordered on and
 * back. It is written as a running daemon writes it, under the fleet's lease, and the next start carries it out.
 */
import { type Lane, laneName } from '../../models/version.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { LaneJournal } from '../../supervisor/fleet/lane-journal.ts'
import type { VersionControls } from '../api/deps.ts'
import type { Config } from '../config/schema.ts'
import { followedCoins } from '../daemon/controls.ts'
import type { Lease } from '../store/lease.ts'
import type { Store } from '../store/store.ts'
import { artifactFiles } from '../store/versions/artifact-files.ts'
import { openJournal } from '../store/versions/journal.ts'
import { type EmbeddedRegistry, openRegistry } from '../store/versions/registry.ts'
import { guestFamilies, markGuest } from '../store/versions/versions.ts'
import { publish } from './publish.ts'

export interface AtRest {
  readonly store: Store
  /** The folder of its artifacts. */
  readonly artifacts: string
  readonly lease: () => Promise<Pick<Lease, 'name' | 'term'>>
}

export function versionsAtRest(rest: AtRest, config: Config): VersionControls {
  const { store, artifacts } = rest
  const { sql, names, reads } = store
  const families = Object.keys(config.fleet.families)
  const coins = (): Promise<readonly Coin[]> =>
    followedCoins(sql, config.market.coins as readonly Coin[])
  const journal = async (): Promise<LaneJournal> =>
    openJournal({ ...store, lease: await rest.lease() })
  const withRegistry = async <T>(use: (registry: EmbeddedRegistry) => Promise<T>): Promise<T> => {
    const files = artifactFiles(artifacts)
    const registry = await openRegistry({ store, files, folder: artifacts })
    try {
      return await use(registry)
    } finally {
      await registry.close()
    }
  }
  const revisionOf = (lane: Lane): Promise<number> =>
    withRegistry(async (registry) => (await registry.desired(lane))?.generation ?? 0)
  const requireFollowed = async (lane: Lane): Promise<void> => {
    const isKnown =
      (await coins()).includes(lane.coin) &&
      (families.includes(lane.family) ||
        (await guestFamilies(sql, names, lane.coin)).includes(lane.family))
    if (!isKnown) throw new Fault('lane.unknown', `${laneName(lane)} is not followed`)
  }
  return {
    swap: async (to) => {
      await requireFollowed(to)
      const revision = await revisionOf(to)
      return (await journal()).open({ to, askedBy: 'operator', revision })
    },
    rollback: async (lane, reason) => {
      await requireFollowed(lane)
      // Nobody has answered the candle with which the market will go on.
      const at = await store.reader.position(lane.coin)
      if (at === undefined)
        throw new Fault(
          'rollback.state',
          `${lane.coin} has no candle yet: there is nothing to undo`,
        )
      const revision = await revisionOf(lane)
      return (await journal()).goBack({ lane, kind: 'rollback', at, reason, revision })
    },
    refresh: async () => {
      throw new Fault('daemon.absent', 'no daemon is running: the next one looks as it starts')
    },
    publish: async (files, how) => {
      const followed = await coins()
      return withRegistry((registry) =>
        publish(
          {
            registry: {
              publish: async (lane, folder, by) => {
                await refuseUnbegun(reads, families, lane)
                return registry.publish(lane, folder, by)
              },
            },
            admit: async (lane) => {
              if (!families.includes(lane.family)) await markGuest(sql, names, lane)
            },
            coins: () => followed,
            uploads: artifacts,
          },
          files,
          how,
        ),
      )
    },
  }
}

/** A lane's shipped version is its first, and says what the lane is about: it gets it when the daemon first starts. */
async function refuseUnbegun(
  reads: Store['reads'],
  families: readonly string[],
  lane: Lane,
): Promise<void> {
  if (!families.includes(lane.family) || (await reads.models(lane)).length > 0) return
  throw new Fault('lane.unknown', `${laneName(lane)} has never run: start the daemon once first`)
}
