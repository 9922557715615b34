import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  databaseName,
  ensureDatabase,
  openDatabase,
  parseInstant,
} from '../../../ops/store/connection.ts'
import { acquireLease } from '../../../ops/store/lease.ts'
import { listParts, type Part } from '../../../ops/store/ledger/parts.ts'
import { partsToDrop, retain } from '../../../ops/store/ledger/retention.ts'
import { type Migration, migrate } from '../../../ops/store/migrate.ts'
import { registerFeatureSet } from '../../../ops/store/reads/feature-view.ts'
import {
  endLivesBefore,
  keepDeadLetter,
  noteEnded,
  noteStarted,
} from '../../../ops/store/records.ts'
import { openStore } from '../../../ops/store/store.ts'
import { registerVersion } from '../../../ops/store/versions/versions.ts'
import { dayMs, minuteMs } from '../../../streams/time.ts'
import {
  blank,
  btc,
  candle,
  dropDatabase,
  manifest,
  noon,
  openTestStore,
  testServer,
} from '../../support/store/database.ts'
import { until } from '../../support/until.ts'

const day = (month: number, of: number): number => Date.UTC(2026, month - 1, of)

test('instants come out of PostgreSQL as whole milliseconds', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['2026-11-21 01:04:06+00', Date.UTC(2026, 10, 21, 1, 4, 6)],
    ['2026-11-21 01:04:06.1+00', Date.UTC(2026, 10, 21, 1, 4, 6, 100)],
    ['2026-11-21 01:04:06.007+00', Date.UTC(2026, 10, 21, 1, 4, 6, 7)],
    ['2026-11-21 01:04:06.999999+00', Date.UTC(2026, 10, 21, 1, 4, 6, 999)],
    ['1970-01-01 00:00:00+00', 0],
    ['-infinity', Number.NEGATIVE_INFINITY],
  ]
  for (const [text, at] of cases) assert.equal(parseInstant(text), at, text)
  assert.throws(() => parseInstant('2026-11-21 01:04:06+02'))
})

test('a market names its database', () => {
  assert.equal(databaseName('tape-seed-7'), 'starling_tape_seed_7')
  const long = `tape-file-${'a'.repeat(80)}`
  assert.equal(databaseName(long).length, 63)
  assert.notEqual(databaseName(long), databaseName(`${long}b`))
})

test('migrations run once, even when two start at once, and never change afterwards', async () => {
  const address = await testServer()
  const name = databaseName(`migrate-${process.pid}`)
  await ensureDatabase(address, name)
  const [one, two] = [openDatabase(address, name), openDatabase(address, name)]
  const files: readonly Migration[] = [
    {
      number: 1,
      name: '0001-a.sql',
      text: 'create table a (x int); insert into a values (1)',
      sha256: 'a',
    },
    { number: 2, name: '0002-b.sql', text: 'insert into a values (2)', sha256: 'b' },
  ]
  try {
    const ran = await Promise.all([migrate(one, files), migrate(two, files)])
    assert.deepEqual(ran.sort(), [0, 2])
    assert.equal((await one`select from a`).length, 2)
    const changed = files.map((it) => ({ ...it, sha256: 'other' }))
    await assert.rejects(migrate(one, changed), { code: 'store.migration_changed' })
    await assert.rejects(migrate(one, files.slice(0, 1)), { code: 'store.newer_schema' })
    const broken = [
      ...files,
      { number: 3, name: '0003-c.sql', text: 'insert into a values (3); nonsense', sha256: 'c' },
    ]
    await assert.rejects(migrate(one, broken), { code: 'store.failed' })
    assert.equal((await one`select from a`).length, 2)
  } finally {
    await one.end()
    await two.end()
    await dropDatabase(address, name)
  }
})

test('a store belongs to one market and one interval', async () => {
  const store = await openTestStore()
  const address = await testServer()
  await assert.rejects(openStore({ address, market: store.market, intervalMs: 5 * minuteMs }), {
    code: 'store.other_market',
  })
})

