/** The past as an exchange of a few lines tells it. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import { asker } from '../../../../streams/feeds/live/ask.ts'
import { liveHistory } from '../../../../streams/feeds/live/history.ts'
import type { Venue } from '../../../../streams/feeds/live/venue.ts'
import { reconnectBackoff } from '../../../../streams/feeds/reconnect.ts'
import { minuteMs } from '../../../../streams/time.ts'
import { tradesOf } from '../../../../streams/trade.ts'
import { SimulatedClock } from '../../../support/simulated-clock.ts'

const coin = parseCoin('BTC/USDT') as Coin
const from = Date.UTC(2026, 0, 1)
const clock = new SimulatedClock(from + 60 * minuteMs)

/** Seconds, counted from `from`, of the trades that it gives of the five minutes from there; it has one every ten seconds. */
async function told(deep: boolean, newest: number, firstAt = 5_000): Promise<readonly number[]> {
  const all = Array.from({ length: 60 }, (_, i) => i - 30).map((i) => ({
    ...{ at: from + 10_000 * i + firstAt, id: i, price: 1, size: 1, side: 1 as const },
  }))
  const venue: Pick<Venue, 'deep' | 'trades' | 'candleColumns'> = {
    deep,
    candleColumns: { takerBuyVolume: true, trades: true },
    trades: async (_, { at }) => {
      const kept = tradesOf(all.filter((it) => it.at >= at).slice(-newest))
      return { trades: kept, coveredTo: clock.now(), next: undefined }
    },
  }
  const questions = asker(clock, () => 0.5, reconnectBackoff)
  const past = liveHistory(venue as Venue, questions, () => clock.now(), minuteMs)
  const seconds: number[] = []
  for await (const page of past.trades(coin, from, from + 5 * minuteMs))
    for (const at of page.at) seconds.push((at - from) / 1_000)
  return seconds
}

test('of an exchange that may tell its newest alone, trades begin with a whole candle', async () => {
  assert.equal(
    (await told(false, 1_000))[0],
    5,
    'what came before the question shows that it is whole',
  )
  assert.equal((await told(false, 30))[0], 65)
  assert.equal((await told(false, 25))[0], 65)
  assert.equal((await told(false, 24))[0], 125)
  assert.equal((await told(false, 24, 0))[0], 120, 'others may have been made at that instant')
  assert.deepEqual(await told(false, 1), [])
})

test('where an exchange tells from what it was asked on, its first trade is the candle’s first', async () => {
  const all = await told(true, 1_000)
  assert.deepEqual([all[0], all.length], [5, 30])
})
