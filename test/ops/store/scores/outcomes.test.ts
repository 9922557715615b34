import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Version } from '../../../../models/version.ts'
import { dayMs, minuteMs } from '../../../../streams/time.ts'
import {
  blank,
  btc,
  candle,
  entries,
  manifest,
  noon,
  prediction,
  version,
} from '../../../support/store/database.ts'
import {
  at,
  type ScoredLedger,
  scoredLedger,
  twoAhead,
} from '../../../support/store/scored-ledger.ts'

const fee = 0.001

/** Candles with these closes from 0 on; `e` is empty, `m` missing. */
async function closes(to: ScoredLedger, ...list: readonly (number | 'e' | 'm')[]): Promise<void> {
  const made = list.map((close, i) => {
    if (close === 'e') return blank(i, 'empty')
    return close === 'm' ? blank(i, 'missing') : candle(i, { close })
  })
  await to.write(...made)
}

async function outcome({ store }: ScoredLedger, who: Version, i: number) {
  return (await store.reads.prediction(who, at(i)))?.outcome ?? null
}

test('an outcome waits for the candle that closes a horizon later', async () => {
  const ledger = await scoredLedger(fee)
  const { who } = ledger
  await ledger.say(prediction(who, 0))
  await closes(ledger, 100, 101)
  assert.equal(await ledger.resolve(), 0)
  await ledger.write(candle(2, { close: 103 }))
  assert.equal(await ledger.resolve(), 1)
  assert.equal(await ledger.resolve(), 0)
  const found = await outcome(ledger, who, 0)
  assert.deepEqual(found, {
    resolvedAt: at(3),
    return: 103 / 100 - 1,
    label: 'buy',
    correct: true,
    profit: 103 / 100 - 1 - 2 * fee,
  })
})

const labels: readonly [
  close: number,
  signal: 'buy' | 'hold' | 'sell',
  label: string,
  position: number,
][] = [
  [101, 'buy', 'buy', 1],
  [100.9, 'buy', 'hold', 1],
  [99, 'sell', 'sell', -1],
  [98, 'buy', 'sell', 1],
  [102, 'sell', 'buy', -1],
  [105, 'hold', 'buy', 0],
]
test('the label says what the market did, and the profit what the signal made of it after fees', async (t) => {
  const ledger = await scoredLedger(fee)
  const { store } = ledger
  for (const [close, signal, label, position] of labels)
    await t.test(`${signal} before a close of ${close} is answered with ${label}`, async () => {
      await store.sql`truncate candle, prediction, outcome`
      const who = await version(store, { manifest: twoAhead })
      await ledger.say(prediction(who, 0, { signal }))
      await closes(ledger, 100, 100, close)
      await ledger.resolve()
      const found = await outcome(ledger, who, 0)
      const change = close / 100 - 1
      assert.deepEqual(
        [found?.label, found?.correct, found?.profit],
        [label, label === signal, position === 0 ? 0 : position * change - 2 * fee],
      )
    })
})

test('a close is carried over empty minutes, and unknown over missing ones until they heal', async () => {
  const ledger = await scoredLedger(fee)
  const { who } = ledger
  await ledger.say(...[0, 1, 2, 3].map((i) => prediction(who, i)))
  // Ends at 2: carried from 1. Ends at 3: missing. Begins at 2, empty: carried from 1. Begins at 3: missing.
  await closes(ledger, 100, 110, 'e', 'm', 121, 130)
  assert.equal(await ledger.resolve(), 2)
  assert.equal((await outcome(ledger, who, 0))?.return, 110 / 100 - 1)
  assert.equal(await outcome(ledger, who, 1), null)
  assert.equal((await outcome(ledger, who, 2))?.return, 121 / 110 - 1)
  await ledger.write(candle(3, { close: 120, revision: 1 }))
  assert.equal(await ledger.resolve(), 2)
  assert.equal((await outcome(ledger, who, 1))?.return, 120 / 110 - 1)
  assert.equal((await outcome(ledger, who, 3))?.return, 130 / 120 - 1)
})

test('a corrected candle corrects the outcomes that stand on it, and the sums of their day', async () => {
  const ledger = await scoredLedger(fee)
  const { store, who } = ledger
  await ledger.say(...[0, 1].map((i) => prediction(who, i)))
  await closes(ledger, 100, 100, 100, 100)
  await ledger.resolve()
  await ledger.write(candle(2, { close: 150, revision: 1, state: 'corrected' }))
  assert.equal(await ledger.resolve(), 1)
  const [day] = await store.reads.daySums({})
  assert.equal(day?.n, 2)
  assert.ok(Math.abs((day?.profitSum ?? 0) - (0.5 - 4 * fee)) < 1e-12)
})

test('predictions added behind the mark are resolved too', async () => {
  const ledger = await scoredLedger(fee)
  const { store, who } = ledger
  await closes(ledger, 1, 2, 3, 4, 5)
  const due = { horizonMs: 2 * minuteMs }
  await store.write.commit(entries(prediction(who, 2, due)), () => at(5))
  assert.equal(await ledger.resolve(), 1)
  await store.write.commit(entries(prediction(who, 0, due)), () => at(5))
  assert.equal(await ledger.resolve(), 1)
})

