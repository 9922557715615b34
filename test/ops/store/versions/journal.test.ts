import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Verdict } from '../../../../models/judging/verdict.ts'
import type { Version } from '../../../../models/version.ts'
import { openJournal } from '../../../../ops/store/versions/journal.ts'
import {
  readJournal,
  readSwaps,
  readTenures,
} from '../../../../ops/store/versions/journal-reads.ts'
import { giveVerdict, verdictOf } from '../../../../ops/store/versions/versions.ts'
import { minuteMs } from '../../../../streams/time.ts'
import type { LaneJournal, Swap } from '../../../../supervisor/fleet/lane-journal.ts'
import {
  btc,
  candle,
  deadlocks,
  entries,
  held,
  noon,
  openTestStore,
  prediction,
  type TestStore,
  version,
} from '../../../support/store/database.ts'

const lane = { coin: btc, family: 'linear' }
const at = (i: number): number => noon + i * minuteMs

async function stage(served = 1): Promise<{ store: TestStore; journal: LaneJournal }> {
  const store = await openTestStore()
  if (served > 0) await version(store, { slot: 'v1' })
  return { store, journal: openJournal(store) }
}

const operator = (to: Version) => ({ to, askedBy: 'operator', revision: 0 }) as const

async function swapTo(journal: LaneJournal, to: Version, i: number): Promise<Swap> {
  const swap = await journal.open(operator(to))
  await journal.begin(swap.id, at(i - 1))
  await journal.cut(swap.id, at(i))
  return journal.end(swap.id, 'done', null)
}

async function slotsNow(journal: LaneJournal): Promise<string> {
  return held((await journal.lane(lane)).pointers)
}

async function statesOf(store: TestStore): Promise<string> {
  const rows = await store.sql<{ number: number; state: string }[]>`
    select number, state from version order by number`
  return rows.map(({ number, state }) => `${number}:${state}`).join(' ')
}

test('a cut moves v2 ← v3, v3 ← the new one and leaves the first pinned; done twice, it is done once', async () => {
  const { store, journal } = await stage()
  const made = [await version(store), await version(store), await version(store)]
  const [two, three, four] = made as [Version, Version, Version]
  await swapTo(journal, two, 10)
  assert.equal(await slotsNow(journal), 'v1:1 v2:1 v3:2')
  await swapTo(journal, three, 20)
  assert.equal(await slotsNow(journal), 'v1:1 v2:2 v3:3')
  const swap = await journal.open(operator(four))
  await journal.begin(swap.id, at(29))
  const cut = await journal.cut(swap.id, at(30))
  assert.equal(await slotsNow(journal), 'v1:1 v2:3 v3:4')
  assert.deepEqual(await journal.cut(swap.id, at(31)), cut)
  const { pointers } = await journal.lane(lane)
  assert.equal(await statesOf(store), '1:serving 2:draining 3:serving 4:serving')
  await journal.archive(two, null)
  assert.equal(await statesOf(store), '1:serving 2:archived 3:serving 4:serving')
  const lastWeek = pointers.filter(
    (it) => it.slot === 'v3' && it.from <= at(15) && (it.until ?? Infinity) > at(15),
  )
  assert.deepEqual(
    lastWeek.map((it) => it.version),
    [2],
  )
})

test('a lane without any version has its first in v1', async () => {
  const { store, journal } = await stage(0)
  const first = await version(store)
  await swapTo(journal, first, 10)
  assert.equal(await slotsNow(journal), 'v1:1')
  assert.equal((await journal.lane(lane)).fallBackTo, null)
  await assert.rejects(back(journal, 20), { code: 'rollback.state' })
})

const back = (journal: LaneJournal, i: number, kind: 'rollback' | 'fallback' = 'rollback') =>
  journal.goBack({ lane, kind, at: at(i), reason: 'a test', revision: 0 })