test('the lease: one holder at a time, and whoever lost it writes nothing more', async () => {
  const store = await openTestStore()
  await assert.rejects(acquireLease(store.sql, 'fleet', 'another'), {
    code: 'lease.held',
    retryable: true,
  })
  const again = await acquireLease(store.sql, 'fleet', 'test')
  assert.equal(again.term, store.lease.term + 1)
  await assert.rejects(store.lease.renew(), { code: 'lease.lost', retryable: false })
  const batch = [{ type: 'candle', candle: candle(0) }] as const
  await assert.rejects(
    store.write.commit(batch, () => noon),
    { code: 'lease.lost' },
  )
  await assert.rejects(store.write.writeHistory([candle(0)]), { code: 'lease.lost' })
  assert.equal(await store.reader.candleRange(btc), undefined)
  await again.renew()
  await store.sql`update lease set expires_at = clock_timestamp() - interval '1 millisecond'`
  const taken = await acquireLease(store.sql, 'fleet', 'another')
  assert.equal(taken.term, again.term + 1)
  await assert.rejects(again.renew(), { code: 'lease.lost' })
  await taken.release()
  assert.equal((await acquireLease(store.sql, 'fleet', 'test')).term, taken.term + 1)
})

test('a term that is taken over while a batch is being written waits for it', async () => {
  const store = await openTestStore()
  const order: string[] = []
  const { taken } = await store.sql.begin(async (tx) => {
    await tx`select from lease where term = ${store.lease.term} for share`
    const taken = acquireLease(store.sql, 'fleet', 'test').then(() => order.push('taken'))
    // The other connection has to be seen waiting before this one ends.
    await until('the other waits for the lock', async () => {
      const waiting = await store.sql`
        select from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock' and query like '%insert into lease%'`
      return waiting.length > 0
    })
    order.push('committed')
    return { taken }
  })
  await taken
  await store.lease.renew().catch(() => order.push('lost'))
  assert.deepEqual(order, ['committed', 'taken', 'lost'])
})

test('nobody waits for a daemon that stands still in a transaction: neither before its lease has run out nor after', async (t) => {
  const { sql, database, lease } = await openTestStore()
  const still = openDatabase(await testServer(), database, { holder: 'still' })
  t.after(() => still.end())
  await lease.release()
  const { term } = await acquireLease(sql, 'fleet', 'still')
  const stand = async (): Promise<{ goOn: () => void; over: Promise<void> }> => {
    const [locked, ended] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const over = still.begin(async (tx) => {
      // PostgreSQL itself would end it after ten seconds, were it not in the middle of an answer.
      await tx`set local idle_in_transaction_session_timeout = 0`
      await tx`select from lease where term = ${term} for share`
      locked.resolve()
      await ended.promise
    })
    await locked.promise
    return { goOn: ended.resolve, over }
  }
  const first = await stand()
  await assert.rejects(acquireLease(sql, 'fleet', 'another'), { code: 'lease.held' })
  first.goOn()
  await first.over
  await sql`update lease set expires_at = clock_timestamp() - interval '1 millisecond'`
  const second = await stand()
  const ended = assert.rejects(second.over, /CONNECTION_CLOSED|ECONNRESET|EPIPE/)
  await acquireLease(sql, 'fleet', 'another')
  second.goOn()
  await ended
})

test('retention takes whole parts, once nothing in them is young enough', () => {
  const part = (table: Part['table'], from: number, to: number): Part => ({
    name: `${table} ${from}`,
    table,
    from,
    to,
  })
  const keep = {
    trades: 3 * dayMs,
    candles: 365 * dayMs,
    features: 7 * dayMs,
    predictions: 60 * dayMs,
    archivedPredictions: 60 * dayMs,
    trainingEvents: 365 * dayMs,
  }
  const parts = [
    part('trade', day(6, 1), day(6, 2)),
    part('trade', day(6, 2), day(6, 3)),
    part('feature', day(6, 1), day(6, 2)),
    part('candle', day(1, 1), day(2, 1)),
    part('prediction', day(3, 1), day(4, 1)),
    part('hole', day(3, 1), day(4, 1)),
    part('outcome', day(4, 1), day(5, 1)),
  ]
  assert.deepEqual(
    partsToDrop(parts, keep, day(6, 5)).map((it) => it.name),
    [parts[0], parts[4], parts[5]].map((it) => it?.name),
  )
})

