import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backtestOverfitting } from '../../../models/statistics/overfitting.ts'
import { randomFrom } from '../../../streams/random.ts'

const sum = (profits: readonly number[]): number => profits.reduce((a, b) => a + b, 0)

test('four parts of one period by hand: the winner of each half against the other half', () => {
  // A wins wherever it can look at the first two periods, B in the last two, C is ever between.
  const results = [
    [9, 8, 0, 1],
    [0, 1, 8, 9],
    [3, 3, 3, 3],
  ]
  const { logits, probability } = backtestOverfitting(results, 4, sum)
  // Inside {1,2} A has 17 and outside 1, the last of three: ω = 1/4. Inside {3,4} B the same. In every other split the
  // winner has 9 or 10 inside and is the second of three outside: ω = 1/2, no better than the median.
  const last = Math.log(1 / 3)
  assert.equal(logits.length, 6)
  for (const [i, expected] of [last, 0, 0, 0, 0, last].entries())
    assert.ok(Math.abs((logits[i] as number) - expected) < 1e-12)
  assert.equal(probability, 1)
})

test('equal ones share their ranks, and a winner above the median outside is not counted', () => {
  const results = [
    [4, 4, 4, 5],
    [1, 2, 1, 1],
    [3, 0, 2, 9],
  ]
  const { logits, probability } = backtestOverfitting(results, 4, sum)
  const ranks = [2, 2.5, 1, 2, 3, 1.5]
  for (const [i, rank] of ranks.entries()) {
    const omega = rank / 4
    assert.ok(Math.abs((logits[i] as number) - Math.log(omega / (1 - omega))) < 1e-12, `${i}`)
  }
  assert.equal(probability, 4 / 6)
})

test('of settings that differ by chance alone, the best of one half is as likely below the median as above it', () => {
  const random = randomFrom('overfitting')
  const shares = Array.from({ length: 60 }, () => {
    const noise = Array.from({ length: 12 }, () =>
      Array.from({ length: 96 }, () => random.normal()),
    )
    return backtestOverfitting(noise, 8).probability
  })
  const mean = sum(shares) / shares.length
  assert.ok(Math.abs(mean - 0.5) < 0.1, `${mean}`)
})

test('a setting that is better everywhere is no overfitting', () => {
  const random = randomFrom('skill')
  const results = Array.from({ length: 10 }, (_, i) =>
    Array.from({ length: 120 }, () => random.normal() + (i === 3 ? 1 : 0)),
  )
  assert.equal(backtestOverfitting(results, 10).probability, 0)
})

test('too few settings, too few periods and an odd number of parts are refused', () => {
  for (const [results, parts] of [
    [[[1, 2, 3, 4]], 4],
    [[[1], [2]], 2],
    [
      [
        [1, 2, 3],
        [3, 2, 1],
      ],
      3,
    ],
  ] as const)
    assert.throws(() => backtestOverfitting(results, parts), { code: 'overfitting.too_few' })
})
