import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideBatch } from '../../actors/batching.ts'

const policy = { rowsMax: 1_000, lingerMs: 5 }

const cases: [string, { rows: number; age: number; committing: boolean }, string][] = [
  ['nothing waits', { rows: 0, age: 0, committing: false }, 'nothing'],
  ['one row has just come', { rows: 1, age: 0, committing: false }, 'wait 5'],
  ['one row has waited a little', { rows: 1, age: 3, committing: false }, 'wait 2'],
  ['one row has waited long enough', { rows: 1, age: 5, committing: false }, 'commit'],
  ['a batch is full', { rows: 1_000, age: 0, committing: false }, 'commit'],
  ['a batch is full, another is under way', { rows: 5_000, age: 90, committing: true }, 'nothing'],
]

for (const [name, { rows, age, committing }, expected] of cases) {
  test(`${name}: ${expected}`, () => {
    const decision = decideBatch(policy, { rows, oldestAt: 100, committing }, 100 + age)
    const said = decision.type === 'wait' ? `wait ${decision.ms}` : decision.type
    assert.equal(said, expected)
  })
}
