import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ledgerSheet } from '../../../../models/judging/ledger-sheet.ts'
import type { Prediction, Signal } from '../../../../models/prediction.ts'
import { DayTally } from '../../../../models/scores/day-tally.ts'
import { score } from '../../../../models/scores/score.ts'
import type { ScoreSums } from '../../../../models/scores/sums.ts'
import { profitOf } from '../../../../models/scores/trading.ts'
import type { Version } from '../../../../models/version.ts'
import { randomFrom } from '../../../../streams/random.ts'
import { dayMs, minuteMs } from '../../../../streams/time.ts'
import {
  blank,
  btc,
  candle,
  manifest,
  noon,
  prediction,
  version,
} from '../../../support/store/database.ts'
import {
  at,
  horizon,
  type ScoredLedger,
  scoredLedger,
  twoAhead,
} from '../../../support/store/scored-ledger.ts'

const costs = { fee: 0.001, slippage: 0.0005 }
const minutes = 3 * 1440
const random = randomFrom('day sums')
const closes = Array.from({ length: minutes }, () => 100 * Math.exp(0.01 * random.normal()))

/** Candles from noon on, as if both had been there: closes jump about. */
async function market({ store }: ScoredLedger): Promise<void> {
  await store.write.writeHistory(closes.map((close, i) => candle(i, { close })))
}

function saying(who: Version, seed: string, skip = 0): readonly Prediction[] {
  const chance = randomFrom(seed)
  const due = { horizonMs: horizon * minuteMs, asked: 'backfill' } as const
  return Array.from({ length: minutes - horizon }, (_, i) => {
    const [a, b] = [0.05 + 0.4 * chance.uniform(), 0.05 + 0.4 * chance.uniform()]
    const probabilities = { sell: a, hold: b, buy: 1 - a - b }
    const names = ['sell', 'hold', 'buy'] as const
    const signal = names.toSorted((x, y) => probabilities[y] - probabilities[x])[0] as Signal
    return prediction(who, i, { ...due, probabilities, signal, inSample: i < 100 })
  }).filter((_, i) => skip === 0 || i % skip !== 0)
}

function tallied(list: readonly Prediction[]): readonly ScoreSums[] {
  const tally = new DayTally()
  for (const it of list) {
    if (it.inSample) continue
    const i = (it.openAt - noon) / minuteMs
    const change = (closes[i + horizon] as number) / (closes[i] as number) - 1
    const label = change >= 0.01 ? 'buy' : change <= -0.01 ? 'sell' : 'hold'
    const profit = profitOf(it.signal as Signal, change, costs)
    tally.add(it.openAt, it, { actual: change, naive: 0, label, profit })
  }
  return tally.days()
}

test('what has values and no probabilities is scored by its values alone', async () => {
  const plan = { task: 'regress', horizonCandles: horizon, label: { kind: 'volatility' } } as const
  const ledger = await scoredLedger(0.001, manifest(plan))
  const { store, who, say, resolve } = ledger
  await market(ledger)
  const valued = { signal: null, probabilities: null, value: 0.01, asked: 'backfill' } as const
  const until = 2 * 1440
  await say(...Array.from({ length: until }, (_, i) => prediction(who, i, valued)))
  await resolve()
  const days = await store.reads.daySums({})
  assert.ok(days.reduce((sum, { n }) => sum + n, 0) > 1440)
  for (const { calibration, logLossSum, squaredErrorSum } of days) {
    assert.deepEqual([calibration.reduce((sum, { n }) => sum + n, 0), logLossSum], [0, 0])
    assert.ok(squaredErrorSum > 0)
  }
  const { classes, values, baseline } = score(days, null)
  assert.equal(classes, null)
  assert.ok(values && baseline.values && values.rmse > 0)
  const { challenger } = await store.reads.pairedSums(who, who, {})
  assert.equal(ledgerSheet({ ...sheet, days: challenger }).task, 'regress')
})

const sheet = {
  subject: 'it',
  sha256: null,
  from: 0,
  to: 0,
  coverage: { candles: 0, answered: 0 },
  frequencies: null,
  inferenceMs: null,
  trials: 1,
}

function assertEqualSums(found: readonly ScoreSums[], expected: readonly ScoreSums[]): void {
  assert.equal(found.length, expected.length)
  const numbers = (it: ScoreSums): readonly number[] =>
    Object.entries(it)
      .filter(([key]) => key in (expected[0] as object))
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([, value]) => (typeof value === 'number' ? [value] : flat(value)))
  for (const [day, it] of found.entries()) {
    const others = numbers(expected[day] as ScoreSums)
    for (const [i, value] of numbers(it).entries()) {
      const other = others[i] as number
      const far = Math.abs(value - other) > 1e-9 * Math.max(1, Math.abs(other))
      assert.ok(!far, `day ${day}, number ${i}: ${value} is not ${other}`)
    }
  }
}

