import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decideBatch } from '../../actors/batching.ts'

const policy = { rowsMax: 1_000, lingerMs: 5, restMs: 10, restRowsMax: 200 }

/** `age` of the oldest row; `rested` since the latest commit, long ago where nothing is said. */
const cases: [
  string,
  { rows: number; age: number; committing?: boolean; rested?: number },
  string,
][] = [
  ['nothing waits', { rows: 0, age: 0 }, 'nothing'],
  ['one row has just come', { rows: 1, age: 0 }, 'wait 5'],
  ['one row has waited a little', { rows: 1, age: 3 }, 'wait 2'],
  ['one row has waited long enough', { rows: 1, age: 5 }, 'commit'],
  ['a batch is full', { rows: 1_000, age: 0 }, 'commit'],
  ['a batch is full, another is under way', { rows: 5_000, age: 90, committing: true }, 'nothing'],
  ['a few rows came while the last batch was written', { rows: 9, age: 8, rested: 0 }, 'wait 10'],
  ['a few rows have come since', { rows: 9, age: 6, rested: 7 }, 'wait 3'],
  ['a few rows have come, and it has rested', { rows: 9, age: 8, rested: 10 }, 'commit'],
  ['many rows came while the last batch was written', { rows: 200, age: 8, rested: 0 }, 'commit'],
  ['the clock was set back an hour since', { rows: 1, age: -3.6e6, rested: -3.6e6 }, 'commit'],
]

for (const [name, { rows, age, committing = false, rested = 1e9 }, expected] of cases) {
  test(`${name}: ${expected}`, () => {
    const now = 2e9
    const waiting = { rows, oldestAt: now - age, committedAt: now - rested, committing }
    const decision = decideBatch(policy, waiting, now)
    const said = decision.type === 'wait' ? `wait ${decision.ms}` : decision.type
    assert.equal(said, expected)
  })
}
