/**
 * How long scores take: 20 versions of a lane over 180 days of minutes, 5 million predictions with their outcomes in a real
 * PostgreSQL, asked for through the API's own route; and two versions on the very same candles, from their rows.
 */
import { chmodSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Manifest } from '../../models/manifest.ts'
import { score } from '../../models/scores/score.ts'
import { versionName } from '../../models/version.ts'
import { removeDataDirectory, startServer } from '../../ops/store/embedded/server.ts'
import { sumDays } from '../../ops/store/scores/sum-days.ts'
import { openStore, type Store } from '../../ops/store/store.ts'
import { registerVersion } from '../../ops/store/versions/versions.ts'
import type { Coin } from '../../streams/coin.ts'
import { dayMs, minuteMs } from '../../streams/time.ts'

const versions = 20
const days = 180
const start = Date.UTC(2026, 0, 1)
const end = start + days * dayMs + 700 * minuteMs
const btc = 'BTC/USDT' as Coin

export async function benchScores() {
  const folder = mkdtempSync(join(tmpdir(), 'starling-bench-'))
  chmodSync(folder, 0o755)
  const server = await startServer(folder)
  const address = { type: 'socket', path: server.socket } as const
  const store = await openStore({ address, market: 'bench', intervalMs: minuteMs })
  try {
    await fill(store)
    return await measure(store)
  } finally {
    await store.close()
    await server.stop()
    await removeDataDirectory(folder)
  }
}

async function measure(store: Store) {
  const all = await fastest(5, async () => {
    const [sums, coverage] = await Promise.all([store.reads.daySums({}), store.reads.coverage({})])
    const known = new Map(coverage.map((it) => [versionName(it), it.frequencies]))
    const scored = [...Map.groupBy(sums, versionName)].map(([name, its]) =>
      score(its, known.get(name) ?? null),
    )
    if (scored.length !== versions) throw new Error(`${scored.length} versions were scored`)
  })
  const [one, other] = [1, 2].map((version) => ({ coin: btc, family: 'linear', version }))
  const shadow = { from: end - 7 * dayMs, to: end }
  const paired = await fastest(3, () => store.reads.pairedSums(one!, other!, shadow))
  const against = 'the issue asks for less than 300'
  return [
    { name: `${versions} versions over ${days} days, scored`, value: all, unit: 'ms', against },
    { name: 'two versions on the same candles, 7 days', value: paired, unit: 'ms' },
  ]
}

async function fastest(times: number, act: () => Promise<unknown>): Promise<number> {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < times; i++) {
    const startedAt = performance.now()
    await act()
    best = Math.min(best, performance.now() - startedAt)
  }
  return best
}

/** Rows are made inside the database: through the writer it would take minutes. */
async function fill(store: Store): Promise<void> {
  const { sql, names } = store
  const coinId = await names.coin(btc)
  const setId = await names.featureSet('sha256:bench')
  const openings = Array.from({ length: days + 2 }, (_, i) => start + i * dayMs)
  for (const table of ['candle', 'prediction', 'outcome'] as const)
    await store.parts.ensure(table, openings)
  const minutes = sql`generate_series(${start}::timestamptz, ${end - minuteMs}::timestamptz, interval '1 minute') t (at)`
  await sql`
    insert into candle (coin_id, open_at, open, high, low, close, volume, revision, state)
    select ${coinId}, at, 100, 101, 99, 100, 1, 0, 'final' from ${minutes}`
  const manifest = {
    ...{ task: 'classify', interval: '1m', horizonCandles: 15 },
    label: { kind: 'threshold', up: 0.0015, down: -0.0015 },
  } as Manifest
  for (let i = 0; i < versions; i++) {
    const sha256 = String(i).padStart(64, '0')
    const metrics = { frequencies: [400, 200, 400] }
    const made = { coin: btc, family: 'linear', sha256, manifest, metrics, artifact: '/nowhere' }
    const id = await names.version(await registerVersion(sql, names, made))
    await sql`
      insert into prediction (open_at, made_at, epoch, sell, hold, buy, version_id, set_id, wait_ms, infer_ms, mode, signal,
        input_hash, trace_id)
      select at, at, 1, p * 0.8, 0.2, 0.8 - p * 0.8, ${id}, ${setId}, 1, 1, 'backfill',
        case when p > 0.5 then 'sell' else 'buy' end::signal, '\\x00', '\\x00'
      from (select at, random() as p from ${minutes}) m`
    await sql`
      insert into outcome (open_at, resolved_at, return, actual, naive, profit, version_id, revision, label, correct)
      select at, at, r, r, 0, r - 0.002, ${id}, 0,
        case when r > 0.0015 then 'buy' when r < -0.0015 then 'sell' else 'hold' end::signal, r > 0
      from (select at, 0.01 * random() - 0.005 as r from ${minutes}) m`
    await sql.begin(async (tx) => {
      await sumDays(tx, coinId, [{ id, mark: start, to: end }])
      await tx`update version set unresolved_from = ${end} where id = ${id}`
    })
  }
  await sql`analyze`
}
