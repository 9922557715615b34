/**
 * What an interval's trades add up to. Every candle in Starling, live, healed, replayed or from the tape's history, comes
 * out of this one loop over rows in the order `(at, id)`: floating-point sums depend on order, so equal trades give
 * bit-equal candles.
 */
import type { Coin } from '../coin.ts'
import type { Millis } from '../time.ts'
import type { Trades } from '../trade.ts'
import type { Bar, Candle, CandleState } from './candle.ts'

export interface Shape {
  /** False where a row is not a trade of the source (a candle file played as trades): the count is then NaN. */
  readonly countsTrades?: boolean
}

/** Folds rows `[from, to)`, at least one. */
export function foldTrades(
  rows: Trades,
  from: number,
  to: number,
  openAt: Millis,
  shape: Shape,
): Bar {
  const { price, size, side } = rows
  const open = price[from]!
  let high = open
  let low = open
  let volume = 0
  let quoteVolume = 0
  let takerBuyVolume = 0
  for (let i = from; i < to; i++) {
    const p = price[i]!
    const s = size[i]!
    const by = side[i]!
    if (p > high) high = p
    else if (p < low) low = p
    volume += s
    quoteVolume += p * s
    if (by > 0) takerBuyVolume += s
    else if (by === 0) takerBuyVolume = Number.NaN
  }
  return {
    openAt,
    open,
    high,
    low,
    close: price[to - 1]!,
    volume,
    quoteVolume,
    takerBuyVolume,
    trades: shape.countsTrades === false ? Number.NaN : to - from,
  }
}

/** No trades: nothing was bought or sold, and there is no price. */
export function emptyBar(openAt: Millis): Bar {
  return barOf(openAt, 0)
}

/** Trades are known to be lost: nothing can be said. */
export function missingBar(openAt: Millis): Bar {
  return barOf(openAt, Number.NaN)
}

/** Its figures tell its state. */
export function candleOf(coin: Coin, bar: Bar, revision: number): Candle {
  return {
    coin,
    openAt: bar.openAt,
    open: bar.open,
    high: bar.high,
    low: bar.low,
    close: bar.close,
    volume: bar.volume,
    quoteVolume: bar.quoteVolume,
    takerBuyVolume: bar.takerBuyVolume,
    trades: bar.trades,
    state: stateOf(bar, revision),
    revision,
  }
}

function stateOf({ open, volume }: Bar, revision: number): CandleState {
  if (Number.isNaN(volume)) return 'missing'
  if (Number.isNaN(open)) return 'empty'
  return revision === 0 ? 'final' : 'corrected'
}

/** Bit for bit, NaN equal to itself. */
export function barsAgree(a: Bar, b: Bar): boolean {
  return (
    Object.is(a.open, b.open) &&
    Object.is(a.high, b.high) &&
    Object.is(a.low, b.low) &&
    Object.is(a.close, b.close) &&
    Object.is(a.volume, b.volume) &&
    Object.is(a.quoteVolume, b.quoteVolume) &&
    Object.is(a.takerBuyVolume, b.takerBuyVolume) &&
    Object.is(a.trades, b.trades)
  )
}

function barOf(openAt: Millis, amount: number): Bar {
  const none = Number.NaN
  return {
    openAt,
    open: none,
    high: none,
    low: none,
    close: none,
    volume: amount,
    quoteVolume: amount,
    takerBuyVolume: amount,
    trades: amount,
  }
}
