/**
 * Connections to a market's database. Instants come out as milliseconds, 64-bit integers as numbers that are exact, and
 * the session is in UTC; a database is made on first use, on our own server and on others alike.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type Postgres from 'postgres'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import { postgres as connect } from './driver.ts'
import { clusterUser } from './embedded/cluster.ts'
import { faulted, storeFault } from './faults.ts'

/** Where a server listens: the socket of our own, or a URL to another. */
export type ServerAddress =
  | { readonly type: 'socket'; readonly path: string }
  | { readonly type: 'url'; readonly url: string }

export type Sql = Postgres.Sql<{ instant: number; whole: number }>
export type Tx = Postgres.TransactionSql<{ instant: number; whole: number }>
export type Fragment = Postgres.PendingQuery<Postgres.Row[]>

/** Those who read, and whoever may wait for them, side by side; the embedded server allows 40 in all. */
const connectionsMax = 8
/** Longer than any query should need, and short enough for a sink to notice a database that no longer moves. */
const statementMsMax = 60_000
/**
 * A daemon that stands still inside a transaction holds the lease's row: whoever waits to take over gets it after this
 * and the lease's own time.
 */
const idleInTransactionMsMax = 10_000

/** What a server calls our sessions: the holder of a lease can be told by its own. */
export function sessionName(holder?: string): string {
  return holder === undefined ? 'starling' : `starling ${holder}`
}

export interface Opening {
  readonly holder?: string
  readonly max?: number
}

export function openDatabase(
  address: ServerAddress,
  database: string,
  { holder, max = connectionsMax }: Opening = {},
): Sql {
  const options = {
    max,
    connect_timeout: 10,
    max_lifetime: null,
    idle_timeout: 300,
    // A refused connection is tried again by whoever asks again; the waits are theirs.
    backoff: () => 0.05,
    database,
    types: { instant, whole },
    onnotice: () => {},
    connection: {
      application_name: sessionName(holder),
      timezone: 'UTC',
      statement_timeout: statementMsMax,
      idle_in_transaction_session_timeout: idleInTransactionMsMax,
    },
  } as const
  switch (address.type) {
    case 'socket':
      return connect({ ...options, path: address.path, user: clusterUser })
    case 'url':
      return connect(address.url, { ...options, ...socketIn(address.url) })
  }
}

/** A server's socket may stand in the place of its host, as PostgreSQL's own URLs have it: `postgres://me@%2Frun%2Fpostgresql/db`. */
function socketIn(url: string): { readonly path?: string } {
  const { hostname, port } = new URL(url)
  const folder = decodeURIComponent(hostname)
  return folder.startsWith('/') ? { path: join(folder, `.s.PGSQL.${port || 5432}`) } : {}
}

/** `tape-seed-7` → `starling_tape_seed_7`; names longer than PostgreSQL's 63 bytes end in a hash. */
export function databaseName(market: string): string {
  const name = `starling_${market.toLowerCase().replace(/[^a-z0-9]+/g, '_')}`
  if (name.length <= 63) return name
  return `${name.slice(0, 50)}_${createHash('sha256').update(market).digest('hex').slice(0, 12)}`
}

/** The markets that have a database on this server. */
export function knownMarkets(address: ServerAddress): Promise<readonly string[]> {
  return faulted(async () => {
    const server = openDatabase(address, 'postgres')
    const names = await server<{ name: string }[]>`
      select datname as name from pg_database where datname like 'starling\_%' order by datname`.finally(
      () => server.end(),
    )
    return Promise.all(
      names.map(async ({ name }) => {
        const sql = openDatabase(address, name)
        const [market] = await sql<{ name: string }[]>`select name from market`.finally(() =>
          sql.end(),
        )
        return market?.name ?? name
      }),
    )
  })
}

/** Makes the database where it is missing. */
export async function ensureDatabase(address: ServerAddress, name: string): Promise<void> {
  const admin = openDatabase(address, maintenanceDatabase(address))
  try {
    const found = await admin`select 1 from pg_database where datname = ${name}`
    if (found.length === 0)
      await admin`create database ${admin(name)} template template0 encoding 'UTF8' lc_collate 'C' lc_ctype 'C'`
  } catch (error) {
    const code = (error as { code?: string }).code
    // Another daemon was faster.
    if (code === '42P04' || code === '23505') return
    if (code === '42501')
      throw new Fault(
        'store.database_missing',
        `the database ${name} does not exist and this user may not create it: create it, or grant CREATEDB`,
        { cause: error },
      )
    throw storeFault(error)
  } finally {
    await admin.end()
  }
}

/** The database that a URL names, else the one every server has. */
function maintenanceDatabase(address: ServerAddress): string {
  if (address.type === 'socket') return 'postgres'
  return decodeURIComponent(new URL(address.url).pathname.slice(1)) || 'postgres'
}

const instant = {
  to: 1184,
  from: [1184],
  serialize: instantText,
  parse: parseInstant,
}

const whole = {
  to: 20,
  from: [20],
  serialize: (value: number | bigint): string => String(value),
  parse: (text: string): number => {
    const value = Number(text)
    assert(Number.isSafeInteger(value), `${text} does not fit a number`)
    return value
  },
}

/** The ends of an open range lie outside what a Date can hold. */
function instantText(at: Millis | string): string {
  if (typeof at === 'string') return at
  if (at >= 8.64e15) return 'infinity'
  // The year 1: PostgreSQL writes years before Christ otherwise than a Date does.
  return at < -62_135_596_800_000 ? '-infinity' : new Date(at).toISOString()
}

/** `2026-11-21 01:04:06.123+00`; five times as fast as what Date.parse makes of it, and candles come by the 100,000. */
export function parseInstant(text: string): Millis {
  if (text.endsWith('infinity'))
    return text.startsWith('-') ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
  const digits = (from: number, length: number): number => {
    let value = 0
    for (let i = from; i < from + length; i++) value = value * 10 + text.charCodeAt(i) - 48
    return value
  }
  assert(text.charCodeAt(4) === 45 && text.endsWith('+00'), `${text} is not an instant in UTC`)
  const fraction = text.length > 22 ? text.slice(20, -3) : '0'
  return (
    Date.UTC(
      digits(0, 4),
      digits(5, 2) - 1,
      digits(8, 2),
      digits(11, 2),
      digits(14, 2),
      digits(17, 2),
    ) + Math.floor(Number(`0.${fraction}`) * 1000 + 1e-6)
  )
}
