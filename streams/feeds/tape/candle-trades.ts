/**
 * Trades that rebuild a candle exactly: four, at its open, its two extremes (the low first where it rose) and its close, a
 * quarter of the interval apart. Three have a quarter of the volume, the last has what then lacks, by a subtraction that
 * is exact because the sum lies within a factor of two of the whole (Sterbenz); so the sum in fold order is the volume,
 * bit for bit. The sum of price × size is that of these four: an estimate of what the file does not say.
 */
import { strict as assert } from 'node:assert'
import type { Millis } from '../../time.ts'
import type { TradesBuilder } from '../../trade.ts'

export interface PricesAndVolume {
  readonly openAt: Millis
  readonly open: number
  readonly high: number
  readonly low: number
  readonly close: number
  readonly volume: number
}

/** A quarter of less than this is not exact any more. */
export const volumeMin = 2 ** -1000

export function pushCandleTrades(
  into: TradesBuilder,
  candle: PricesAndVolume,
  intervalMs: Millis,
): void {
  const { openAt, open, high, low, close, volume } = candle
  assert(volume >= volumeMin && intervalMs >= 4)
  const rose = close >= open
  const quarter = volume / 4
  const rest = volume - (quarter + quarter + quarter)
  const step = Math.floor(intervalMs / 4)
  // Numbers that grow with time, so that no two candles of one coin share one.
  const id = (openAt / intervalMs) * 4
  into.push(openAt, id, open, quarter, 0)
  into.push(openAt + step, id + 1, rose ? low : high, quarter, 0)
  into.push(openAt + 2 * step, id + 2, rose ? high : low, quarter, 0)
  into.push(openAt + 3 * step, id + 3, close, rest, 0)
}
