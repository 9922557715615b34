import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { pageWithin } from '../../../../ops/store/reads/page.ts'

type Key = readonly [number, string]

const keys = fc.uniqueArray(
  fc.tuple(fc.integer({ min: -3, max: 3 }), fc.constantFrom('a', 'b', 'c')),
  {
    selector: String,
  },
)

function page(all: readonly Key[], limit: number, cursor?: string) {
  return pageWithin<Key, Key>(all, { limit, cursor }, (key) => key, ['number', 'string'])
}

test('the pages of a list are the list in order, each row once, whatever order it comes in', () => {
  fc.assert(
    fc.property(keys, fc.integer({ min: 1, max: 5 }), (all, limit) => {
      const seen: Key[] = []
      let cursor: string | null = null
      do {
        const { items, next } = page(all.toReversed(), limit, cursor ?? undefined)
        assert(items.length <= limit)
        seen.push(...items)
        cursor = next
      } while (cursor !== null)
      const sorted = all.toSorted(([a, x], [b, y]) => a - b || (x < y ? -1 : 1))
      assert.deepEqual(seen, sorted)
    }),
  )
})

test('what comes or goes between two pages moves no other row', () => {
  const first = page(
    [
      [1, 'a'],
      [2, 'a'],
      [3, 'a'],
    ],
    2,
  )
  const rest = page(
    [
      [0, 'a'],
      [3, 'a'],
      [4, 'a'],
    ],
    2,
    first.next ?? undefined,
  )
  assert.deepEqual(rest.items, [
    [3, 'a'],
    [4, 'a'],
  ])
})
