/** Who is compared: the newest version and who answers for the lane beside it, or those that were named. */
import type { Artifact } from '../../models/artifact.ts'
import { type Version, versionName } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import type { EvaluateOptions } from '../cli/world.ts'
import { artifactFiles } from '../store/versions/artifact-files.ts'
import { artifactOf } from '../store/versions/versions.ts'
import type { OpenStoreWork } from '../store-work.ts'

export interface Contestants {
  readonly challenger: Named
  readonly champion: Named | null
}

export interface Named {
  readonly name: string
  readonly artifact: Artifact
  /** Null where it is a folder and no version. */
  readonly version: Version | null
}

export async function versionsAsked(
  { store, artifacts }: OpenStoreWork,
  { coin, family, version, against }: EvaluateOptions,
): Promise<Contestants> {
  const lane = { coin, family }
  const models = await store.reads.models(lane)
  const numbers = models
    .filter((it) => it.coin === coin && it.family === family)
    .map((it) => it.version)
  const challenger = version ?? Math.max(...numbers)
  for (const number of [challenger, against])
    if (number !== undefined && !numbers.includes(number))
      throw new Fault(
        'version.unknown',
        `there is no ${family}@${Number.isFinite(number) ? number : '…'} of ${coin}`,
      )
  const champion = against ?? (await servingBeside(store.reads, lane, challenger))
  const files = artifactFiles(artifacts)
  const opened = async (number: number): Promise<Named> => {
    const one: Version = { ...lane, version: number }
    const artifact = await files.open(await artifactOf(store.sql, store.names, one))
    return { name: versionName(one), artifact, version: one }
  }
  return {
    challenger: await opened(challenger),
    champion: champion === undefined || champion === challenger ? null : await opened(champion),
  }
}

async function servingBeside(
  reads: OpenStoreWork['store']['reads'],
  lane: { readonly coin: Version['coin']; readonly family: string },
  challenger: number,
): Promise<number | undefined> {
  const held = (await reads.pointers(lane)).filter((it) => it.until === null)
  const newestFirst = ['v3', 'v2', 'v1'].flatMap((slot) => held.filter((it) => it.slot === slot))
  return newestFirst.find((it) => it.version !== challenger)?.version
}
