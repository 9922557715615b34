/**
 * A market's store, opened: its database made and brought up to this version's schema. A store belongs to one market and
 * one interval; another is refused.
 */
import type { LedgerReader } from '../../actors/ledger.ts'
import { Fault } from '../../streams/fault.ts'
import { dayMs, type Millis } from '../../streams/time.ts'
import {
  databaseName,
  ensureDatabase,
  openDatabase,
  type ServerAddress,
  type Sql,
} from './connection.ts'
import { faulted } from './faults.ts'
import type { Lease } from './lease.ts'
import { openLedgerReader } from './ledger/ledger-reader.ts'
import { openLedgerWriter, type PostgresLedgerWriter } from './ledger/ledger-writer.ts'
import { openParts, type PartedTable, type Parts, partUnits } from './ledger/parts.ts'
import { migrate } from './migrate.ts'
import { type Names, openNames } from './names.ts'
import { openReads } from './reads/open-reads.ts'
import type { StoreReads } from './reads/reads.ts'

export interface StoreOptions {
  readonly address: ServerAddress
  /** `Feed.market`: `binance`, `tape-seed-7`. */
  readonly market: string
  readonly intervalMs: Millis
  /** Whoever means to take the fleet's lease. */
  readonly holder?: string
}

export interface Store {
  /** For a process of its own that opens it too. */
  readonly address: ServerAddress
  readonly market: string
  readonly intervalMs: Millis
  readonly database: string
  readonly sql: Sql
  /** For what no reader may hold up: commits, the lease, the journal. */
  readonly live: Sql
  readonly names: Names
  readonly parts: Parts
  readonly reader: LedgerReader
  readonly reads: StoreReads
  /** The way to write, for whoever holds the lease. */
  readonly writer: (
    lease: Pick<Lease, 'name' | 'term'>,
    wallNow: () => Millis,
  ) => PostgresLedgerWriter
  /** Makes the parts of today and the two days after, in market time, so that no commit has to. */
  readonly prepareParts: (marketNow: Millis) => Promise<void>
  /** Lets running queries end, for a while. */
  readonly close: () => Promise<void>
}

const closeSeconds = 5
/** The live sink, the sink of history, the lease and the journal. */
const liveConnectionsMax = 4

export async function openStore(options: StoreOptions): Promise<Store> {
  const { address, market, intervalMs, holder } = options
  const database = databaseName(market)
  await ensureDatabase(address, database)
  const opening = holder === undefined ? {} : { holder }
  const sql = openDatabase(address, database, opening)
  const live = openDatabase(address, database, { ...opening, max: liveConnectionsMax })
  try {
    await migrate(sql)
    await claim(sql, market, intervalMs)
  } catch (error) {
    await Promise.all([sql.end(), live.end()])
    throw error
  }
  const names = openNames(live)
  const parts = openParts(live)
  return {
    address,
    market,
    intervalMs,
    database,
    sql,
    live,
    names,
    parts,
    reader: openLedgerReader(sql, names),
    reads: openReads(sql, intervalMs),
    writer: (lease, wallNow) => openLedgerWriter({ sql: live, names, parts, lease, wallNow }),
    prepareParts: async (marketNow) => {
      const days = [0, 1, 2].map((ahead) => marketNow + ahead * dayMs)
      for (const table of Object.keys(partUnits) as PartedTable[]) await parts.ensure(table, days)
    },
    close: async () => {
      await Promise.all([sql, live].map((it) => it.end({ timeout: closeSeconds })))
    },
  }
}

async function claim(sql: Sql, market: string, intervalMs: Millis): Promise<void> {
  const [held] = await faulted(
    () => sql<{ name: string; interval_ms: Millis }[]>`
      with made as (
        insert into market (name, interval_ms) values (${market}, ${intervalMs})
        on conflict do nothing returning name, interval_ms)
      select name, interval_ms from made union all select name, interval_ms from market`,
  )
  if (held && (held.name !== market || held.interval_ms !== intervalMs))
    throw new Fault(
      'store.other_market',
      `this store holds ${held.name} in candles of ${held.interval_ms / 1000} s, not ${market} in ${intervalMs / 1000} s: ` +
        'a store belongs to one market and one interval, so choose another --data',
    )
}
