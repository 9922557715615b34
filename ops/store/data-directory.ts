/**
 * The folder that holds everything one daemon keeps. At most one daemon uses it at a time: `lock` refuses a second one and
 * names the first one's address. A lock whose process has ended, however it ended, counts for nothing.
 */
import { randomUUID } from 'node:crypto'
import {
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statfsSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'
import { identify, type ProcessIdentity } from './embedded/process-identity.ts'
import { readIfThere } from './read-if-there.ts'

export interface DataDirectory {
  /** Absolute, with links resolved. */
  readonly path: string
  /** Chosen once, at random: who this daemon is to others, across its lives. */
  readonly id: string
}

export interface DirectoryLock {
  /** Notes where the daemon can be reached, for whoever finds the lock. */
  readonly announce: (address: string) => void
  readonly release: () => void
}

export interface LockHolder extends ProcessIdentity {
  readonly address: string | null
}

export function openDataDirectory(path: string): DataDirectory {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 })
    const real = realpathSync(path)
    const idFile = join(real, 'id')
    if (!existsSync(idFile)) create(idFile, `${randomUUID()}\n`)
    // Read-only folders let an existing id be read, so writing is tried for itself; by several at once, too.
    closeSync(openSync(join(real, '.writable'), 'w', 0o600))
    rmSync(join(real, '.writable'), { force: true })
    return { path: real, id: readFileSync(idFile, 'utf8').trim() }
  } catch (cause) {
    throw unusable(path, cause)
  }
}

export function lockDataDirectory(directory: DataDirectory): DirectoryLock {
  const file = join(directory.path, 'lock')
  const self = identify(process.pid) as ProcessIdentity
  const mine: LockHolder = { ...self, address: null }
  for (let attempt = 0; attempt < 3; attempt++) {
    if (create(file, JSON.stringify(mine))) return lockedBy(file, mine)
    const holder = lockHolder(directory)
    if (holder) throw heldBy(directory, holder)
    clearStale(file, mine)
  }
  throw heldBy(directory, lockHolder(directory))
}

/** The way to give it back, or undefined while another life has it. */
export function tryLock(folder: string): (() => void) | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  try {
    return lockDataDirectory({ path: folder, id: '' }).release
  } catch (error) {
    if (error instanceof Fault && error.code === 'data.locked') return undefined
    throw error
  }
}

/** The daemon that runs on this directory now. */
export function lockHolder(directory: { readonly path: string }): LockHolder | undefined {
  const holder = readLock(join(directory.path, 'lock'))
  return holder && isLiving(holder) ? holder : undefined
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

function lockedBy(file: string, mine: LockHolder): DirectoryLock {
  const isMine = (): boolean => readLock(file)?.pid === mine.pid
  return {
    announce: (address) => {
      if (isMine()) replace(file, JSON.stringify({ ...mine, address }))
    },
    release: () => {
      if (isMine()) rmSync(file)
    },
  }
}

/** What a lock says; it may be given back at any time. */
function readLock(file: string): LockHolder | undefined {
  const text = readIfThere(file)
  return text === undefined ? undefined : (JSON.parse(text) as LockHolder)
}

function isLiving({ pid, startedAt }: LockHolder): boolean {
  return identify(pid)?.startedAt === startedAt
}

/**
 * Two may find the same stale lock, and the second come to clear it when another holds it already: so whoever clears it
 * holds a second lock meanwhile, and looks again. One that is not there is nobody's to remove: it may be made by now.
 */
function clearStale(file: string, mine: LockHolder): void {
  const clearing = `${file}.clearing`
  if (create(clearing, JSON.stringify(mine))) {
    removeStale(file)
    rmSync(clearing)
  } else removeStale(clearing)
}

function removeStale(file: string): void {
  const holder = readLock(file)
  if (holder && !isLiving(holder)) rmSync(file, { force: true })
}

/** A link fails where the name exists and shows the whole file where it does not. */
function create(file: string, text: string): boolean {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o644 })
  try {
    linkSync(draft, file)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  } finally {
    rmSync(draft)
  }
}

function replace(file: string, text: string): void {
  const draft = `${file}.${process.pid}`
  writeFileSync(draft, text, { mode: 0o644 })
  renameSync(draft, file)
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
  const code = (cause as NodeJS.ErrnoException).code
  const why: Readonly<Record<string, string>> = {
    EACCES: 'this user may not write there',
    EPERM: 'this user may not write there',
    EROFS: 'it lies on a read-only file system',
    ENOTDIR: 'a part of the path is not a folder',
    EEXIST: 'a file has that name',
  }
  return new Fault(
    'data.unusable',
    `cannot use the data directory ${path}: ${why[code ?? ''] ?? (cause as Error).message}. Choose another with --data`,
    { cause },
  )
}
