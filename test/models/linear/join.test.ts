import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Matrix } from '../../../models/linear/fit.ts'
import { joinNewest } from '../../../models/linear/join.ts'

const part = (rows: number, from: number): Matrix => ({
  ...{ rows, width: 2 },
  values: Float32Array.from({ length: rows * 2 }, (_, i) => from + Math.floor(i / 2)),
  target: Float64Array.from({ length: rows }, (_, i) => from + i),
})

test('all rows where there are not too many', () => {
  const { rows, target } = joinNewest([part(3, 0), part(2, 100)], 2, 5)
  assert.equal(rows, 5)
  assert.deepEqual([...target], [0, 1, 2, 100, 101])
})

test('else the newest of each, in proportion to how long it is', () => {
  const { rows, target, values } = joinNewest([part(90, 0), part(10, 100)], 2, 20)
  assert.equal(rows, 20)
  assert.deepEqual(
    [...target.slice(0, 18)],
    Array.from({ length: 18 }, (_, i) => 72 + i),
  )
  assert.deepEqual([...target.slice(18)], [108, 109])
  assert.deepEqual([...values.slice(-4)], [108, 108, 109, 109])
})
