import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Candle } from '../../../streams/candles/candle.ts'
import { filled } from '../../../streams/candles/fill.ts'
import { dayMs, minuteMs } from '../../../streams/time.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const from = Date.UTC(2026, 0, 1)

async function fill(
  pages: readonly (readonly Candle[])[],
  to: number,
  existed: boolean,
): Promise<readonly Candle[]> {
  const told = (async function* () {
    yield* pages
  })()
  const range = { from, to, existed }
  const all: Candle[] = []
  for await (const page of filled(btc, minuteMs, range, told))
    for (const candle of page) all.push(candle)
  return all
}

test('what a source leaves out is empty: between its candles, after them, and before where the market was there', async () => {
  const [, second, , fourth] = madeCandles({ from, count: 4 }) as [Candle, Candle, Candle, Candle]
  const states = async (existed: boolean): Promise<readonly string[]> =>
    (await fill([[second], [fourth]], from + 6 * minuteMs, existed)).map(({ state }) => state)
  assert.deepEqual(await states(true), ['empty', 'final', 'empty', 'final', 'empty', 'empty'])
  assert.deepEqual(await states(false), ['final', 'empty', 'final', 'empty', 'empty'])
})

test('a market that stood still for a year is filled as any other', async () => {
  const to = from + 365 * dayMs
  const [first] = madeCandles({ from, count: 1 }) as [Candle]
  const [last] = madeCandles({ from: to - minuteMs, count: 1 }) as [Candle]
  const all = await fill([[first, last]], to, true)
  assert.equal(all.length, (365 * dayMs) / minuteMs)
})