test('what retention dropped is gone, and the rest is there', async () => {
  const store = await openTestStore()
  const old = -90 * 1440
  await store.write.writeHistory([candle(old), candle(0)])
  await store.prepareParts(noon)
  const days = {
    ...{ trades: 3, candles: 30, features: 7, predictions: 30, archivedPredictions: 30 },
    trainingEvents: 365,
  }
  const keep = Object.fromEntries(Object.entries(days).map(([key, n]) => [key, n * dayMs]))
  const dropped = await retain(store, keep as never, noon)
  assert.deepEqual(dropped, ['candle_202603'])
  assert.deepEqual(await store.reader.candleRange(btc), { from: noon, to: noon + minuteMs })
  assert.ok((await listParts(store.sql)).some((it) => it.name === 'trade_20260604'))
})

test('versions are numbered by their lane, once per sha256', async () => {
  const store = await openTestStore()
  const register = (family: string, sha256: string) =>
    registerVersion(store.sql, store.names, {
      ...{ coin: btc, family, sha256, manifest: manifest(), metrics: { a: [1] }, artifact: 'x' },
    })
  const made = await Promise.all(['a', 'b', 'c', 'a'].map((sha) => register('linear', sha)))
  assert.equal(made[0]?.version, made[3]?.version)
  assert.deepEqual([...new Set(made.map((it) => it.version))].sort(), [1, 2, 3])
  assert.equal((await register('tst', 'a')).version, 1)
  const models = await store.reads.models({ family: 'tst' })
  assert.deepEqual(
    models.map((it) => [it.version, it.sha256, it.state, it.slots, it.metrics]),
    [[1, 'a', 'announced', [], { a: [1] }]],
  )
})

test('the latest features are a view with one column per name', async () => {
  const store = await openTestStore()
  const row = (values: number[]) => ({
    type: 'features' as const,
    coin: btc,
    hash: 'sha256:x',
    row: {
      openAt: noon,
      state: 'final' as const,
      whole: 9,
      after: 'start' as const,
      values: Float64Array.from(values),
    },
  })
  await registerFeatureSet(store.sql, store.names, 'sha256:old', ['gone'])
  await registerFeatureSet(store.sql, store.names, 'sha256:x', ['return_1', 'odd "name"'])
  await registerFeatureSet(store.sql, store.names, 'sha256:x', ['return_1', 'odd "name"'])
  await store.write.commit([row([0.5, 1]), row([0.25, Number.NaN])], () => noon)
  const [latest] = await store.sql`select * from feature_latest`
  assert.deepEqual(
    { ...latest },
    {
      coin: btc,
      open_at: noon,
      state: 'final',
      whole: 9,
      after_gap: false,
      return_1: 0.25,
      'odd "name"': Number.NaN,
    },
  )
  const { items } = await store.reads.features(btc, { limit: 5 })
  assert.deepEqual(items, [
    { openAt: noon, hash: 'sha256:x', flags: [], values: { return_1: 0.25, 'odd "name"': null } },
  ])
})

test('gaps heal with what covers them; snapshots and positions are found again', async () => {
  const store = await openTestStore()
  const gap = (from: number, to: number, fate: 'open' | 'healed' | 'unhealable') =>
    ({
      type: 'gap',
      gap: { coin: btc, from: noon + from, to: noon + to, cause: 'silent' },
      fate,
    }) as const
  const found = [gap(0, 5, 'open'), gap(5, 9, 'open'), gap(20, 30, 'open'), gap(40, 50, 'open')]
  await store.write.commit(found, () => noon)
  await store.write.commit([gap(0, 10, 'healed'), gap(39, 51, 'unhealable')], () => noon + 99)
  assert.deepEqual(
    (await store.reader.openGaps(btc)).map((it) => it.from - noon),
    [20],
  )
  const { items } = await store.reads.gaps({ limit: 3 })
  assert.deepEqual(
    items.map((it) => [it.from - noon, it.healedAt, it.unhealableAt]),
    [
      [40, null, noon + 99],
      [20, null, null],
      [5, noon + 99, null],
    ],
  )
  assert.deepEqual(await store.reads.gapCounts(), { open: 1, unhealable: 1 })
  const snapshot = (at: number, byte: number) =>
    ({
      type: 'snapshot',
      coin: btc,
      hash: 'h',
      at,
      state: Uint8Array.of(byte),
      isOrigin: false,
    }) as const
  await store.write.commit(
    [snapshot(noon, 1), snapshot(noon + dayMs, 2), { type: 'position', coin: btc, at: noon }],
    () => noon,
  )
  await store.write.commit([{ type: 'position', coin: btc, at: noon - 1 }], () => noon)
  assert.equal(await store.reader.position(btc), noon)
  assert.deepEqual([...((await store.reader.snapshot(btc, 'h', noon + 5))?.state ?? [])], [1])
  await store.reader.dropSnapshots(btc, noon)
  assert.equal((await store.reader.snapshot(btc, 'h', noon + 2 * dayMs))?.at, noon)
  assert.equal(await store.reader.snapshot(btc, 'other', noon), undefined)
})

