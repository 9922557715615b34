/**
 * What the ledger's guarantees cost: predictions through the writer, each batch of 1,000 one transaction with lease,
 * key, mode and mark, against the same rows through COPY into the same tables and into a bare one.
 */
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Manifest } from '../../models/manifest.ts'
import type { Prediction } from '../../models/prediction.ts'
import type { Version } from '../../models/version.ts'
import type { Sql } from '../../ops/store/connection.ts'
import { removeDataDirectory, startServer } from '../../ops/store/embedded/server.ts'
import { acquireLease } from '../../ops/store/lease.ts'
import { openStore, type Store } from '../../ops/store/store.ts'
import { assignSlot, registerVersion } from '../../ops/store/versions/versions.ts'
import type { Coin } from '../../streams/coin.ts'
import { minuteMs, wallClock } from '../../streams/time.ts'
import { quantile } from '../support/quantile.ts'
import type { Figure } from './figure.ts'

const rows = 100_000
const batchRows = 1_000
const start = Date.UTC(2026, 0, 1)
const btc = 'BTC/USDT' as Coin

export async function benchLedger(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-bench-'))
  chmodSync(folder, 0o755)
  const server = await startServer(folder)
  try {
    const store = await openStore({
      address: { type: 'socket', path: server.socket },
      market: 'bench',
      intervalMs: minuteMs,
    })
    try {
      return await measure(store)
    } finally {
      await store.close()
    }
  } finally {
    await server.stop()
    await removeDataDirectory(folder)
  }
}

async function measure(store: Store): Promise<Figure[]> {
  const lease = await acquireLease(store.sql, 'fleet', 'bench')
  const writer = store.writer(lease, () => wallClock.now())
  const version = await slottedVersion(store)
  const all = Array.from({ length: rows }, (_, i) => prediction(version, i))
  const waits: number[] = []
  const upserted = await seconds(async () => {
    for (let at = 0; at < rows; at += batchRows) {
      const began = performance.now()
      const batch = all.slice(at, at + batchRows)
      await writer.commit(
        batch.map((it) => ({ type: 'prediction', prediction: it })),
        () => start + rows * minuteMs,
      )
      waits.push(performance.now() - began)
    }
  })
  await store.sql`create table copied (like prediction including all)`
  await store.sql`create table bare (like prediction)`
  const lines = await linesOf(store.sql)
  const keyed = await seconds(() => copy(store.sql, 'copied', lines))
  const bare = await seconds(() => copy(store.sql, 'bare', lines))
  const through = rows / upserted
  const beside = (copied: number): Omit<Figure, 'name'> => ({
    value: copied / upserted,
    unit: '×',
    against: `COPY: ${Math.round(rows / copied).toLocaleString('en')} rows/s`,
  })
  return [
    { name: 'predictions through the writer', value: through, unit: 'rows/s' },
    { name: 'against COPY of the same rows with the same key', ...beside(keyed) },
    { name: 'against COPY of the same rows without a key', ...beside(bare) },
    { name: 'batch of 1,000 to commit, median', value: quantile(waits, 0.5), unit: 'ms' },
    { name: 'batch of 1,000 to commit, p99', value: quantile(waits, 0.99), unit: 'ms' },
  ]
}

async function slottedVersion(store: Store): Promise<Version> {
  const manifest = {
    task: 'classify',
    interval: '1m',
    horizonCandles: 15,
    label: { kind: 'threshold', up: 0.0015, down: -0.0015 },
  } as Manifest
  const made = await registerVersion(store.sql, store.names, {
    ...{ coin: btc, family: 'linear', sha256: 'bench', manifest, metrics: null, artifact: '' },
  })
  await assignSlot(store.sql, store.names, 'v1', made, start)
  return made
}

/** What was written, as COPY takes it back. */
async function linesOf(sql: Sql): Promise<readonly Buffer[]> {
  const lines: Buffer[] = []
  const from = await sql`copy (select * from prediction order by open_at) to stdout`.readable()
  for await (const chunk of from) lines.push(chunk as Buffer)
  return lines
}

async function copy(sql: Sql, table: string, lines: readonly Buffer[]): Promise<void> {
  const into = await sql`copy ${sql(table)} from stdin`.writable()
  await pipeline(Readable.from(lines), into)
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const began = performance.now()
  await work()
  return (performance.now() - began) / 1000
}

function prediction(version: Version, i: number): Prediction {
  const openAt = start + i * minuteMs
  const sell = (i % 97) / 200
  return {
    ...version,
    openAt,
    closeAt: openAt + minuteMs,
    horizonMs: 15 * minuteMs,
    asked: 'backfill',
    inSample: false,
    madeAt: openAt,
    dueAt: openAt,
    inferMs: 0.0625,
    featureSet: 'sha256:bench',
    inputHash: i.toString(16).padStart(32, '0'),
    traceId: i.toString(16).padStart(32, '0'),
    path: 'market/BTC-USDT/linear/1',
    epoch: 1,
    flags: [],
    signal: 'hold',
    probabilities: { sell, hold: 0.5, buy: 0.5 - sell },
    value: null,
  }
}
