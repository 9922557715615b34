import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Version } from '../../../../models/version.ts'
import { type Keep, retain } from '../../../../ops/store/ledger/retention.ts'
import { resolveOutcomes } from '../../../../ops/store/scores/outcomes.ts'
import { dayMs, minuteMs } from '../../../../streams/time.ts'
import {
  btc,
  candle,
  entries,
  noon,
  openTestStore,
  prediction,
  type TestStore,
  version,
} from '../../../support/store/database.ts'

const daysBack = 70
const first = (-daysBack * dayMs) / minuteMs
/** Twenty candles at noon of every tenth day. */
const candles = Array.from({ length: 8 }, (_, i) => first + (i * 10 * dayMs) / minuteMs).flatMap(
  (noonOf) => Array.from({ length: 20 }, (_, i) => noonOf + i),
)
const later = (): number => noon + dayMs

async function archive(store: TestStore, who: Version, state: string): Promise<void> {
  await store.sql`
    update version v set state = ${state} from lane l
    where l.id = v.lane_id and l.family = ${who.family} and v.number = ${who.version}`
}

const keep: Keep = {
  ...{ trades: 3 * dayMs, candles: 365 * dayMs, features: 7 * dayMs, trainingEvents: 365 * dayMs },
  ...{ predictions: 365 * dayMs, archivedPredictions: 35 * dayMs },
}

test('of a version that serves no more only the last days stay, its scores stay whole, and no audit misses them', async () => {
  const store = await openTestStore()
  await store.write.writeHistory(candles.map((i) => candle(i)))
  const from = noon + first * minuteMs
  const serving = await version(store, { slot: 'v1', from })
  const archived = await version(store)
  const rejected = await version(store)
  for (const who of [serving, archived, rejected])
    await store.write.commit(entries(...candles.map((i) => prediction(who, i))), later)
  const [{ id }] = (await store.sql`
    select v.id from version v where number = ${archived.version}`) as unknown as [{ id: number }]
  // It held the second slot until noon: both its answers and its holes are audited up to then.
  await store.sql`
    insert into pointer (lane_id, version_id, slot, from_at, until_at)
    select lane_id, id, 'v2', instant(${from}), instant(${noon + minuteMs}) from version where id = ${id}`
  await store.parts.ensure('hole', [from])
  await store.sql`
    insert into hole (lane_id, slot, open_at, reason)
    select lane_id, 'v2', instant(${from + minuteMs * 20}), 'gap' from version where id = ${id}`
  assert.ok((await resolveOutcomes(store, btc, 0)) > 0)
  await archive(store, archived, 'archived')
  await archive(store, rejected, 'rejected')

  const count = async (who: Version): Promise<number> =>
    (await store.reads.predictions({ ...who, limit: 1_000 })).items.length
  const sums = (who: Version) => store.reads.daySums(who)
  const before = await sums(archived)
  assert.ok(before.length > 4)
  await retain(store, keep, noon)
  assert.deepEqual(
    [await count(serving), await count(archived), await count(rejected)],
    [160, 80, 80],
  )
  assert.deepEqual(await sums(archived), before)
  const { from: oldest } = {
    from: (await store.reads.predictions({ ...archived, limit: 1_000 })).items.at(-1)?.openAt ?? 0,
  }
  assert.equal(oldest, noon - 30 * dayMs)
  assert.equal((await store.reads.holes({ limit: 10 })).items.length, 0)

  const { lanes } = await store.reads.continuity(undefined, noon + minuteMs)
  const slot = lanes.find((it) => it.slot === 'v2')
  // The line is drawn at the beginning of a day.
  assert.equal(slot?.candles, (35 * dayMs + dayMs / 2) / minuteMs + 1)
  const again = store.reader.unanswered(archived, 0, noon + minuteMs, 1_000)
  assert.ok((await again).every((openAt) => openAt >= noon - 35.5 * dayMs))
  await retain(store, keep, noon)
  assert.equal(await count(archived), 80)
})

test('a version that serves again is left alone, and what went with its part is not audited either', async () => {
  const store = await openTestStore()
  await store.write.writeHistory(candles.map((i) => candle(i)))
  const back = await version(store, { slot: 'v1', from: noon + first * minuteMs })
  await store.write.commit(entries(...candles.map((i) => prediction(back, i))), later)
  await retain(store, { ...keep, predictions: 32 * dayMs }, noon)
  const { items } = await store.reads.predictions({ ...back, limit: 1_000 })
  assert.equal(items.at(-1)?.openAt, noon - 30 * dayMs)
  const audit = await store.reads.continuity(undefined, noon + minuteMs)
  assert.equal(audit.from, Date.UTC(2026, 4, 1))
  assert.deepEqual(await store.reader.unanswered(back, 0, noon - 30 * dayMs, 10), [])
})

test('a clock that is set ahead ages nothing: days count from the newest candle with trades', async () => {
  const store = await openTestStore()
  const clockAhead = noon + 400 * dayMs
  assert.deepEqual(await retain(store, keep, clockAhead), [])
  await store.write.writeHistory(candles.map((i) => candle(i)))
  const serving = await version(store, { slot: 'v1', from: noon + first * minuteMs })
  await store.write.commit(entries(...candles.map((i) => prediction(serving, i))), later)
  // What nobody told, the clock alone has closed.
  const closed = { ...candle((399 * dayMs) / minuteMs), state: 'missing' as const }
  await store.write.writeHistory([closed])
  assert.deepEqual(await retain(store, keep, clockAhead), [])
  const { items } = await store.reads.predictions({ ...serving, limit: 1_000 })
  assert.equal(items.length, candles.length)
  // The market has reached that day: then it ages.
  await store.write.writeHistory([candle((399 * dayMs) / minuteMs + 1)])
  assert.notDeepEqual(await retain(store, keep, clockAhead), [])
})
