import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Pace } from '../../../streams/feeds/pace.ts'

test('the slowest is the least of those who are in, whatever is said in whatever order', () => {
  const word = fc.record({ key: fc.constantFrom('a', 'b', 'c'), upTo: fc.option(fc.nat(5)) })
  fc.assert(
    fc.property(fc.array(word, { maxLength: 60 }), (words) => {
      const pace = new Pace()
      const model = new Map<string, number>()
      const heard: number[] = []
      pace.slowest$.subscribe((slowest) => heard.push(slowest))
      for (const { key, upTo } of words) {
        if (upTo === null) {
          pace.leave(key)
          model.delete(key)
        } else {
          pace.answered(key, upTo)
          model.set(key, upTo)
        }
        assert.equal(pace.slowest, Math.min(...model.values()))
        assert.equal(heard.at(-1), pace.slowest)
      }
    }),
  )
})
