import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rollingScores, score } from '../../../models/scores/score.ts'
import { emptyDay, type ScoreSums } from '../../../models/scores/sums.ts'
import { worseThan } from '../../../models/scores/versus.ts'

const nothing = emptyDay(0)

function graded(
  confusion: readonly (readonly number[])[],
  change: Partial<ScoreSums> = {},
): ScoreSums {
  const n = confusion.flat().reduce((a, b) => a + b, 0)
  const calibration = nothing.calibration.map((bin, i) =>
    i === 6 ? { n, confidence: 0.65 * n, right: n / 2 } : bin,
  )
  return { ...nothing, n, confusion, calibration, ...change }
}

const near = (a: number | null | undefined, b: number): void =>
  assert.ok(Math.abs((a ?? Number.NaN) - b) < 1e-12, `${a} is not ${b}`)

test('no rows have no scores', () => {
  const none = { classes: null, values: null, trading: null }
  for (const days of [[], [nothing]])
    assert.deepEqual(score(days), {
      ...{ n: 0, days: 0, ...none, baseline: { ...none, frequencies: 'same_rows' } },
      versus: {
        ...{ accuracy: null, logLoss: null, brier: null },
        ...{ squaredError: null, absoluteError: null, profit: null },
      },
    })
})

test('a classifier is scored from its confusion, beside the most frequent class and the frequencies', () => {
  const scores = score([
    graded(
      [
        [2, 1, 0],
        [1, 4, 1],
        [0, 1, 0],
      ],
      { logLossSum: 9, brierSum: 5 },
    ),
  ])
  near(scores.classes?.accuracy, 6 / 10)
  near(scores.classes?.balancedAccuracy, (2 / 3 + 4 / 6 + 0) / 3)
  near(scores.classes?.f1.sell, 4 / 6)
  near(scores.classes?.f1.hold, 8 / 12)
  near(scores.classes?.f1.buy, 0)
  near(scores.classes?.logLoss, 0.9)
  near(scores.classes?.brier, 0.5)
  near(scores.classes?.ece, 0.15)
  assert.equal(scores.classes?.calibration.length, 1)
  near(scores.baseline.classes?.accuracy, 0.6)
  near(scores.baseline.classes?.balancedAccuracy, 1 / 3)
  near(
    scores.baseline.classes?.logLoss,
    -(0.3 * Math.log(0.3) + 0.6 * Math.log(0.6) + 0.1 * Math.log(0.1)),
  )
  near(scores.baseline.classes?.brier, 1 - 0.09 - 0.36 - 0.01)
})

test('a class that neither occurred nor was said has no F1 and no part in the balance', () => {
  const scores = score([
    graded([
      [3, 0, 0],
      [1, 1, 0],
      [0, 0, 0],
    ]),
  ])
  assert.equal(scores.classes?.f1.buy, null)
  near(scores.classes?.balancedAccuracy, (1 + 0.5) / 2)
})

