/**
 * Models from anywhere: the files of an artifact become a folder, are verified, and enter the registry. One for a coin
 * enters that coin's lane, one for any coin (`*`) the lane of every coin that is followed, or of the one that is named. A
 * family that was never heard of gets a lane of its own, whose horizon, task and label are this version's; it serves once
 * it is wanted, and then holds v1.
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { planInput } from '../../actors/version/version-input.ts'
import { intervalMs, type Manifest, parseManifest } from '../../models/manifest.ts'
import type { Registry } from '../../models/registry.ts'
import type { Lane, Version } from '../../models/version.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import { featureSet } from '../../streams/features/set.ts'
import { inScratch } from '../store/versions/scratch.ts'

export interface PublishNeeds {
  readonly registry: Pick<Registry, 'publish'>
  /** A version is in that lane now: it is followed from now on. */
  readonly admit: (lane: Lane) => Promise<void>
  /** Those that are followed. */
  readonly coins: () => readonly Coin[]
  /** Where uploads are put down; gone when they have been looked at. */
  readonly uploads: string
}

export async function publish(
  { registry, admit, coins: followed, uploads }: PublishNeeds,
  files: ReadonlyMap<string, Uint8Array>,
  how: { readonly coin: Coin | null; readonly activate: boolean },
): Promise<readonly Version[]> {
  const bytes = files.get('manifest.json')
  if (!bytes) throw new Fault('artifact.missing', 'there is no manifest.json in it')
  const manifest = parseManifest(bytes)
  // What it wants to see must be there to be seen; whether its model works is found out when it is loaded.
  if (manifest.input.kind !== 'text') planInput(manifest.input, featureSet(intervalMs(manifest)))
  const coins = coinsFor(manifest, how.coin, followed())
  return inScratch(uploads, async (folder) => {
    await putDown(folder, manifest, files)
    const versions: Version[] = []
    for (const coin of coins) {
      const lane = { coin, family: manifest.family }
      const version = await registry.publish(lane, folder, {
        verdict: null,
        run: null,
        activate: how.activate,
      })
      await admit(lane)
      versions.push(version)
    }
    return versions
  })
}

function coinsFor(
  { coin }: Manifest,
  asked: Coin | null,
  followed: readonly Coin[],
): readonly Coin[] {
  if (asked && !followed.includes(asked))
    throw new Fault('coin.unknown', `${asked} is not followed`)
  if (coin === '*') return asked ? [asked] : followed
  const own = followed.find((it) => it === coin)
  if (!own) throw new Fault('coin.unknown', `it is for ${coin}, which is not followed`)
  if (asked && asked !== own)
    throw new Fault('artifact.coin', `it is for ${coin}, not for ${asked}`)
  return [own]
}

/** Only what the manifest names: its names are plain paths, which no upload's own names need be. */
async function putDown(
  folder: string,
  manifest: Manifest,
  files: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  for (const name of ['manifest.json', ...Object.keys(manifest.files)]) {
    const bytes = files.get(name)
    if (!bytes)
      throw new Fault('artifact.missing', `the manifest names ${name}, which is not in it`)
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), bytes)
  }
}
