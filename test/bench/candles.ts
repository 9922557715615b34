/**
 * Trades to candles: the book alone, from columnar bundles that were made before the clock started. `shuffled` delays each
 * trade by up to the grace, so that bundles arrive out of order within and between themselves.
 */
import { performance } from 'node:perf_hooks'
import { CandleBook } from '../../streams/candles/book.ts'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { chanceOf, randomFrom } from '../../streams/random.ts'
import { minuteMs } from '../../streams/time.ts'
import { pickTrades, type Trades, TradesBuilder } from '../../streams/trade.ts'
import type { Figure } from './figure.ts'

interface Delivery {
  readonly book: number
  readonly trades: Trades
  readonly clockAt: number
}

const bundleRows = 1000
const tradesPerMinute = 2000
const graceMs = 2000

export async function benchCandles(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const coins of [1, 50]) {
    for (const order of ['in order', 'shuffled'] as const) {
      const deliveries = deliveriesOf(coins, 4_000_000, order === 'shuffled')
      const rates = [1, 2, 3, 4, 5].map(() => measure(coins, deliveries))
      const value = rates.sort((a, b) => a - b)[2]!
      const name = `trades to candles, book alone, ${coins} ${coins === 1 ? 'coin' : 'coins'}, ${order}`
      figures.push({
        name,
        value,
        unit: 'trades/s',
        against: 'a bare loop over arrays: 46 M at 50',
      })
    }
  }
  return figures
}

function measure(coins: number, deliveries: readonly Delivery[]): number {
  const books = Array.from({ length: coins }, (_, i) => bookOf(coinOf(i)))
  let trades = 0
  let closed = 0
  const startedAt = performance.now()
  for (const delivery of deliveries) {
    const book = books[delivery.book]!
    book.add(delivery.trades, delivery.clockAt)
    closed += book.clock(delivery.clockAt).length
    trades += delivery.trades.length
  }
  const seconds = (performance.now() - startedAt) / 1000
  if (closed === 0) throw new Error('the bench closed no candle')
  return trades / seconds
}

function bookOf(coin: Coin): CandleBook {
  const correctionMs = 2 * minuteMs
  const from = 0
  return new CandleBook({
    coin,
    intervalMs: minuteMs,
    graceMs,
    correctionMs,
    from,
  })
}

function coinOf(i: number): Coin {
  return parseCoin(`C${i}/USDT`) as Coin
}

/** Round robin over the coins, one bundle each, as a market in lockstep would deliver them. */
function deliveriesOf(coins: number, total: number, shuffled: boolean): readonly Delivery[] {
  const perCoin = Array.from({ length: coins }, (_, i) =>
    bundlesOf(i, Math.floor(total / coins), shuffled),
  )
  const rounds = perCoin[0]!.length
  const deliveries: Delivery[] = []
  for (let k = 0; k < rounds; k++) for (const bundles of perCoin) deliveries.push(bundles[k]!)
  return deliveries
}

function bundlesOf(book: number, count: number, shuffled: boolean): readonly Delivery[] {
  const random = randomFrom(`bench ${book}`)
  const all = new TradesBuilder(count)
  let at = 0
  let price = 1000
  for (let i = 0; i < count; i++) {
    at += random.uniform() < 0.5 ? 0 : (minuteMs / tradesPerMinute) * 2
    price *= 1 + (random.uniform() - 0.5) * 1e-4
    all.push(at, i, price, random.uniform() + 0.001, random.uniform() < 0.5 ? 1 : -1)
  }
  const trades = all.take()
  const arrivals = Float64Array.from({ length: count }, (_, i) =>
    shuffled ? trades.at[i]! + chanceOf(book, i) * graceMs * 0.99 : trades.at[i]!,
  )
  const rows = Uint32Array.from({ length: count }, (_, i) => i)
  if (shuffled) rows.sort((a, b) => arrivals[a]! - arrivals[b]!)
  const deliveries: Delivery[] = []
  for (let i = 0; i < count; i += bundleRows) {
    const part = rows.subarray(i, Math.min(count, i + bundleRows))
    const clockAt = Math.floor(arrivals[part[part.length - 1]!]!)
    deliveries.push({ book, trades: pickTrades(trades, part, part.length), clockAt })
  }
  return deliveries
}
