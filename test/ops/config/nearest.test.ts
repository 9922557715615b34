import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { edits, nearest } from '../../../ops/config/nearest.ts'

const cases: readonly [string, string, number][] = [
  ['', 'abc', 3],
  ['source', 'sorce', 1],
  ['status', 'sttaus', 1],
  ['kitten', 'sitting', 3],
]
for (const [a, b, distance] of cases) {
  test(`"${a}" and "${b}" are ${distance} edits apart`, () => assert.equal(edits(a, b), distance))
}

test('edits are symmetric, and none only between equals', () => {
  const word = fc.string({ maxLength: 8 })
  fc.assert(
    fc.property(
      word,
      word,
      (a, b) => edits(a, b) === edits(b, a) && (edits(a, b) === 0) === (a === b),
    ),
  )
})

test('something far from everything suggests nothing', () => {
  assert.equal(nearest('frobnicate', ['status', 'stop']), undefined)
  assert.equal(nearest('statsu', ['status', 'stop']), 'status')
})