test('profit is summed by day over every mode, and its Sharpe ratio is a year of such days', () => {
  const all = [
    [1, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ]
  const day = (of: number, profitSum: number): ScoreSums => graded(all, { day: of, profitSum })
  const trading = score([day(1, 0.01), day(1, 0.01), day(2, -0.01), day(3, 0.03)]).trading
  near(trading?.profit, 0.04)
  near(trading?.profitMean, 0.01)
  const mean = 0.04 / 3
  const deviation = Math.sqrt(((0.02 - mean) ** 2 + (-0.01 - mean) ** 2 + (0.03 - mean) ** 2) / 2)
  near(trading?.sharpe, (mean / deviation) * Math.sqrt(365))
  assert.equal(trading?.days, 3)
  assert.equal(score([day(1, 0.01)]).trading?.sharpe, null)
  assert.equal(score([day(1, 0), day(2, 0)]).trading?.sharpe, null)
})

test('values are scored against their mean, their correlation and the last value', () => {
  const said = [1, 2, 4]
  const came = [1, 3, 4]
  const total = (list: readonly number[]): number => list.reduce((a, b) => a + b, 0)
  const error = said.map((it, i) => it - (came[i] as number))
  const scores = score([
    {
      ...nothing,
      n: 3,
      squaredErrorSum: total(error.map((it) => it * it)),
      absoluteErrorSum: total(error.map(Math.abs)),
      actualSum: total(came),
      actualSquareSum: total(came.map((it) => it * it)),
      valueSum: total(said),
      valueSquareSum: total(said.map((it) => it * it)),
      valueActualSum: total(said.map((it, i) => it * (came[i] as number))),
      naiveSquaredErrorSum: 12,
      naiveAbsoluteErrorSum: 6,
    },
  ])
  assert.equal(scores.classes, null)
  assert.equal(scores.trading, null)
  near(scores.values?.rmse, Math.sqrt(1 / 3))
  near(scores.values?.mae, 1 / 3)
  const spread = total(came.map((it) => (it - 8 / 3) ** 2))
  near(scores.values?.r2, 1 - 1 / spread)
  const saidSpread = total(said.map((it) => (it - 7 / 3) ** 2))
  const together = total(said.map((it, i) => (it - 7 / 3) * ((came[i] as number) - 8 / 3)))
  near(scores.values?.ic, together / Math.sqrt(spread * saidSpread))
  near(scores.baseline.values?.rmse, 2)
  near(scores.baseline.values?.mae, 2)
})

test('no skill says what the training rows were, where that is known', () => {
  const days = [
    graded(
      [
        [2, 0, 1],
        [0, 2, 0],
        [1, 0, 4],
      ],
      { logLossSum: 5 },
    ),
  ]
  const { baseline } = score(days, [100, 800, 100])
  assert.equal(baseline.frequencies, 'training')
  // Hold came most often in training, and two times of ten here.
  near(baseline.classes?.accuracy, 0.2)
  near(baseline.classes?.logLoss, -(0.8 * Math.log(0.1) + 0.2 * Math.log(0.8)))
  const shares = [0.1, 0.8, 0.1] as const
  const brier = (came: 0 | 1 | 2): number =>
    shares.reduce((sum, p, i) => sum + (p - (i === came ? 1 : 0)) ** 2, 0)
  near(baseline.classes?.brier, 0.3 * brier(0) + 0.2 * brier(1) + 0.5 * brier(2))
  // Shares say the same as counts, and a class that was never trained on costs much, not everything.
  assert.equal(score(days, [0.1, 0.8, 0.1]).baseline.classes?.logLoss, baseline.classes?.logLoss)
  const never = score(days, [0, 900, 100]).baseline.classes?.logLoss ?? Infinity
  assert.ok(never > 2 && never < 10, `${never}`)
})

test('each measure that adds up is tested against no skill, day by day', () => {
  const days = Array.from({ length: 8 }, (_, i) =>
    graded(
      [
        [40, 0, 10],
        [0, 0, 0],
        [10, 0, 40],
      ],
      {
        ...{ day: i * 86_400_000, logLossSum: 50 + i, brierSum: 30 + (i % 3) },
        profitSum: -1 - 0.1 * i,
      },
    ),
  )
  const { versus } = score(days, [50, 0, 50])
  for (const better of [versus.logLoss, versus.brier])
    assert.ok((better?.p ?? 1) <= 0.01 && (better?.mean ?? 0) < 0, JSON.stringify(better))
  assert.ok((versus.profit?.p ?? 0) > 0.99 && (versus.profit?.mean ?? 0) < 0)
  // Every day is right as often: nothing varies, so nothing can be told.
  assert.deepEqual([versus.accuracy?.mean, versus.accuracy?.p], [0.3, null])
  assert.equal(versus.squaredError, null)
  assert.equal(score(days.slice(0, 4), [50, 0, 50]).versus.logLoss?.p, null)
})

test('a first or a last day of a few minutes is no day of its own to a test: it goes with its neighbour', () => {
  const day = (i: number, share: number): ScoreSums =>
    graded(
      [
        [40 * share, 0, 10 * share],
        [0, 0, 0],
        [10 * share, 0, 40 * share],
      ],
      { day: i * 86_400_000, logLossSum: (50 + (i % 5)) * share },
    )
  const days = Array.from({ length: 6 }, (_, i) => day(i + 1, 1))
  const pOf = (sums: readonly ScoreSums[]) => score(sums, [50, 0, 50]).versus.logLoss?.p ?? 1
  for (const cut of [days, [day(0, 0.1), ...days], [...days, day(7, 0.1)], [...days, day(7, 0.4)]])
    assert.ok(pOf(cut) <= 0.01, `${pOf(cut)}`)
  const better = days.map((it, i) => ({ ...it, logLossSum: it.logLossSum - 2 - i / 10 }))
  const worse = worseThan([...days, day(7, 0.1)], [...better, day(7, 0.1)], 'logLoss')?.p
  assert.ok((worse ?? 1) <= 0.01, `${worse}`)
})

test('windows of days end one after the other, the first when it is whole', () => {
  const dayMs = 86_400_000
  const all = [
    [3, 0, 1],
    [0, 0, 0],
    [0, 0, 0],
  ]
  const days = [0, 1, 2, 4, 6].map((i) => graded(all, { day: i * dayMs, profitSum: i }))
  const windows = rollingScores(days, 3 * dayMs)
  assert.deepEqual(
    windows.map(({ from, to, scores }) => [from / dayMs, to / dayMs, scores.days]),
    [
      [0, 3, 3],
      [1, 4, 2],
      [2, 5, 2],
      [3, 6, 1],
      [4, 7, 2],
    ],
  )
  near(windows[0]?.scores.trading?.profit, 3)
  assert.equal(rollingScores(days, 30 * dayMs).length, 1)
  assert.deepEqual(rollingScores([], dayMs), [])
})

test('turnover counts both ways of every position, and drawdown runs over days', () => {
  const said = (day: number, sums: Partial<ScoreSums>): ScoreSums =>
    graded(
      [
        [1, 2, 0],
        [0, 3, 1],
        [0, 0, 1],
      ],
      { day: day * 86_400_000, ...sums },
    )
  const { trading } = score([
    said(0, { profitSum: 2, profitHigh: 3, profitLow: 0, profitFall: 1 }),
    said(1, { profitSum: -3, profitHigh: 0.5, profitLow: -4, profitFall: 4 }),
    said(2, { profitSum: 1, profitHigh: 1, profitLow: -2, profitFall: 2 }),
  ])
  // Three of eight are no hold: two ways each, three days.
  assert.deepEqual([trading?.trades, trading?.turnover], [9, 6])
  // The high of 3 on the first day, the low on the second: 2 − 4; on the third −1 − 2.
  near(trading?.drawdown, 6)
})
