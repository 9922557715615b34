/**
 * The folder that holds everything one daemon keeps. At most one daemon uses it at a time: `lock` refuses a second one and
 * names the first one's address.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { join } from 'node:path'
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'
import { createWhole, type FolderLock, holderOf, type LockHolder, tryLock } from './folder-lock.ts'

export interface DataDirectory {
  /** Absolute, with links resolved. */
  readonly path: string
  /** Chosen once, at random: who this daemon is to others, across its lives. */
  readonly id: string
}

export function openDataDirectory(path: string): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    const real = realpathSync(path)
    const idFile = join(real, 'id')
    if (!existsSync(idFile)) createWhole(idFile, `${randomUUID()}\n`)
    // Read-only folders let an existing id be read, so writing is tried for itself; by several at once, too.
    closeSync(openSync(join(real, '.writable'), 'w', 0o600))
    rmSync(join(real, '.writable'), { force: true })
    return { path: real, id: readFileSync(idFile, 'utf8').trim() }
  } catch (cause) {
    throw unusable(path, cause)
  }
}

/** What there is before a start knows that it can go on. */
const madeFirst: readonly string[] = ['id', 'lock', 'log']

/** By whoever made it and still holds its lock, when nothing has come of it: where anything is kept, it stays. */
export function takeBackDirectory({ path }: DataDirectory): void {
  if (readdirSync(path).every((name) => madeFirst.includes(name))) rmSync(path, { recursive: true })
}

export function lockDataDirectory(directory: DataDirectory): FolderLock {
  const lock = tryLock(directory.path)
  if (!lock) throw heldBy(directory, lockHolder(directory))
  return lock
}

/** The daemon that runs on this directory now. */
export function lockHolder(directory: { readonly path: string }): LockHolder | undefined {
  return holderOf(directory.path)
}

/** Bytes that may still be written where the directory lies. */
export function freeBytes(directory: { readonly path: string }): number {
  const disk = statfsSync(directory.path)
  return disk.bavail * disk.bsize
}

/** Below this the database will soon refuse to write: 2 GiB, or a tenth of a small disk. */
export function lowBytes(directory: { readonly path: string }): number {
  const disk = statfsSync(directory.path)
  return Math.min(2 * 1024 ** 3, (disk.blocks * disk.bsize) / 10)
}

function heldBy(directory: DataDirectory, holder: LockHolder | undefined): Fault {
  const where = holder?.address ? ` at ${holder.address}` : ''
  const who = holder ? ` (process ${holder.pid})` : ''
  return new Fault(
    'data.locked',
    `a daemon already runs on ${directory.path}${where}${who}: stop it, or start with another --data and --port`,
  )
}

function unusable(path: string, cause: unknown): Fault {
  if (cause instanceof Fault) return cause
  const full = diskFull(cause, `cannot use the data directory ${path}`)
  if (full) return full
  return new Fault(
    'data.unusable',
    `cannot use the data directory ${path}: ${whyUnwritable(cause)}. Choose another with --data`,
    { cause },
  )
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it lies on a read-only file system',
  ENOENT: 'nothing can be made there',
  ENOTDIR: 'a part of the path is not a folder',
  EEXIST: 'a file has that name',
}

export function whyUnwritable(error: unknown): string {
  return reasons[(error as NodeJS.ErrnoException).code ?? ''] ?? (error as Error).message
}
