import assert from 'node:assert/strict'
import { test } from 'node:test'
import { score } from '../../models/score.ts'
import type { ScoreSums } from '../../models/score-sums.ts'

const nothing: ScoreSums = {
  day: 0,
  n: 0,
  confusion: [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ],
  logLossSum: 0,
  brierSum: 0,
  calibration: Array.from({ length: 10 }, () => ({ n: 0, confidence: 0, right: 0 })),
  profitSum: 0,
  profitSquareSum: 0,
  profitHigh: 0,
  profitLow: 0,
  profitFall: 0,
  squaredErrorSum: 0,
  absoluteErrorSum: 0,
  actualSum: 0,
  actualSquareSum: 0,
  valueSum: 0,
  valueSquareSum: 0,
  valueActualSum: 0,
  naiveSquaredErrorSum: 0,
  naiveAbsoluteErrorSum: 0,
}

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