test('a volatility is held against what the price did, whichever way, and against the time before', async () => {
  const plan = manifest({ horizonCandles: 2, task: 'regress', label: { kind: 'volatility' } })
  const ledger = await scoredLedger(fee, plan)
  const { store, who } = ledger
  const said = prediction(who, 2, { signal: null, probabilities: null, value: 0.03 })
  await ledger.say(said)
  await closes(ledger, 100, 101, 100, 102, 'e')
  await ledger.write(candle(5, { close: 7 }))
  await ledger.resolve()
  const found = await outcome(ledger, who, 2)
  assert.deepEqual([found?.label, found?.correct, found?.profit], [null, null, null])
  const [day] = await store.reads.daySums({})
  const actual = Math.log(102 / 100)
  const before = Math.hypot(Math.log(101 / 100), Math.log(100 / 101))
  assert.ok(Math.abs((day?.actualSum ?? 0) - actual) < 1e-12)
  assert.ok(Math.abs((day?.absoluteErrorSum ?? 0) - Math.abs(0.03 - actual)) < 1e-12)
  assert.ok(Math.abs((day?.naiveAbsoluteErrorSum ?? 0) - Math.abs(before - actual)) < 1e-12)
})

test('a day counts once, whether its mark lies before, in or after it, and when the mark moves back', async () => {
  const ledger = await scoredLedger(fee)
  const { store, who } = ledger
  const minutes = 2 * 1440
  await store.write.writeHistory(Array.from({ length: minutes }, (_, i) => candle(i)))
  const due = { horizonMs: 2 * minuteMs, asked: 'backfill' } as const
  const counts = async (): Promise<readonly number[]> =>
    (await store.reads.daySums({})).map((it) => it.n)
  const say = async (from: number, to: number): Promise<void> => {
    const list = Array.from({ length: to - from }, (_, i) => prediction(who, from + i, due))
    await store.write.commit(entries(...list), () => at(minutes))
  }
  await say(100, 719)
  await ledger.resolve()
  assert.deepEqual(await counts(), [619])
  // The next day begins at 720; then the mark has passed the first.
  await say(720, 730)
  await ledger.resolve()
  assert.deepEqual(await counts(), [619, 10])
  await say(0, 100)
  assert.deepEqual(await counts(), [619, 10])
  await ledger.resolve()
  assert.deepEqual(await counts(), [719, 10])
  await say(2200, 2210)
  await ledger.resolve()
  assert.deepEqual(await counts(), [719, 10, 10])
})

test('sums by day are the same from the table and from rows, and never over rows seen in training', async () => {
  const ledger = await scoredLedger(fee)
  const { store, who } = ledger
  const minutes = 3 * 1440
  const list = Array.from({ length: minutes }, (_, i) =>
    candle(i, { close: 100 * (1 + 0.02 * Math.sin(i * i)) }),
  )
  await store.write.writeHistory(list)
  const said = ['sell', 'hold', 'buy'] as const
  const predictions = Array.from({ length: minutes - 10 }, (_, i) => {
    const sell = (i % 10) / 20
    const probabilities = { sell, hold: 0.4, buy: 0.6 - sell }
    return prediction(who, i, {
      ...{ probabilities, signal: said[i % 3] as 'buy', inSample: i % 5 === 0 },
      asked: 'backfill',
    })
  })
  await ledger.say(...predictions)
  await ledger.resolve()
  const whole = await store.reads.daySums({ coin: btc, family: 'linear', version: 1 })
  assert.deepEqual(
    whole.map((it) => it.day),
    [0, 1, 2, 3].map((i) => Date.UTC(2026, 5, 2) + i * dayMs),
  )
  const inSample = predictions.filter((it) => it.inSample).length
  assert.equal(
    whole.reduce((n, it) => n + it.n, 0),
    predictions.length - inSample,
  )
  // The same days, but cut by a minute on which nothing lies: the sums come from rows.
  const cut = await store.reads.daySums({ from: noon, to: at(minutes) })
  assert.deepEqual(
    cut.map((it) => [it.day, it.n, it.confusion]),
    whole.map((it) => [it.day, it.n, it.confusion]),
  )
  const first = whole[0]
  const rows = predictions.filter((it) => !it.inSample && it.openAt < Date.UTC(2026, 5, 3))
  const label = (i: number): 'sell' | 'hold' | 'buy' => {
    const change = (list[i + 2]?.close as number) / (list[i]?.close as number) - 1
    if (change >= 0.01) return 'buy'
    return change <= -0.01 ? 'sell' : 'hold'
  }
  const loss = rows.reduce((sum, it) => {
    const p = it.probabilities?.[label((it.openAt - noon) / minuteMs)] as number
    return sum - Math.log(Math.max(p, 1e-15))
  }, 0)
  assert.ok(Math.abs((first?.logLossSum ?? 0) - loss) < 1e-6 * loss)
  assert.equal(
    first?.calibration.reduce((n, bin) => n + bin.n, 0),
    rows.length,
  )
  assert.deepEqual(await store.reads.daySums({ mode: 'live' }), [])
})
