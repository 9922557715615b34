/** Who answers for a lane now: the newest version that holds a slot. */
import type { Registry } from '../../models/registry.ts'
import { type Lane, type Slot, type Version, versionName } from '../../models/version.ts'
import type { StoreReads } from '../store/reads/reads.ts'

export interface Incumbent {
  /** An artifact folder. */
  readonly artifact: string
  /** For people: `BTC-USDT/linear@3`. */
  readonly subject: string
}

const newestFirst: readonly Slot[] = ['v3', 'v2', 'v1']

/** Null where the lane has no version yet. */
export async function incumbentOf(
  {
    store,
    registry,
  }: {
    readonly store: { readonly reads: Pick<StoreReads, 'pointers'> }
    readonly registry: Pick<Registry, 'fetch'>
  },
  lane: Lane,
): Promise<Incumbent | null> {
  const open = (await store.reads.pointers(lane)).filter(({ until }) => until === null)
  const held = newestFirst.flatMap((slot) => open.filter((it) => it.slot === slot))[0]
  if (held === undefined) return null
  const version: Version = { ...lane, version: held.version }
  return { artifact: await registry.fetch(version), subject: versionName(version) }
}
