/** Artifacts to serve and swap with that are as large as real ones, each another version than the last. */
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { featureSet } from '../../streams/features/set.ts'
import { minuteMs } from '../../streams/time.ts'
import { writeArtifact } from '../support/models/artifacts.ts'
import { treesModel } from '../support/models/trees.ts'

/** What a row model of the kind reads: without warm-up beyond an hour, and scale-free. */
const columns: readonly string[] = featureSet(minuteMs)
  .columns.filter(({ warmup, name }) => warmup <= 61 && !name.startsWith('price'))
  .slice(0, 39)
  .map(({ name }) => name)

/** The first version of a family. */
export function shipped(family: string): string {
  return join(import.meta.dirname, '../../models', family, 'v1')
}

/** LightGBM's size: 500 rounds of three trees over 39 columns. The shipped one, which stopped early, is a tenth of it. */
export async function writeTrees(folder: string): Promise<void> {
  const { hash } = featureSet(minuteMs)
  await writeArtifact(folder, treesModel(500, columns.length), (manifest) => ({
    ...manifest,
    input: { ...(manifest.input as object), columns, featureSet: hash },
  }))
}

/** The same graph under another identity: to a fleet a different model, with a session of its own. */
export async function writeVariant(from: string, to: string, name: string): Promise<void> {
  await cp(from, to, { recursive: true })
  const manifest = JSON.parse(await readFile(join(from, 'manifest.json'), 'utf8')) as object
  await writeFile(join(to, 'manifest.json'), JSON.stringify({ ...manifest, variant: name }))
}
