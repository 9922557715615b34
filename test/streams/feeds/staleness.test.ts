import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Arrivals, patience } from '../../../streams/feeds/staleness.ts'

const every = (ms: number): number[] => Array.from({ length: 100 }, () => ms)

// what was heard, alarms that were none, the limit
const cases: [string, readonly number[], number, number][] = [
  ['nothing heard yet: the limit of the unknown', [], 0, 60_000],
  ['too little to judge by', [1, 1, 1], 0, 60_000],
  ['a busy coin has the shortest limit', every(20), 0, 5_000],
  ['three times what is usual', every(4_000), 0, 12_000],
  ['one outlier in a hundred counts for nothing', [...every(4_000), 900_000], 0, 12_000],
  ['a quiet coin has the longest limit', every(200_000), 0, 300_000],
  ['each false alarm doubles the limit', every(4_000), 2, 48_000],
  ['and never beyond the longest', every(4_000), 30, 300_000],
]
for (const [name, intervals, quiet, limitMs] of cases) {
  test(name, () => {
    assert.deepEqual(patience(intervals, quiet), { limitMs, suspectMs: limitMs / 3 })
  })
}

test('a burst is one arrival, an outage is no interval, and only the newest are kept', () => {
  const arrivals = new Arrivals(4)
  for (const at of [0, 1, 2, 100, 101, 300]) arrivals.note(at)
  assert.deepEqual(arrivals.intervals, [98, 199])
  arrivals.interrupted()
  arrivals.note(9_000_000)
  assert.deepEqual(arrivals.intervals, [98, 199])
  for (let i = 1; i <= 20; i++) arrivals.note(9_000_000 + i * 50)
  assert.deepEqual(arrivals.intervals, [50, 50, 50, 50])
})
