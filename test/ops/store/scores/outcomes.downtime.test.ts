import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveOutcomes } from '../../../../ops/store/scores/outcomes.ts'
import { dayMs, minuteMs } from '../../../../streams/time.ts'
import {
  btc,
  candle,
  manifest,
  noon,
  prediction,
  type TestStore,
} from '../../../support/store/database.ts'
import { horizon, type ScoredLedger, scoredLedger } from '../../../support/store/scored-ledger.ts'

const cost = 0.0011
/** Longer than one transaction takes on, which is 31 days; a candle each hour keeps it quick. */
const days = 40
const step = 60
const plan = manifest({
  horizonCandles: horizon * step,
  label: { kind: 'threshold', up: 0.004, down: -0.004 },
})
const hours = days * 24
const at = (i: number): number => i * step

const ledger = (): Promise<ScoredLedger> => scoredLedger(cost, plan)

async function candles({ store }: ScoredLedger, from: number, to: number): Promise<void> {
  const list = Array.from({ length: to - from }, (_, i) =>
    candle(at(from + i), { close: 100 + Math.sin((from + i) * 3) }),
  )
  await store.write.writeHistory(list)
}

async function predict({ say, who }: ScoredLedger, from: number, to: number): Promise<void> {
  const due = { horizonMs: horizon * step * minuteMs, asked: 'backfill' } as const
  await say(...Array.from({ length: to - from }, (_, i) => prediction(who, at(from + i), due)))
}

interface Row {
  readonly open_at: number
  readonly return: number
  readonly profit: number
  readonly label: string
}

const rowsOf = (store: TestStore) =>
  store.sql<Row[]>`select open_at, return, profit, label from outcome order by open_at`

test('what a daemon that stood still for weeks owes is what one that never stood still has', async () => {
  const steady = await ledger()
  for (let day = 0; day < days; day++) {
    await candles(steady, day * 24, (day + 1) * 24)
    await predict(steady, day * 24, (day + 1) * 24)
    await steady.resolve()
  }
  const still = await ledger()
  await candles(still, 0, hours)
  await predict(still, 0, hours)
  assert.equal(await still.resolve(), hours - horizon)
  assert.deepEqual([...(await rowsOf(still.store))], [...(await rowsOf(steady.store))])
  assert.deepEqual(await still.store.reads.daySums({}), await steady.store.reads.daySums({}))
  assert.deepEqual(await still.store.reads.coverage({}), await steady.store.reads.coverage({}))
})

test('outcomes are resolved once: again and by two at a time nothing is added and nothing changes', async () => {
  const owing = await ledger()
  const { store, resolve } = owing
  await candles(owing, 0, hours)
  await predict(owing, 0, hours)
  const counts = await Promise.all([resolve(), resolve()])
  assert.equal(counts[0] + counts[1], hours - horizon)
  const [before, sums] = [await rowsOf(store), await store.reads.daySums({})]
  assert.equal(await resolve(), 0)
  assert.deepEqual([...(await rowsOf(store))], [...before])
  // Another cost from now on does not rewrite the past.
  await store.sql`update version set unresolved_from = '-infinity'`
  assert.equal(await resolveOutcomes(store, btc, 10 * cost), 0)
  assert.deepEqual([...(await rowsOf(store))], [...before])
  assert.deepEqual(await store.reads.daySums({}), sums)
})

test('candles that come only after the downtime bring the outcomes that waited for them', async () => {
  const owing = await ledger()
  const { store, resolve } = owing
  await candles(owing, 0, 24)
  await predict(owing, 0, 48)
  assert.equal(await resolve(), 24 - horizon)
  await candles(owing, 24, 48)
  assert.equal(await resolve(), 24)
  const [first] = await rowsOf(store)
  assert.equal(first?.open_at, noon)
  const last = (await rowsOf(store)).at(-1)
  assert.equal(last?.open_at, noon + 45 * 60 * minuteMs)
  assert.ok((last?.open_at ?? 0) < noon + 2 * dayMs)
})
