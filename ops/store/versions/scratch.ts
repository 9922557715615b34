/**
 * Folders in which something is put together before it gets its place. Each belongs to one process and to one piece of its
 * work, so nobody finds another's half; what processes have left that ended goes with the next one that is made.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { identify } from '../process-identity.ts'

const pattern = /^(\d+)-([0-9a-f]+)-[0-9a-f-]+\.scratch/

/** As builds from before these folders had their owner's name called theirs; nothing makes them any more. */
const ownerless = /^[0-9a-f-]{36,64}\.(partial|download|upload)$/

/** By its path from the folder in which it is put together, or that of what is in it. */
export function isScratch(path: string): boolean {
  return pattern.test(path)
}

/** The folder is there and empty, and gone when the work has ended, however it ended. */
export async function inScratch<T>(
  folder: string,
  work: (scratch: string) => Promise<T>,
): Promise<T> {
  await mkdir(folder, { recursive: true })
  await sweep(folder)
  const scratch = join(folder, `${process.pid}-${lifeOf(process.pid)}-${randomUUID()}.scratch`)
  try {
    await mkdir(scratch)
    return await work(scratch)
  } finally {
    await rm(scratch, { recursive: true, force: true })
  }
}

async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    const [, pid, life] = pattern.exec(name) ?? []
    const isLeft = pid === undefined ? ownerless.test(name) : lifeOf(Number(pid)) !== life
    if (!isLeft) continue
    await rm(join(folder, name), { recursive: true, force: true })
  }
}

/** Another process may get the number of one that has ended; in a container it has it every time. */
function lifeOf(pid: number): string | undefined {
  const startedAt = identify(pid)?.startedAt
  return startedAt && createHash('sha256').update(startedAt).digest('hex').slice(0, 12)
}
