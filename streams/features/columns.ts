/** Candles as columns: what an engine reads. An object a candle would cost more to read than the arithmetic takes. */
import { type Bar, type CandleState, candleStates } from '../candles/candle.ts'

export interface CandleColumns {
  readonly openAt: Float64Array
  readonly open: Float64Array
  readonly high: Float64Array
  readonly low: Float64Array
  readonly close: Float64Array
  readonly volume: Float64Array
  readonly takerBuyVolume: Float64Array
  readonly trades: Float64Array
  /** Index in `candleStates`. */
  readonly state: Uint8Array
}

export const empty = candleStates.indexOf('empty')
export const missing = candleStates.indexOf('missing')

export function candleColumns(capacity: number): CandleColumns {
  return {
    openAt: new Float64Array(capacity),
    open: new Float64Array(capacity),
    high: new Float64Array(capacity),
    low: new Float64Array(capacity),
    close: new Float64Array(capacity),
    volume: new Float64Array(capacity),
    takerBuyVolume: new Float64Array(capacity),
    trades: new Float64Array(capacity),
    state: new Uint8Array(capacity),
  }
}

export type StatedBar = Bar & { readonly state: CandleState }

export function setCandle(columns: CandleColumns, i: number, candle: StatedBar): void {
  columns.openAt[i] = candle.openAt
  columns.open[i] = candle.open
  columns.high[i] = candle.high
  columns.low[i] = candle.low
  columns.close[i] = candle.close
  columns.volume[i] = candle.volume
  columns.takerBuyVolume[i] = candle.takerBuyVolume
  columns.trades[i] = candle.trades
  columns.state[i] = candleStates.indexOf(candle.state)
}