test('a rollback is one step back, a second one goes one further, and a new swap goes on from there', async () => {
  const { store, journal } = await stage()
  const [two, three, four] = [await version(store), await version(store), await version(store)]
  await swapTo(journal, two, 10)
  await swapTo(journal, three, 20)
  const first = await back(journal, 30)
  assert.equal(await slotsNow(journal), 'v1:1 v2:1 v3:2')
  assert.deepEqual([first.kind, first.from?.version, first.to.version], ['rollback', 3, 2])
  const second = await back(journal, 31)
  assert.equal(await slotsNow(journal), 'v1:1')
  assert.ok(second.generation > first.generation)
  await assert.rejects(back(journal, 32), { code: 'rollback.state' })
  assert.equal(await statesOf(store), '1:serving 2:draining 3:draining 4:announced')
  await swapTo(journal, four, 40)
  assert.equal(await slotsNow(journal), 'v1:1 v2:1 v3:4')
})

test('when a slot was given and taken is known by the wall, beside the candles of it', async () => {
  const { store, journal } = await stage()
  const two = await version(store)
  const { transitions } = await swapTo(journal, two, 10)
  const { transitions: undone } = await back(journal, 20)
  const enteredAt = transitions.find(({ stage }) => stage === 'serving')?.at
  const leftAt = undone.find(({ stage }) => stage === 'serving')?.at
  assert.ok(enteredAt && leftAt && enteredAt < leftAt)
  const tenure = { from: at(10), until: at(20), enteredAt, leftAt }
  assert.deepEqual(await readTenures(store.sql, two), [{ slot: 'v3', ...tenure }])
  assert.deepEqual(await readTenures(store.sql, { ...lane, version: 1 }), [
    { slot: 'v1', from: noon, until: null, enteredAt: null, leftAt: null },
    { slot: 'v2', ...tenure },
  ])
})

test('a rollback at the candle of the cut leaves the history as if nothing had been cut', async () => {
  const { store, journal } = await stage()
  const before = (await journal.lane(lane)).pointers
  const two = await version(store)
  const swap = await journal.open(operator(two))
  await journal.begin(swap.id, at(9))
  await journal.cut(swap.id, at(10))
  await back(journal, 10)
  assert.deepEqual((await journal.lane(lane)).pointers, before)
})

test('a rollback that waited for the store until nobody waits for it moves nothing', async () => {
  const { store, journal } = await stage()
  await swapTo(journal, await version(store), 10)
  const [caller, holding, held] = [
    new AbortController(),
    Promise.withResolvers<void>(),
    Promise.withResolvers<void>(),
  ]
  const laneId = await store.names.lane(lane)
  const other = store.sql.begin(async (tx) => {
    await tx`select from lane where id = ${laneId} for update`
    held.resolve()
    await holding.promise
  })
  await held.promise
  const { signal } = caller
  const how = { lane, kind: 'rollback', at: at(20), reason: 'a test', revision: 0 } as const
  const late = assert.rejects(journal.goBack({ ...how, signal }), { code: 'rollback.late' })
  caller.abort()
  holding.resolve()
  await Promise.all([other, late])
  assert.equal(await slotsNow(journal), 'v1:1 v2:1 v3:2')
  await back(journal, 20)
  assert.equal(await slotsNow(journal), 'v1:1')
})

test('a rollback in the middle of a swap gives that swap up, and what waits behind it too', async () => {
  const { store, journal } = await stage()
  const [two, three, four] = [await version(store), await version(store), await version(store)]
  await swapTo(journal, two, 10)
  const running = await journal.open(operator(three))
  await journal.begin(running.id, at(19))
  await journal.open(operator(four))
  const { overtaken } = await back(journal, 20)
  assert.deepEqual(
    overtaken.map(({ to, state, reason }) => [to.version, state, reason]),
    [3, 4].map((it) => [it, 'overtaken', 'a rollback came first']),
  )
  assert.equal(await slotsNow(journal), 'v1:1')
  const swaps = await readSwaps(store.sql, { coin: btc })
  assert.deepEqual(
    swaps.map(({ to, state }) => `${to.version} ${state}`),
    ['1 running', '4 overtaken', '3 overtaken', '2 done'],
  )
  await assert.rejects(journal.cut(running.id, at(21)), { code: 'swap.state' })
})