function flat(value: unknown): readonly number[] {
  if (typeof value === 'number') return [value]
  return Object.values(value as object).flatMap(flat)
}

const cost = costs.fee + costs.slippage

test('the database and an evaluation make the same sums of the same rows', async () => {
  const ledger = await scoredLedger(cost)
  const { store, who } = ledger
  const list = saying(who, 'one')
  await market(ledger)
  await ledger.say(...list)
  await ledger.resolve()
  const expected = tallied(list)
  // Whole days before the mark come from the table, and the last from rows; cut by a minute, all come from rows.
  assertEqualSums(await store.reads.daySums({}), expected)
  assertEqualSums(await store.reads.daySums({ from: noon, to: at(minutes) }), expected)
})

test('the drawdown of sums is that of the profits one by one', async () => {
  const list = saying({ coin: btc, family: 'linear', version: 1 }, 'two')
  let [balance, high, fall] = [0, 0, 0]
  for (const it of list.filter(({ inSample }) => !inSample)) {
    const i = (it.openAt - noon) / minuteMs
    const change = (closes[i + horizon] as number) / (closes[i] as number) - 1
    balance += profitOf(it.signal as Signal, change, costs)
    high = Math.max(high, balance)
    fall = Math.max(fall, high - balance)
  }
  const { trading } = score(tallied(list))
  assert.ok(Math.abs((trading?.drawdown ?? 0) - fall) < 1e-9, `${trading?.drawdown} is not ${fall}`)
  assert.ok(Math.abs((trading?.profit ?? 0) - balance) < 1e-9)
})

test('two versions are summed over the candles that both answered, and over no other', async () => {
  const ledger = await scoredLedger(cost)
  const { store, who: one } = ledger
  const other = await version(store, { manifest: twoAhead })
  const [mine, theirs] = [saying(one, 'one', 3), saying(other, 'two', 5)]
  await market(ledger)
  await ledger.say(...mine, ...theirs)
  await ledger.resolve()
  const answered = (list: readonly Prediction[]) => new Set(list.map((it) => it.openAt))
  const shared = (list: readonly Prediction[], by: readonly Prediction[]) =>
    tallied(list.filter((it) => answered(by).has(it.openAt)))
  const found = await store.reads.pairedSums(one, other, {})
  assertEqualSums(found.challenger, shared(mine, theirs))
  assertEqualSums(found.incumbent, shared(theirs, mine))
  assert.deepEqual(found.inferenceMs, { p50: 0.5, p95: 0.5 })
  const day = { from: Date.UTC(2026, 5, 3), to: Date.UTC(2026, 5, 4) }
  const within = await store.reads.pairedSums(one, other, day)
  assert.deepEqual(
    within.challenger.map((it) => it.day),
    [day.from],
  )
})

test('coverage counts what could have been answered: no empty candle, none from before, none trained on', async () => {
  const ledger = await scoredLedger(cost)
  const { store, who } = ledger
  await market(ledger)
  await ledger.write(...[200, 201, 202].map((i) => blank(i, 'empty', { revision: 1 })))
  const list = saying(who, 'one').filter((it) => {
    const i = (it.openAt - noon) / minuteMs
    return i >= 50 && (i < 200 || i > 202) && i % 10 !== 7
  })
  await ledger.say(...list)
  await ledger.resolve()
  const mark = minutes - horizon
  const [all] = await store.reads.coverage({})
  const inSample = list.filter((it) => it.inSample).length
  const answered = list.length - inSample
  assert.deepEqual([all?.candles, all?.answered], [mark - 50 - 3 - inSample, answered])
  // In parts of days, in a day, and in nothing.
  const parts = [at(0), at(777), noon + dayMs, at(2222), at(minutes)]
  const counts = await Promise.all(
    parts.slice(1).map(async (to, i) => {
      const [it] = await store.reads.coverage({ from: parts[i] as number, to })
      return [it?.candles ?? 0, it?.answered ?? 0] as const
    }),
  )
  const sum = (i: 0 | 1): number => counts.reduce((total, it) => total + it[i], 0)
  assert.deepEqual([sum(0), sum(1)], [all?.candles, all?.answered])
  const none = await store.reads.coverage({ from: at(0), to: at(10) })
  assert.deepEqual([none[0]?.candles, none[0]?.answered], [0, 0])
})

test('a day on which nothing was answered is a day without coverage, not a day without candles', async () => {
  const ledger = await scoredLedger(cost)
  const { store, who } = ledger
  await market(ledger)
  const list = saying(who, 'one').filter(
    (it) => it.openAt < Date.UTC(2026, 5, 3) || it.openAt >= Date.UTC(2026, 5, 4),
  )
  await ledger.say(...list)
  await ledger.resolve()
  const day = { from: Date.UTC(2026, 5, 3), to: Date.UTC(2026, 5, 4) }
  const [found] = await store.reads.coverage(day)
  assert.deepEqual([found?.candles, found?.answered], [1440, 0])
})
