/**
 * A real PostgreSQL for tests: one server per test process, in a folder of its own that goes with it, or the one that
 * STARLING_TEST_DATABASE_URL names; and an empty store per call, in a database of its own that is dropped afterwards.
 */
import { randomBytes } from 'node:crypto'
import { dirname } from 'node:path'
import { after } from 'node:test'
import type { LedgerEntry } from '../../../actors/ledger.ts'
import type { Manifest } from '../../../models/manifest.ts'
import type { Prediction } from '../../../models/prediction.ts'
import { type Pointer, type Slot, slots, type Version } from '../../../models/version.ts'
import { databaseName, openDatabase, type ServerAddress } from '../../../ops/store/connection.ts'
import {
  removeDataDirectory,
  type Server,
  startServer,
} from '../../../ops/store/embedded/server.ts'
import { acquireLease, type Lease } from '../../../ops/store/lease.ts'
import type { PostgresLedgerWriter } from '../../../ops/store/ledger/ledger-writer.ts'
import { openStore, type Store } from '../../../ops/store/store.ts'
import { assignSlot, registerVersion } from '../../../ops/store/versions/versions.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import { type Millis, minuteMs } from '../../../streams/time.ts'
import { temporaryFolder } from '../temporary-folder.ts'

let shared: Promise<OwnServer> | undefined
const url = process.env.STARLING_TEST_DATABASE_URL

// Registered while the file loads, so it belongs to the file and not to the test that asks first.
after(async () => {
  await (await shared)?.remove()
})

/** The server of this test process. */
export async function testServer(): Promise<ServerAddress> {
  if (url) return { type: 'url', url }
  shared ??= launch()
  return { type: 'socket', path: (await shared).socket }
}

export function urlOf(address: ServerAddress): string {
  if (address.type === 'url') return address.url
  return `postgres://starling@${encodeURIComponent(dirname(address.path))}/postgres`
}

/** A server that a test may kill; gone with its folder after the test that started it. */
export async function startOwnServer(): Promise<OwnServer> {
  const server = await launch()
  after(() => server.remove())
  return server
}

export interface OwnServer extends Server {
  readonly folder: string
  readonly remove: () => Promise<void>
}

async function launch(): Promise<OwnServer> {
  const folder = temporaryFolder()
  const server = await startServer(folder)
  const remove = async (): Promise<void> => {
    await server.stop()
    await removeDataDirectory(folder)
  }
  return { ...server, folder, remove }
}

export interface TestStore extends Store {
  readonly lease: Lease
  readonly write: PostgresLedgerWriter
  /** What the writer takes for the wall's time. */
  wallNow: Millis
}

/**
 * An empty store, leased. Closed and dropped after the test, or after the file when opened outside of one; on a server of
 * the test's own it goes with its server.
 */
export async function openTestStore(address?: ServerAddress): Promise<TestStore> {
  const on = address ?? (await testServer())
  const market = `test-${randomBytes(6).toString('hex')}`
  const store = await openStore({ address: on, market, intervalMs: minuteMs })
  after(async () => {
    await store.close()
    if (address === undefined) await dropDatabase(on, databaseName(market))
  })
  const lease = await acquireLease(store.sql, 'fleet', 'test')
  const opened = { ...store, lease, wallNow: noon, write: undefined as never }
  const write = store.writer(lease, () => opened.wallNow)
  return Object.assign(opened, { write })
}

export async function dropDatabase(address: ServerAddress, name: string): Promise<void> {
  const admin = openDatabase(address, 'postgres')
  await admin`drop database if exists ${admin(name)} with (force)`
  await admin.end()
}

/** The same market again, with nothing in it; the store is closed. */
export async function emptied(store: TestStore): Promise<Store> {
  const { address, market, intervalMs, database } = store
  await store.close()
  await dropDatabase(address, database)
  const again = await openStore({ address, market, intervalMs })
  after(() => again.close())
  return again
}

/** How many PostgreSQL has ended in this database, of two that waited for each other. */
export async function deadlocks({ sql }: Store): Promise<number> {
  const [met] = await sql<{ deadlocks: number }[]>`
    select pg_stat_clear_snapshot(), deadlocks from pg_stat_database where datname = current_database()`
  return met?.deadlocks as number
}

/** `v1:1 v2:1 v3:2` */
export function named(pointers: readonly Pointer[]): string {
  return pointers
    .map(({ slot, version: number }) => `${slot}:${number}`)
    .sort()
    .join(' ')
}

/** The same of those that hold a slot as the last change has it. */
export function held(pointers: readonly Pointer[]): string {
  return named(pointers.filter(({ until }) => until === null))
}

/** A Tuesday; every instant of these tests counts from here. */
export const noon: Millis = Date.UTC(2026, 5, 2, 12)
export const btc = 'BTC/USDT' as Coin
export const eth = 'ETH/USDT' as Coin

export function candle(i: number, change: Partial<Candle> = {}): Candle {
  const price = 100 + Math.sin(i)
  return {
    coin: btc,
    openAt: noon + i * minuteMs,
    open: price,
    high: price + 1,
    low: price - 1,
    close: price + 0.5,
    volume: 3,
    quoteVolume: 300,
    takerBuyVolume: Number.NaN,
    trades: 7,
    state: 'final',
    revision: 0,
    ...change,
  }
}

/** A minute without prices; where it is missing, nobody knows what was traded. */
export function blank(i: number, state: 'empty' | 'missing', change: Partial<Candle> = {}): Candle {
  const none = Number.NaN
  const amount = state === 'missing' ? none : 0
  return candle(i, {
    ...{ state, open: none, high: none, low: none, close: none, volume: amount },
    ...{ quoteVolume: amount, trades: amount, ...change },
  })
}

export function prediction(
  version: Version,
  i: number,
  change: Partial<Prediction> = {},
): Prediction {
  const openAt = noon + i * minuteMs
  return {
    ...version,
    openAt,
    closeAt: openAt + minuteMs,
    horizonMs: 15 * minuteMs,
    asked: 'live',
    inSample: false,
    madeAt: noon,
    dueAt: noon,
    inferMs: 0.5,
    featureSet: 'sha256:set',
    inputHash: '00ff',
    traceId: 'ab',
    path: 'market/BTC-USDT/linear/1',
    epoch: 1,
    flags: [],
    signal: 'buy',
    probabilities: { sell: 0.2, hold: 0.3, buy: 0.5 },
    value: null,
    ...change,
  }
}

export function entries(...predictions: readonly Prediction[]): LedgerEntry[] {
  return predictions.map((it) => ({ type: 'prediction', prediction: it }))
}

/** As much of a manifest as the store reads. */
export function manifest(change: object = {}): Manifest {
  return {
    task: 'classify',
    interval: '1m',
    horizonCandles: 15,
    label: { kind: 'threshold', up: 0.0015, down: -0.0015 },
    ...change,
  } as Manifest
}

/** Registers a version, and gives it a slot where one is named. */
export async function version(
  store: Store,
  options: {
    readonly coin?: Coin
    readonly family?: string
    readonly slot?: Slot
    readonly from?: Millis
    readonly manifest?: Manifest
  } = {},
): Promise<Version> {
  const made = await registerVersion(store.sql, store.names, {
    coin: options.coin ?? btc,
    family: options.family ?? 'linear',
    sha256: randomBytes(32).toString('hex'),
    manifest: options.manifest ?? manifest(),
    metrics: null,
    artifact: '/nowhere',
  })
  if (options.slot && slots.includes(options.slot))
    await assignSlot(store.sql, store.names, options.slot, made, options.from ?? noon)
  return made
}