test('a lane under a swap takes no second one: the newest waits, the overtaken is recorded', async () => {
  const { store, journal } = await stage()
  const [two, three, four] = [await version(store), await version(store), await version(store)]
  const running = await journal.open(operator(two))
  await journal.begin(running.id, at(9))
  const waiting = await journal.open(operator(three))
  const newest = await journal.open(operator(four))
  const record = await journal.lane(lane)
  assert.deepEqual(
    record.swaps.map(({ id, state }) => `${id} ${state}`),
    [`${running.id} running`, `${newest.id} waiting`],
  )
  const [overtaken] = await readSwaps(store.sql, { id: waiting.id })
  assert.deepEqual(
    [overtaken?.state, overtaken?.reason],
    ['overtaken', `swap ${newest.id} came after it`],
  )
  assert.deepEqual(newest.overtaken, [overtaken])
})

test('the registry repeating itself opens one swap; a rollback deals with what it said before', async () => {
  const { store, journal } = await stage()
  const two = await version(store)
  const wish = { to: two, askedBy: 'registry', revision: 4 } as const
  const swap = await journal.open(wish)
  assert.equal((await journal.open(wish)).id, swap.id)
  await journal.begin(swap.id, at(9))
  await journal.cut(swap.id, at(10))
  await journal.end(swap.id, 'done', null)
  await journal.goBack({ lane, kind: 'rollback', at: at(20), reason: 'a test', revision: 5 })
  assert.equal((await journal.lane(lane)).handled, 5)
})

test('a swap to what serves already is done at once', async () => {
  const { journal } = await stage()
  const swap = await journal.open(operator({ ...lane, version: 1 }))
  assert.deepEqual([swap.state, swap.reason], ['done', 'it serves already'])
})

test('a cut for a candle that is in the ledger already is refused, and so is one after the slots moved', async () => {
  const { store, journal } = await stage()
  const two = await version(store)
  await store.write.commit([{ type: 'position', coin: btc, at: at(11) }], () => at(11))
  const swap = await journal.open(operator(two))
  await journal.begin(swap.id, at(9))
  await assert.rejects(journal.cut(swap.id, at(10)), { code: 'swap.late', retryable: true })
  assert.equal(await slotsNow(journal), 'v1:1')
  await journal.cut(swap.id, at(11))
  assert.equal(await slotsNow(journal), 'v1:1 v2:1 v3:2')
})

test('a fallback goes back as far as it takes to stand on a version that is well', async () => {
  const { store, journal } = await stage()
  const [two, three] = [await version(store), await version(store)]
  await swapTo(journal, two, 10)
  await swapTo(journal, three, 20)
  await journal.note(two, 'quarantined', 'it crashes')
  await journal.note(three, 'quarantined', 'it crashes too')
  assert.equal((await journal.lane(lane)).fallBackTo?.version, 1)
  const swap = await back(journal, 30, 'fallback')
  assert.deepEqual([swap.kind, swap.askedBy, swap.to.version], ['fallback', 'fleet', 1])
  assert.equal(await slotsNow(journal), 'v1:1')
})

test('a step back needs the artifact of the newest alone; the pinned one stands in for a previous one that is gone', async () => {
  const goneTo = async (kind: 'rollback' | 'fallback', ...removed: readonly number[]) => {
    const { store, journal } = await stage()
    const made = [await version(store), await version(store), await version(store)]
    for (const [i, one] of made.entries()) await swapTo(journal, one, 10 * (i + 1))
    await store.sql`
      update version set state = 'archived', removed_at = clock_timestamp() where number in ${store.sql(removed)}`
    await journal.note({ ...lane, version: 4 }, 'quarantined', 'it crashes')
    const { fallBackTo } = await journal.lane(lane)
    const { to } = await back(journal, 50, kind)
    if (kind === 'fallback') assert.equal(to.version, fallBackTo?.version)
    return slotsNow(journal)
  }
  assert.equal(await goneTo('fallback', 2), 'v1:1 v2:1 v3:3')
  assert.equal(await goneTo('rollback', 2), 'v1:1 v2:1 v3:3')
  assert.equal(await goneTo('fallback', 1), 'v1:2 v2:2 v3:3')
  assert.equal(await goneTo('fallback', 1, 2), 'v1:3 v2:3 v3:3')
  assert.equal(await goneTo('fallback', 2, 3), 'v1:1')
  await assert.rejects(goneTo('rollback', 3), { code: 'rollback.state' })
})

