import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { HoleReason } from '../../../../models/prediction.ts'
import type { Slot, Version } from '../../../../models/version.ts'
import { assignSlot } from '../../../../ops/store/versions/versions.ts'
import { minuteMs } from '../../../../streams/time.ts'
import {
  btc,
  candle,
  entries,
  eth,
  noon,
  openTestStore,
  prediction,
  type TestStore,
  version,
} from '../../../support/store/database.ts'

const late = (): number => noon + 100 * minuteMs
const at = (i: number): number => noon + i * minuteMs

/** A letter per candle: p a prediction, h a hole, b both, - neither; candles 0 to 5, and one more that is in flight. */
async function lay(store: TestStore, who: Version, slot: Slot, letters: string): Promise<void> {
  const predicted = [...letters].flatMap((it, i) => ('pb'.includes(it) ? [i] : []))
  const holes = [...letters].flatMap((it, i) => ('hb'.includes(it) ? [i] : []))
  await store.write.commit(
    holes.map((i) => ({
      type: 'hole',
      hole: {
        coin: who.coin,
        family: who.family,
        slot,
        openAt: at(i),
        reason: 'gap' as HoleReason,
      },
    })),
    late,
  )
  await store.write.commit(entries(...predicted.map((i) => prediction(who, i))), late)
  // The ledger heals such holes; the audit has to see through a ledger that did not.
  const both = [...letters].flatMap((it, i) => (it === 'b' ? [at(i)] : []))
  for (const openAt of both)
    await store.sql`update hole set healed_at = null where slot = ${slot} and open_at = ${openAt}`
}

const cases: readonly [letters: string, unexplained: number, duplicates: number, holes: number][] =
  [
    ['pppppp', 0, 0, 0],
    ['pphppp', 0, 0, 1],
    ['hhhhhh', 0, 0, 6],
    ['pp-ppp', 1, 0, 0],
    ['-----p', 5, 0, 0],
    ['ppbppp', 0, 1, 1],
    ['b-----', 5, 1, 1],
    ['p-bh-p', 2, 1, 2],
  ]

test('each closed candle of a slot has a prediction or a hole, or is told of', async (t) => {
  const store = await openTestStore()
  await store.write.writeHistory(Array.from({ length: 7 }, (_, i) => candle(i)))
  for (const [letters, unexplained, duplicates, holes] of cases)
    await t.test(`${letters}: ${unexplained} unexplained, ${duplicates} twice`, async () => {
      const who = await version(store, { slot: 'v1' })
      await lay(store, who, 'v1', letters)
      const audit = await store.reads.continuity(undefined, undefined)
      const predicted = [...letters].filter((it) => 'pb'.includes(it)).length
      const byReason = holes > 0 ? { gap: holes } : {}
      const lane = {
        coin: btc,
        family: 'linear',
        slot: 'v1',
        candles: 6,
        predicted,
        holes,
        byReason,
      }
      assert.deepEqual(audit, { from: at(0), to: at(6), unexplained, duplicates, lanes: [lane] })
      await store.sql`truncate prediction, hole, pointer`
    })
})

test('an interval whose candle never came is unexplained', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  await store.write.writeHistory([0, 1, 3, 4].map((i) => candle(i)))
  await lay(store, who, 'v1', 'pp-p')
  assert.equal((await store.reads.continuity(undefined, undefined)).unexplained, 1)
})

test('a slot is audited by whoever held it at that candle, and only since it was given', async () => {
  const store = await openTestStore()
  const [old, heir] = [await version(store), await version(store)]
  await store.write.writeHistory(Array.from({ length: 8 }, (_, i) => candle(i - 1)))
  await assignSlot(store.sql, store.names, 'v1', old, at(0))
  await assignSlot(store.sql, store.names, 'v1', heir, at(3))
  await assignSlot(store.sql, store.names, 'v2', old, at(3))
  await lay(store, old, 'v1', 'ppppp')
  await lay(store, heir, 'v1', '--ppp')
  const audit = await store.reads.continuity(undefined, undefined)
  assert.deepEqual(
    audit.lanes.map((it) => [it.slot, it.candles, it.predicted]),
    [
      ['v1', 6, 5],
      ['v2', 3, 2],
    ],
  )
  assert.equal(audit.unexplained, 2)
  assert.equal((await store.reads.continuity(at(0), at(5))).unexplained, 0)
})

test('one lane cannot make up for another, and each coin ends at its own newest candle', async () => {
  const store = await openTestStore()
  const one = await version(store, { slot: 'v1' })
  const two = await version(store, { coin: eth, slot: 'v1' })
  await store.write.writeHistory([0, 1, 2, 3].map((i) => candle(i)))
  await store.write.writeHistory([0, 1].map((i) => candle(i, { coin: eth })))
  await lay(store, one, 'v1', 'p-p')
  await lay(store, two, 'v1', 'ppp')
  const audit = await store.reads.continuity(undefined, undefined)
  assert.equal(audit.unexplained, 1)
  assert.deepEqual(
    audit.lanes.map((it) => it.candles),
    [3, 1],
  )
})

test('what is asked beyond the newest candle has not happened', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  await store.write.writeHistory([0, 1].map((i) => candle(i)))
  await lay(store, who, 'v1', 'pp')
  const audit = await store.reads.continuity(at(-100), at(100))
  assert.deepEqual([audit.unexplained, audit.lanes[0]?.candles], [0, 2])
})

test('unanswered are the closed candles of a held slot without a prediction or a hole that stays', async () => {
  const store = await openTestStore()
  const [who, other] = [await version(store), await version(store, { family: 'tst' })]
  await assignSlot(store.sql, store.names, 'v1', who, at(1))
  await store.write.writeHistory(Array.from({ length: 7 }, (_, i) => candle(i)))
  await lay(store, who, 'v1', '-ph')
  const hole = {
    coin: btc,
    family: 'linear',
    slot: 'v1',
    openAt: at(3),
    reason: 'no_trades',
  } as const
  await store.write.commit([{ type: 'hole', hole }], late)
  assert.deepEqual(await store.reader.unanswered(who, at(0), at(100), 10), [2, 4, 5, 6].map(at))
  assert.deepEqual(await store.reader.unanswered(who, at(4), at(6), 1), [at(4)])
  assert.deepEqual(await store.reader.unanswered(other, at(0), at(100), 10), [])
})
