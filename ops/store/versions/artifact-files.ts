/**
 * The artifacts that the fleet runs, as files in the data directory, each folder named by the artifact's sha256. What is
 * kept is a verified copy, so it neither moves nor changes with the place it came from.
 */
import { existsSync } from 'node:fs'
import { cp, mkdir, rename } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Artifact, openArtifact } from '../../../models/artifact.ts'
import { Fault } from '../../../streams/fault.ts'
import { inScratch } from './scratch.ts'

export interface ArtifactFiles {
  /** Copies an artifact from anywhere; one that is there already is left as it is. */
  readonly keep: (folder: string) => Promise<Artifact>
  /** Verified each time it is opened for the first time in this life. */
  readonly open: (sha256: string) => Promise<Artifact>
  readonly has: (sha256: string) => boolean
  readonly remove: (sha256: string) => Promise<void>
}

/** Whole in itself is not enough: it must be the one that was asked for. */
async function openNamed(folder: string, sha256: string): Promise<Artifact> {
  const artifact = await openArtifact(join(folder, sha256))
  if (artifact.sha256 === sha256) return artifact
  throw new Fault(
    'artifact.hash',
    `${artifact.folder} holds another artifact than its name says: its manifest's sha256 is ${artifact.sha256}`,
  )
}

export function artifactFiles(folder: string): ArtifactFiles {
  const opened = new Map<string, Promise<Artifact>>()
  const open = (sha256: string): Promise<Artifact> => {
    const known = opened.get(sha256)
    if (known) return known
    const opening = openNamed(folder, sha256)
    opened.set(sha256, opening)
    opening.catch(() => opened.delete(sha256))
    return opening
  }
  return {
    open,
    has: (sha256) => existsSync(join(folder, sha256)),
    remove: async (sha256) => {
      opened.delete(sha256)
      const place = join(folder, sha256)
      // A removal cut short must not leave what looks like an artifact.
      if (existsSync(place))
        await inScratch(folder, (scratch) => rename(place, join(scratch, sha256)))
    },
    keep: async (from) => {
      const { sha256, manifest } = await openArtifact(from)
      const place = join(folder, sha256)
      if (existsSync(place)) return open(sha256)
      // A copy cut short must not look like an artifact.
      await inScratch(folder, async (scratch) => {
        for (const name of ['manifest.json', ...Object.keys(manifest.files)]) {
          await mkdir(dirname(join(scratch, name)), { recursive: true })
          await cp(join(from, name), join(scratch, name))
        }
        await moveInto(scratch, place)
      })
      return open(sha256)
    },
  }
}

/** Whoever comes second finds the same files there. */
async function moveInto(scratch: string, place: string): Promise<void> {
  try {
    await rename(scratch, place)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    const isTaken = code === 'EEXIST' || code === 'ENOTEMPTY'
    if (!isTaken || !existsSync(place)) throw error
  }
}
