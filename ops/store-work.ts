/**
 * Work on a market's store from outside the daemon: beside a running one, whose server and lease it shares, or without
 * one, then it starts the database itself, and stops it again if nobody else has come to use it. Of those that write
 * without a daemon there is one at a time.
 */
import { existsSync, statSync } from 'node:fs'
import { join } from 'node:path'
import type { Coin } from '../streams/coin.ts'
import { Fault } from '../streams/fault.ts'
import { sourceOf } from '../streams/feeds/feed.ts'
import { fileMarket } from '../streams/feeds/tape/file-market.ts'
import { seededMarket } from '../streams/feeds/tape/seeded.ts'
import { wallClock } from '../streams/time.ts'
import type { CopyOptions, ExportOptions, OpenedMarket } from './cli/world.ts'
import type { Config } from './config/schema.ts'
import { every } from './every.ts'
import { openStoreServer } from './open-store.ts'
import { knownMarkets, type ServerAddress } from './store/connection.ts'
import { type DataDirectory, lockHolder, openDataDirectory } from './store/data-directory.ts'
import { backupMarket, restore as readBackup, backup as writeBackup } from './store/files/backup.ts'
import { exportTable as writeTable } from './store/files/export.ts'
import { holderOf, tryLock } from './store/folder-lock.ts'
import { acquireLease, type Lease, leaseMs, presentLease } from './store/lease.ts'
import { openStore, type Store } from './store/store.ts'
import { versionsAtRest } from './versions/versions-at-rest.ts'

export interface OpenStoreWork {
  readonly market: string
  readonly store: Store
  readonly artifacts: string
  /** The daemon's lease where one runs, else one of our own. */
  readonly lease: () => Promise<WorkLease>
  readonly close: () => Promise<void>
}

export interface WorkLease extends Pick<Lease, 'name' | 'term'> {
  /** No daemon runs on this directory. */
  readonly isOurs: boolean
}

export interface StoreChoice {
  /** Where it is known from elsewhere, a backup for instance; else by the configuration. */
  readonly market?: string
  /** For work that brings data in. Without it a market that was never stored is refused, and nothing is made. */
  readonly mayMake?: boolean
}

export async function openStoreWork(
  dataPath: string,
  config: Config,
  choice: StoreChoice = {},
): Promise<OpenStoreWork> {
  if (!choice.mayMake && config.store.url === null && !existsSync(dataPath))
    throw nothingStored(dataPath)
  const directory = openDataDirectory(dataPath)
  const { address, stop } = await openStoreServer(config, directory, () => {})
  try {
    const market = choice.market ?? (await marketOf(config, address))
    if (!choice.mayMake && !(await knownMarkets(address)).includes(market))
      throw nothingStored(market)
    const { id: holder } = directory
    const store = await openStore({ address, market, intervalMs: config.market.interval, holder })
    let own: Lease | undefined
    return {
      market,
      store,
      artifacts: join(directory.path, 'artifacts'),
      lease: async () => {
        if (lockHolder(directory))
          return { ...(await presentLease(store.sql, 'fleet')), isOurs: false }
        own ??= await beginWriting(store, directory)
        return { ...own, isOurs: true }
      },
      close: async () => {
        try {
          await own?.release()
        } finally {
          await store.close()
          await stop()
        }
      },
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** The lease of a directory is taken again at once by its own, so what keeps a second command out is a lock. */
async function beginWriting({ sql }: Store, { path, id }: DataDirectory): Promise<Lease> {
  const folder = join(path, 'writing')
  const lock = tryLock(folder)
  if (!lock) {
    const who = holderOf(folder)
    throw new Fault(
      'store.busy',
      `another command${who ? ` (process ${who.pid})` : ''} writes to ${path}: try again when it has ended`,
    )
  }
  try {
    const lease = await acquireLease(sql, 'fleet', id)
    // Where it is lost to another, whatever is written next is refused with the same words.
    const stop = every(wallClock, leaseMs / 3, lease.renew, () => {})
    const release = (): Promise<void> => {
      stop()
      return lease.release().finally(lock.release)
    }
    return { ...lease, release }
  } catch (error) {
    lock.release()
    throw error
  }
}

/** Which market is meant, without asking any exchange: the configured one, or with `auto` the only one that is stored. */
async function marketOf(config: Config, address: ServerAddress): Promise<string> {
  const { source, tape, coins, interval } = config.market
  if (source === 'tape') {
    if (tape.file === null) return seededMarket(tape).name
    return (await fileMarket({ path: tape.file, coin: coins[0] as Coin, intervalMs: interval }))
      .name
  }
  if (source !== 'auto') return source
  const known = await knownMarkets(address)
  if (known.length === 1) return known[0] as string
  if (known.length === 0) throw nothingStored('any market')
  throw new Fault(
    'store.ambiguous',
    `several markets are stored here (${known.join(', ')}): name one with --source`,
  )
}

function nothingStored(what: string): Fault {
  return new Fault(
    'store.absent',
    `nothing of ${what} has been stored yet: start the daemon first, or import a file`,
  )
}

export async function openMarket(dataPath: string, config: Config): Promise<OpenedMarket> {
  const work = await openStoreWork(dataPath, config)
  const { market, store, close } = work
  const source = sourceOf(market)
  return { source, reads: store.reads, versions: versionsAtRest(work, config), close }
}

export async function exportTable(options: ExportOptions): Promise<{ readonly rows: number }> {
  const work = await openStoreWork(options.dataPath, options.config)
  try {
    return await writeTable(work.store.sql, options, options.file)
  } finally {
    await work.close()
  }
}

export async function backup(options: CopyOptions): Promise<{ readonly bytes: number }> {
  const { store, artifacts, close } = await openStoreWork(options.dataPath, options.config)
  try {
    return await writeBackup(options.file, { store, artifacts, now: () => wallClock.now() })
  } finally {
    await close()
  }
}

export async function restore(
  options: CopyOptions,
): Promise<{ readonly market: string; readonly bytes: number }> {
  const market = await backupMarket(options.file)
  const { store, artifacts, close } = await openStoreWork(options.dataPath, options.config, {
    market,
    mayMake: true,
  })
  try {
    await readBackup(options.file, { store, artifacts })
    return { market, bytes: statSync(options.file).size }
  } finally {
    await close()
  }
}
