import assert from 'node:assert/strict'
import { test } from 'node:test'
import { normalCdf } from '../../../models/statistics/normal.ts'
import { studentTail } from '../../../models/statistics/student.ts'

/** One-sided critical values of the printed tables. */
const critical: readonly (readonly [freedom: number, t: number, tail: number])[] = [
  [1, 31.82051595377396, 0.01],
  [4, 3.746947387979197, 0.01],
  [9, 2.8214379250258084, 0.01],
  [19, 2.539483190622288, 0.01],
  [4, 2.1318467863266495, 0.05],
  [30, 3.385184866829346, 0.001],
]

test('the tail is that of the tables, on both sides', () => {
  for (const [freedom, t, tail] of critical) {
    assert.ok(Math.abs(studentTail(t, freedom) - tail) < 1e-10, `${t} at ${freedom}`)
    assert.ok(Math.abs(studentTail(-t, freedom) - (1 - tail)) < 1e-10)
  }
  assert.equal(studentTail(0, 7), 0.5)
})

test('with many degrees of freedom it is the normal distribution', () => {
  for (const t of [-3, -0.5, 0.3, 2.5])
    assert.ok(Math.abs(studentTail(t, 1e6) - (1 - normalCdf(t))) < 1e-5)
})
