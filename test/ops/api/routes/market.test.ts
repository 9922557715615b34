import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, stubReads } from '../stub.ts'

const never = async (): Promise<never> => {
  throw new Error('the whole store was counted')
}
const reads = { ...stubReads, candleCounts: never }

for (const what of ['candles', 'features']) {
  test(`${what} of a coin that is stored are answered without counting all there is`, async () => {
    const { status } = await ask(`/api/v1/coins/BTC-USDT/${what}`, {}, { reads, coins: never })
    assert.equal(status, 200)
  })

  test(`${what} of a coin that is followed and has none yet are an empty list`, async () => {
    const none = async () => ({ items: [], next: null })
    const fresh = { ...reads, hasCandles: async () => false, candles: none, features: none }
    const { status, body } = await ask(`/api/v1/coins/BTC-USDT/${what}`, {}, { reads: fresh })
    assert.deepEqual([status, body], [200, { items: [], next: null }])
  })
}
