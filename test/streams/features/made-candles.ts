/** Seeded candles to test with: a random walk with changing volatility, and on demand quiet minutes, gaps and untold columns. */
import type { CandleState } from '../../../streams/candles/candle.ts'
import type { StatedBar } from '../../../streams/features/columns.ts'
import { randomFrom } from '../../../streams/random.ts'
import { floorTo, minuteMs } from '../../../streams/time.ts'

export interface Made {
  readonly seed: string
  readonly candles: number
  readonly intervalMs?: number
  readonly from?: number
  /** Chance of a candle without trades, or one whose trades are lost. */
  readonly empty?: number
  readonly missing?: number
  readonly price?: number
  readonly size?: number
  /** Does the source tell takers and trade counts? */
  readonly told?: boolean
}

/** 2026-03-04, a Wednesday, 05:17 UTC. */
const someday = Date.UTC(2026, 2, 4, 5, 17)

export function madeCandles(made: Made): StatedBar[] {
  const { seed, candles, intervalMs = minuteMs, price = 100, size = 10, told = true } = made
  const random = randomFrom(seed)
  const from = floorTo(made.from ?? someday, intervalMs)
  let close = price
  let volatility = 0.001
  return Array.from({ length: candles }, (_, i) => {
    const open = close
    volatility = 0.001 * Math.exp(0.95 * Math.log(volatility / 0.001) + 0.1 * random.normal())
    close = open * Math.exp(volatility * random.normal())
    const high = Math.max(open, close) * (1 + volatility * random.uniform())
    const low = Math.min(open, close) * (1 - volatility * random.uniform())
    const volume = size * Math.exp(random.normal())
    const share = random.uniform()
    const trades = 1 + Math.floor(50 * random.uniform())
    const chance = random.uniform()
    const openAt = from + i * intervalMs
    if (chance < (made.missing ?? 0)) return without(openAt, 'missing')
    if (chance < (made.missing ?? 0) + (made.empty ?? 0)) return without(openAt, 'empty')
    return {
      openAt,
      open,
      high,
      low,
      close,
      volume,
      quoteVolume: volume * close,
      takerBuyVolume: told ? volume * share : Number.NaN,
      trades: told ? trades : Number.NaN,
      state: 'final',
    }
  })
}

export function without(openAt: number, state: CandleState): StatedBar {
  return {
    openAt,
    open: Number.NaN,
    high: Number.NaN,
    low: Number.NaN,
    close: Number.NaN,
    volume: Number.NaN,
    quoteVolume: Number.NaN,
    takerBuyVolume: Number.NaN,
    trades: Number.NaN,
    state,
  }
}
