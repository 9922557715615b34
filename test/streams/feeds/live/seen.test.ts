import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Seen } from '../../../../streams/feeds/live/seen.ts'

const arrivals = fc
  .uniqueArray(fc.integer({ min: 1000, max: 1200 }), { minLength: 1 })
  .chain((ids) => fc.tuple(fc.constant(ids), fc.array(fc.constantFrom(...ids), { maxLength: 300 })))

for (const sequential of [true, false]) {
  test(`each trade passes once in any order and number of times (${sequential ? 'numbered' : 'named'})`, () => {
    fc.assert(
      fc.property(arrivals, ([ids, again]) => {
        const seen = new Seen(sequential)
        const passed = [...ids, ...again].filter((id) => seen.accept(id, id, 0))
        assert.deepEqual(passed, ids)
        assert.ok(ids.every((id) => seen.has(id)))
      }),
    )
  })
}

test('what is owed is exactly what lies between the first and the last and has not come', () => {
  fc.assert(
    fc.property(arrivals, ([ids]) => {
      const seen = new Seen(true)
      for (const id of ids) seen.accept(id, id, 0)
      const first = ids[0] as number
      const last = Math.max(...ids)
      const missing = []
      for (let id = first; id <= last; id++) if (!ids.includes(id)) missing.push(id)
      const owed = seen.owed.flatMap(({ from, to }) =>
        Array.from({ length: to - from }, (_, i) => from + i),
      )
      assert.deepEqual(
        owed.toSorted((a, b) => a - b),
        missing,
      )
      // Numbers are told as instants here: a stretch is asked for from the number before it, and from when that was made.
      for (const { from, after } of seen.owed) assert.equal(after, from - 1)
    }),
  )
})

test('a new numbering is no loss', () => {
  const seen = new Seen(true)
  seen.accept(10, 1, 0)
  assert.equal(seen.accept(5_000_000_000, 2, 0), true)
  assert.deepEqual(seen.owed, [])
  assert.equal(seen.accept(11, 3, 0), true)
  assert.equal(seen.accept(11, 3, 0), false)
})

test('names are remembered for a while and then forgotten: memory is bounded', () => {
  const seen = new Seen(false, 100)
  for (let id = 0; id < 1000; id++) seen.accept(id, id, 0)
  assert.equal(seen.has(950), true)
  assert.equal(seen.has(5), false)
})
