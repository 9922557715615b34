import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Version } from '../../../../models/version.ts'
import {
  backfilled,
  beginBackfill,
  noteBackfilled,
  noteCaughtUp,
  owedHistory,
  versionsBehind,
} from '../../../../ops/store/versions/backfills.ts'
import { dayMs, hourMs, type Millis, minuteMs } from '../../../../streams/time.ts'
import {
  blank,
  candle,
  entries,
  noon,
  openTestStore,
  prediction,
  type TestStore,
  version,
} from '../../../support/store/database.ts'

const keepMs = 30 * dayMs

/** Candles from noon on for two hours, and a version in v3 that has answered them. */
async function stage() {
  const store = await openTestStore()
  const { sql, names } = store
  const of = await version(store, { slot: 'v3', from: noon + 2 * hourMs })
  await history(store, 0, 120)
  await beginBackfill(sql, names, of, { from: noon, at: noon + 2 * hourMs })
  await answer(store, of, 0, 120)
  await noteBackfilled(sql, names, of, noon + 2 * hourMs)
  return {
    store,
    of,
    behind: async () => (await versionsBehind(sql, keepMs)).map((it) => it.version),
    owed: (from: Millis) => owedHistory(sql, names, of, from),
    caughtUp: (from: Millis, at: Millis) => noteCaughtUp(sql, names, of, { from, at }),
  }
}

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i)

async function history(store: TestStore, from: number, to: number): Promise<void> {
  await store.write.writeHistory(range(from, to).map((i) => candle(i)))
}

async function answer(store: TestStore, of: Version, from: number, to: number): Promise<void> {
  const said = range(from, to).map((i) => prediction(of, i, { asked: 'backfill' }))
  await store.write.commit(entries(...said), () => noon + 2 * hourMs)
}

test('a version that has answered all the history there is, is not behind', async () => {
  const { behind, owed } = await stage()
  assert.deepEqual(await behind(), [])
  assert.deepEqual(await owed(noon), [])
})

test('history that comes before its first candle puts it behind, until it has looked at it', async () => {
  const { store, behind, owed, caughtUp } = await stage()
  await history(store, -3 * 1_440, 0)
  assert.deepEqual(await behind(), [1])
  // From noon to noon: four calendar days, the last of them answered from noon on.
  const first = noon - 3 * dayMs
  assert.deepEqual(await owed(first), [{ from: first - dayMs / 2, to: noon + dayMs / 2 }])
  await caughtUp(first, noon + 3 * hourMs)
  assert.deepEqual(await behind(), [])
})

test('what is not kept puts nobody behind', async () => {
  const { store } = await stage()
  await history(store, -1_440, 0)
  assert.deepEqual(await versionsBehind(store.sql, 2 * hourMs), [])
  assert.equal((await versionsBehind(store.sql, 3 * hourMs)).length, 1)
})

test('a gap in its history that heals afterwards puts it behind; one that healed before, or after its backfill, does not', async () => {
  const { store, behind, caughtUp, of } = await stage()
  const healed = (i: number, at: Millis): Promise<unknown> =>
    store.sql`
      insert into gap (coin_id, from_at, to_at, cause, healed_at)
      select id, ${noon + i * minuteMs}, ${noon + (i + 1) * minuteMs}, 'silent', ${at}
      from coin where symbol = ${of.coin}`
  await healed(10, noon + hourMs)
  await healed(130, noon + 3 * hourMs)
  assert.deepEqual(await behind(), [])
  await healed(20, noon + 3 * hourMs)
  assert.deepEqual(await behind(), [1])
  await caughtUp(noon, noon + 4 * hourMs)
  assert.deepEqual(await behind(), [])
})

test('only whole days with candles that could be answered are owed', async () => {
  const { store, owed } = await stage()
  const first = noon - 5 * dayMs
  const days = [-5, -4, -2]
  for (const day of days) await history(store, day * 1_440, day * 1_440 + 2)
  await store.write.writeHistory([blank(-1 * 1_440, 'empty'), blank(-3 * 1_440, 'missing')])
  assert.deepEqual(
    await owed(first),
    [
      { from: first, to: first + 2 * dayMs },
      { from: first + 3 * dayMs, to: first + 4 * dayMs },
    ].map(({ from, to }) => ({ from: from - dayMs / 2, to: to - dayMs / 2 })),
  )
})

test('who has lost its slot, or has never answered history, is not behind', async () => {
  const { store, behind } = await stage()
  await version(store, { family: 'tst', slot: 'v1' })
  await history(store, -10, 0)
  assert.deepEqual(await behind(), [1])
  await store.sql`update pointer set until_at = ${noon + 3 * hourMs} where until_at is null`
  assert.deepEqual(await behind(), [])
})

test('a backfill that is taken up again keeps the sight with which it began', async () => {
  const { store, of } = await stage()
  const { sql, names } = store
  await beginBackfill(sql, names, of, { from: noon - dayMs, at: noon + dayMs })
  assert.equal((await backfilled(sql, names, of)).to, noon + 2 * hourMs)
  const [kept] = await sql<{ from: Millis }[]>`
    select backfilled_from as "from" from version where number = 1`
  assert.equal(kept?.from, noon)
})
