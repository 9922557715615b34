/** Artifacts on their way into a backup, while the daemon takes new ones in and lets old ones go: each whole or not at all. */
import { existsSync, readdirSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { isScratch } from '../versions/scratch.ts'
import type { FrameWriter } from './backup-frames.ts'

/** `artifacts` holds a folder for each; `progress` hears of every file that is in. */
export async function writeArtifacts(
  frames: FrameWriter,
  artifacts: string,
  progress?: (path: string) => void,
): Promise<void> {
  const artifactOf = (path: string): string => path.split(sep)[0] as string
  const paths = Object.groupBy(filesBelow(artifacts), artifactOf)
  for (const ofOne of Object.values(paths) as string[][]) {
    const files = await openAll(ofOne.map((path) => join(artifacts, path)))
    try {
      for (const [i, file] of files.entries()) {
        const path = ofOne[i] as string
        await frames.section({ type: 'file', path }, file.createReadStream())
        progress?.(path)
      }
    } finally {
      await closeAll(files)
    }
  }
}

/** By their paths from the folder, without what is still being put together. */
function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
    .filter((path) => !isScratch(path))
    .sort()
}

/** What is open can be read to its end. None where one is gone: the artifact was let go of. */
async function openAll(paths: readonly string[]): Promise<readonly FileHandle[]> {
  const files: FileHandle[] = []
  try {
    for (const path of paths) files.push(await open(path))
    return files
  } catch (error) {
    await closeAll(files)
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}

async function closeAll(files: readonly FileHandle[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()))
}
