import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countOutliers } from '../../../models/dataset/checks.ts'
import { dayMs, hourMs } from '../../../streams/time.ts'

test('the median is that of the UTC day, wherever the series begins', () => {
  // From noon on: twelve hours at 1, a day at 10. In days from noon to noon the second half would be far from the first.
  const close = Float64Array.from({ length: 36 }, (_, i) => (i < 12 ? 1 : 10))
  const from = Date.UTC(2026, 0, 1) + dayMs / 2
  assert.equal(countOutliers({ from, close, high: close, low: close }, hourMs), 0)
  const high = close.with(20, 1_000)
  assert.equal(countOutliers({ from, close, high, low: close }, hourMs), 1)
  const unknown = close.map((it, i) => (i === 20 ? Number.NaN : it))
  assert.equal(countOutliers({ from, close: unknown, high: unknown, low: unknown }, hourMs), 0)
})
