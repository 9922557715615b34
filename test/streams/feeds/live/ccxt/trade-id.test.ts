import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { tradeId } from '../../../../../streams/feeds/live/ccxt/trade-id.ts'

test('a number stays that number, a name becomes 52 bits, no name takes the rest', () => {
  assert.equal(tradeId('4665906', ''), 4_665_906)
  assert.equal(tradeId(undefined, 'a b c'), tradeId('a b c', ''))
  assert.equal(tradeId('', 'x'), tradeId('x', ''))
  assert.equal(tradeId('0123e4b7-f38a', ''), tradeId('0123e4b7-f38a', 'other'))
})

test('every id is a whole number that a double holds exactly', () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const id = tradeId(name, 'nothing')
      assert.ok(Number.isSafeInteger(id) && id >= 0 && id < 2 ** 52)
    }),
  )
})

test('a hundred thousand names collide nowhere', () => {
  const ids = new Set(Array.from({ length: 100_000 }, (_, i) => tradeId(`trade-${i}`, '')))
  assert.equal(ids.size, 100_000)
})