test('nobody analyses feature rows number by number, in parts of before and of now', async () => {
  const store = await openTestStore()
  await store.sql`select ensure_part('feature', 'day', '2026-06-01T00:00:00Z')`
  const rows = await store.sql<{ target: number }[]>`
    select attstattarget::int4 as target from pg_attribute
    where attname = 'values' and attrelid in ('feature'::regclass, 'feature_20260601'::regclass)`
  assert.deepEqual(
    rows.map(({ target }) => target),
    [0, 0],
  )
})

test('candles roll up while they are read, closed ones only, and say where they are partial', async () => {
  const store = await openTestStore()
  const list = Array.from({ length: 17 }, (_, i) =>
    i === 6
      ? blank(6, 'missing')
      : i >= 10 && i < 15
        ? blank(i, 'empty')
        : candle(i, { close: i, high: 1000 + i, low: -i }),
  )
  await store.write.writeHistory(list)
  const { items, next } = await store.reads.candles(btc, 5 * minuteMs, { limit: 2 })
  assert.deepEqual(
    items.map((it) => [
      (it.openAt - noon) / minuteMs,
      it.state,
      it.close,
      it.high,
      it.low,
      it.trades,
      it.flags,
    ]),
    [
      [10, 'empty', null, null, null, 0, ['empty']],
      [5, 'final', 9, 1009, -9, 28, ['partial']],
    ],
  )
  const rest = await store.reads.candles(btc, 5 * minuteMs, { limit: 2, cursor: next ?? '' })
  assert.deepEqual(
    rest.items.map((it) => [(it.openAt - noon) / minuteMs, it.open, it.volume, it.flags]),
    [[0, candle(0).open, 15, []]],
  )
  assert.equal(rest.next, null)
  const cut = await store.reads.candles(btc, 5 * minuteMs, {
    limit: 9,
    from: noon + 1,
    to: noon + 6 * minuteMs,
  })
  assert.deepEqual(
    cut.items.map((it) => (it.openAt - noon) / minuteMs),
    [5],
  )
  await assert.rejects(store.reads.candles(btc, 90_000, { limit: 1 }), { code: 'query.interval' })
  await assert.rejects(store.reads.candles(btc, minuteMs, { limit: 1, cursor: 'x' }), {
    code: 'query.cursor',
  })
})

test('lives are noted and ended, and letters nobody took are kept as far as they can be read', async () => {
  const store = await openTestStore()
  await noteStarted(store.sql, { path: 'a/b', epoch: 5, at: noon })
  await noteStarted(store.sql, { path: 'a/c', epoch: 6, at: noon })
  await noteEnded(store.sql, { epoch: 5, at: noon + 1, reason: 'crashed' })
  assert.equal(await endLivesBefore(store.sql, 100, noon + 2), 1)
  const circle: Record<string, unknown> = { reply: () => 1, big: 1n, null: 'a\0b' }
  circle.self = circle
  await keepDeadLetter(store.sql, { at: noon, path: 'a/b', reason: 'full', message: circle })
  await keepDeadLetter(store.sql, {
    at: noon,
    path: 'a/b',
    reason: 'full',
    message: 'x'.repeat(10_000),
  })
  const rows = await store.sql<
    { message: { big: string; self: string } }[]
  >`select message from dead_letter order by id`
  assert.deepEqual([rows[0]?.message.big, rows[0]?.message.self], ['1', 'seen above'])
})
