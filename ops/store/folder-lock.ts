/**
 * One process at a time has a folder: a file in it names which. The lock of one that has ended, however it ended, counts for
 * nothing.
 */
import { linkSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { identify, type ProcessIdentity } from './process-identity.ts'
import { readIfThere } from './read-if-there.ts'

export interface FolderLock {
  /** Notes where its holder can be reached, for whoever finds the lock. */
  readonly announce: (address: string) => void
  readonly release: () => void
}

export interface LockHolder extends ProcessIdentity {
  readonly address: string | null
}

/** Undefined while another has it. A folder that is not there is made. */
export function tryLock(folder: string): FolderLock | undefined {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = fileOf(folder)
  const self = identify(process.pid) as ProcessIdentity
  const mine: LockHolder = { ...self, address: null }
  for (let attempt = 0; attempt < 3; attempt++) {
    if (createWhole(file, JSON.stringify(mine))) return lockedBy(file, mine)
    if (holderOf(folder)) return undefined
    clearStale(file, mine)
  }
  return undefined
}

/** Who has it now. */
export function holderOf(folder: string): LockHolder | undefined {
  const holder = readLock(fileOf(folder))
  return holder && isLiving(holder) ? holder : undefined
}

function fileOf(folder: string): string {
  return join(folder, 'lock')
}

function lockedBy(file: string, mine: LockHolder): FolderLock {
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
  if (createWhole(clearing, JSON.stringify(mine))) {
    removeStale(file)
    rmSync(clearing)
  } else removeStale(clearing)
}

function removeStale(file: string): void {
  const holder = readLock(file)
  if (holder && !isLiving(holder)) rmSync(file, { force: true })
}

/** False where the file is there already: a link fails where the name exists and shows the whole file where it does not. */
export function createWhole(file: string, text: string): boolean {
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
