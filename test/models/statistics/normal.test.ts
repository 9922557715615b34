import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalCdf, normalQuantile } from '../../../models/statistics/normal.ts'

const near = (found: number, expected: number, share = 1e-12): void =>
  assert.ok(Math.abs(found / expected - 1) < share, `${found} is not ${expected}`)

/** scipy.stats.norm.cdf, 17 digits. */
const shares: readonly (readonly [number, number])[] = [
  [0, 0.5],
  [1, 0.8413447460685429],
  [-1, 0.15865525393145707],
  [1.959963984540054, 0.975],
  [-2.3263478740408408, 0.01],
  [-5, 2.866515718791933e-7],
  [-10, 7.61985302416047e-24],
  [-30, 4.906713927148764e-198],
]

test('the share below z is right to the last digits, in the tails too', () => {
  for (const [z, share] of shares) near(normalCdf(z), share)
})

test('the quantile is the inverse', () => {
  near(normalQuantile(0.975), 1.959963984540054)
  near(normalQuantile(1e-10), -6.361340902404056)
  assert.equal(normalQuantile(0.5) + 1, 1)
  assert.deepEqual([normalQuantile(0), normalQuantile(1)], [-Infinity, Infinity])
  assert.ok(Number.isNaN(normalQuantile(1.1)))
  fc.assert(
    fc.property(fc.double({ min: -7, max: 7, noNaN: true }), (z) => {
      assert.ok(Math.abs(normalQuantile(normalCdf(z)) - z) < 1e-9 * Math.exp((z * z) / 4))
    }),
  )
})
