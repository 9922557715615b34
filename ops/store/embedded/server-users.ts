/**
 * Who uses the server of a data directory: a daemon, commands beside it, and commands without one. Each has a lock of its
 * own there, which counts for nothing once its process has ended, however it ended; and only one at a time starts the
 * server or stops it. So the last one can stop it, and nobody stops it under another.
 */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { holderOf, tryLock } from '../folder-lock.ts'

export interface ServerUser {
  /** Nobody starts or stops the server meanwhile; waiting for it ends with the signal. */
  readonly inTurn: <T>(work: () => Promise<T>, signal?: AbortSignal) => Promise<T>
  readonly isAlone: () => boolean
  readonly leave: () => void
}

const turnPollMs = 20

export function useServer(dataPath: string): ServerUser {
  const turn = join(dataPath, 'server')
  const users = join(turn, 'users')
  const mine = randomUUID()
  const place = tryLock(join(users, mine))
  assert(place, 'nobody else has this name')
  clearDead(users)
  /** With the data directory everybody's place in it has gone, and none is made anew: the server is still ended. */
  const isGone = (): boolean => !existsSync(users)
  return {
    inTurn: async (work, signal) => {
      if (isGone()) return await work()
      let lock = tryLock(turn)
      while (!lock) {
        await pause(turnPollMs, undefined, { signal })
        lock = tryLock(turn)
      }
      try {
        return await work()
      } finally {
        lock.release()
      }
    },
    isAlone: () =>
      isGone() || readdirSync(users).every((it) => it === mine || !holderOf(join(users, it))),
    leave: () => {
      place.release()
      rmSync(join(users, mine), { recursive: true, force: true })
    },
  }
}

/** Those who could not leave; whoever has no lock yet is just coming. */
function clearDead(users: string): void {
  for (const it of readdirSync(users)) {
    const path = join(users, it)
    if (existsSync(join(path, 'lock')) && !holderOf(path))
      rmSync(path, { recursive: true, force: true })
  }
}
