import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Candle } from '../../../streams/candles/candle.ts'
import { candlesFromTrades } from '../../../streams/candles/from-trades.ts'
import type { Coin } from '../../../streams/coin.ts'
import { minuteMs } from '../../../streams/time.ts'
import { type Trade, tradesOf } from '../../../streams/trade.ts'

const shape = { coin: 'BTC/USDT' as Coin, intervalMs: minuteMs }
const start = Date.UTC(2026, 0, 1)

async function folded(pages: readonly (readonly Trade[])[]): Promise<readonly Candle[]> {
  const candles: Candle[] = []
  const given = (async function* () {
    for (const page of pages) yield tradesOf(page)
  })()
  for await (const page of candlesFromTrades(shape, given)) candles.push(...page)
  return candles
}

function trade(at: number, price = 10): Trade {
  return { at: start + at, id: at, price, size: 1, side: 1 }
}

test('each interval with trades is one whole candle, the last one too; those without are left out', async () => {
  const candles = await folded([
    [trade(1), trade(2, 12)],
    [],
    [trade(59_999, 9), trade(3 * minuteMs)],
  ])
  assert.deepEqual(
    candles.map(({ openAt, open, high, low, close, trades }) => [
      (openAt - start) / minuteMs,
      ...[open, high, low, close, trades],
    ]),
    [
      [0, 10, 12, 9, 9, 3],
      [3, 10, 10, 10, 10, 1],
    ],
  )
  assert.deepEqual(await folded([[], []]), [])
})

test('a trade whose candle is closed already is a fault; over the newest border it may come late', async () => {
  const [first] = await folded([[trade(5), trade(3)], [trade(1)]])
  assert.deepEqual([first?.open, first?.trades], [10, 3])
  const border = await folded([[trade(1), trade(minuteMs)], [trade(minuteMs - 1, 12)]])
  assert.deepEqual(
    border.map(({ close, trades }) => [close, trades]),
    [
      [12, 2],
      [10, 1],
    ],
  )
  await assert.rejects(folded([[trade(minuteMs)], [trade(1)]]), { code: 'trades.order' })
  await assert.rejects(folded([[trade(1)], [trade(3 * minuteMs)], [trade(2)]]), {
    code: 'trades.order',
    message: /2026-01-01T00:00:00\.002Z/,
  })
})

test('where one page ends and the next begins makes no difference', async () => {
  const times = fc.array(fc.integer({ min: 0, max: 10 * minuteMs }), {
    minLength: 1,
    maxLength: 40,
  })
  await fc.assert(
    fc.asyncProperty(times, fc.integer({ min: 1, max: 7 }), async (at, size) => {
      const trades = [...new Set(at)].sort((a, b) => a - b).map((it) => trade(it, 1 + (it % 7)))
      const pages: Trade[][] = []
      for (let i = 0; i < trades.length; i += size) pages.push(trades.slice(i, i + size))
      assert.deepEqual(await folded(pages), await folded([trades]))
    }),
    { numRuns: 50 },
  )
})
