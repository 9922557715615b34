import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Consecutive } from '../../../models/dataset/candles.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { dayMs, minuteMs } from '../../../streams/time.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const from = Date.UTC(2026, 0, 1)

test('a year that was never stored is missing candle by candle', () => {
  const to = from + 365 * dayMs
  const [first] = madeCandles({ from, count: 1 }) as [Candle]
  const [last] = madeCandles({ from: to - minuteMs, count: 1 }) as [Candle]
  const all = new Consecutive(btc, minuteMs).take([first, last])
  assert.equal(all.length, (365 * dayMs) / minuteMs)
  assert.equal(all.filter(({ state }) => state === 'missing').length, all.length - 2)
})
