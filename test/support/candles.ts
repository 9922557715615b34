/** Made-up candles by a seed: a random walk with quiet minutes, the same on every machine. */
import type { Candle, CandleState } from '../../streams/candles/candle.ts'
import { candleOf, emptyBar, missingBar } from '../../streams/candles/fold.ts'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { type Millis, minuteMs } from '../../streams/time.ts'

export const btc = parseCoin('BTC/USDT') as Coin
export const eth = parseCoin('ETH/USDT') as Coin

export interface CandleSeries {
  readonly coin?: Coin
  readonly from: Millis
  readonly count: number
  readonly seed?: number
  /** By index; `final` where nothing is said. */
  readonly states?: Readonly<Record<number, CandleState>>
}

export function madeCandles({
  coin = btc,
  from,
  count,
  seed = 1,
  states = {},
}: CandleSeries): readonly Candle[] {
  const chance = mulberry32(seed)
  let price = 100
  return Array.from({ length: count }, (_, i) => {
    const openAt = from + i * minuteMs
    const state = states[i] ?? 'final'
    if (state === 'empty') return candleOf(coin, emptyBar(openAt), 0)
    if (state === 'missing') return candleOf(coin, missingBar(openAt), 0)
    const open = price
    price *= 1 + (chance() - 0.5) / 500
    const high = Math.max(open, price) * (1 + chance() / 1000)
    const low = Math.min(open, price) * (1 - chance() / 1000)
    const volume = 1 + chance() * 10
    return {
      ...{ coin, openAt, open, high, low, close: price, volume },
      ...{
        quoteVolume: volume * price,
        takerBuyVolume: volume * chance(),
        trades: 5,
        state,
        revision: 0,
      },
    }
  })
}

/** Uniform in [0, 1), by a seed; small enough to be read. */
export function mulberry32(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