test('every stage is written once in a swap, and the verdict is renewed after the shadow', async () => {
  const { store, journal } = await stage()
  const two = await version(store)
  const swap = await journal.open({ to: two, askedBy: 'registry', revision: 1 })
  await journal.begin(swap.id, at(1))
  const verdict: Verdict = {
    verdict: 'passed',
    profile: 'open',
    reasons: [],
    candles: 9,
    from: '',
    to: '',
  }
  for (const stage of ['fetched', 'verified', 'loaded', 'warmed'] as const) {
    await journal.write(swap.id, two, stage, at(1))
    await journal.write(swap.id, two, stage, at(2))
  }
  await journal.judged(swap.id, verdict, at(3))
  await journal.write(swap.id, two, 'shadowing', at(4))
  await journal.judged(swap.id, { ...verdict, candles: 10 }, at(5))
  const [told] = (await journal.lane(lane)).swaps
  assert.deepEqual([told?.verdict?.candles, told?.renewed?.candles], [9, 10])
  assert.deepEqual(
    told?.transitions.map(({ stage, candleAt }) => [stage, candleAt]),
    [
      ['announced', at(1)],
      ['fetched', at(1)],
      ['verified', at(1)],
      ['loaded', at(1)],
      ['warmed', at(1)],
      ['judged', at(3)],
      ['shadowing', at(4)],
    ],
  )
  assert.deepEqual(
    (await journal.lane(lane)).stages.map(({ stage }) => stage),
    ['serving', 'shadowing'],
  )
  const rejected = await journal.end(swap.id, 'rejected', 'not good enough')
  assert.equal(rejected.reason, 'not good enough')
  assert.equal((await readJournal(store.sql, two)).at(-1)?.stage, 'rejected')
})

test("a person's order stands on the swap, and what the gate said of the version stays", async () => {
  const { store, journal } = await stage()
  const two = await version(store)
  const [refused, exempt] = (['refused', 'exempt'] as const).map(
    (verdict): Verdict => ({
      ...{ verdict, profile: 'open', reasons: [], candles: 0, from: null, to: null },
    }),
  ) as [Verdict, Verdict]
  await giveVerdict(store.sql, store.names, two, refused)
  const swap = await journal.open(operator(two))
  await journal.begin(swap.id, at(1))
  const judged = await journal.judged(swap.id, exempt, at(1))
  assert.equal(judged.verdict?.verdict, 'exempt')
  assert.equal((await verdictOf(store.sql, store.names, two))?.verdict, 'refused')
})

test('what a swap missed and what it answered twice is counted slot by slot', async () => {
  const { store, journal } = await stage()
  const one = { ...lane, version: 1 }
  const two = await version(store)
  const swap = await journal.open(operator(two))
  await journal.begin(swap.id, at(1))
  await journal.cut(swap.id, at(3))
  const candles = [0, 1, 2, 3].map((i) => ({ type: 'candle', candle: candle(i) }) as const)
  await store.write.commit(candles, () => at(4))
  store.wallNow = noon + 250
  const answers = [prediction(one, 1), prediction(one, 3), prediction(two, 2)]
  await store.write.commit(entries(...answers), () => at(4))
  const done = await journal.end(swap.id, 'done', null)
  // Candle 2 of v1 and candle 3 of v3; candle 3 of v1 and v2 is there, and what 2 said in the shadow counts for nothing.
  assert.deepEqual([done.missed, done.twice], [2, 0])
})

test('a swap that begins while another is ordered waits for it, and not in a circle', async () => {
  const { store, journal } = await stage()
  const [two, three] = [await version(store), await version(store)]
  for (let round = 0; round < 60; round++) {
    const first = await journal.open(operator(two))
    const [, second] = await Promise.all([
      journal.begin(first.id, at(1)),
      journal.open(operator(three)),
    ])
    await journal.end(first.id, 'overtaken', null)
    await journal.end(second.id, 'overtaken', null)
  }
  assert.equal(await deadlocks(store), 0)
})
