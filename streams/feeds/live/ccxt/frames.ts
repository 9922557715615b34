/**
 * Trades read from an exchange's own frames, where the format is known well: ccxt holds the socket and the subscriptions, but
 * its way from frame to trade costs two to five times what parsing the JSON does (test/bench/frames.ts). A frame that is not
 * plainly a trade is left to ccxt.
 */
import type { Millis } from '../../../time.ts'

/** `symbol` is the exchange's own name for the coin. */
export type TradeSink = (
  symbol: string,
  at: Millis,
  id: number,
  price: number,
  size: number,
  side: -1 | 1,
) => void

/** Whether the frame was one of trades, and has been read. */
export type FrameReader = (frame: unknown, take: TradeSink) => boolean

interface BinanceFrame {
  readonly e?: unknown
  readonly s?: unknown
  readonly a?: unknown
  readonly p?: unknown
  readonly q?: unknown
  readonly T?: unknown
  readonly m?: unknown
  readonly data?: unknown
}

/**
 * `{"e":"aggTrade","s":"BTCUSDT","a":26129,"p":"0.01633102","q":"4.70443515","T":1498793709153,"m":true,…}`, bare or as
 * `data` of a combined stream.
 */
export function readBinance(frame: unknown, take: TradeSink): boolean {
  if (typeof frame !== 'object' || frame === null) return false
  const { data } = frame as BinanceFrame
  const trade = (data === undefined ? frame : data) as BinanceFrame | null
  if (trade?.e !== 'aggTrade' || typeof trade.s !== 'string') return false
  if (typeof trade.a !== 'number' || typeof trade.T !== 'number') return false
  const side = trade.m === true ? -1 : 1
  take(trade.s, trade.T, trade.a, Number(trade.p), Number(trade.q), side)
  return true
}

interface KrakenFrame {
  readonly channel?: unknown
  readonly data?: unknown
}

interface KrakenTrade {
  readonly symbol?: unknown
  readonly side?: unknown
  readonly price?: unknown
  readonly qty?: unknown
  readonly trade_id?: unknown
  readonly timestamp?: unknown
}

/**
 * `{"channel":"trade","data":[{"symbol":"BTC/USD","side":"sell","price":0.5117,"qty":40.0,"trade_id":4665906,
 * "timestamp":"2023-09-25T07:49:37.708706Z"}]}`
 */
export function readKraken(frame: unknown, take: TradeSink): boolean {
  if (typeof frame !== 'object' || frame === null) return false
  const { channel, data } = frame as KrakenFrame
  if (channel !== 'trade' || !Array.isArray(data)) return false
  if (!data.every(isKrakenTrade)) return false
  for (const trade of data) {
    const at = Date.parse(trade.timestamp)
    const side = trade.side === 'sell' ? -1 : 1
    take(trade.symbol, at, trade.trade_id, Number(trade.price), Number(trade.qty), side)
  }
  return true
}

function isKrakenTrade(
  trade: KrakenTrade | null,
): trade is KrakenTrade & { symbol: string; timestamp: string; trade_id: number } {
  return (
    typeof trade?.symbol === 'string' &&
    typeof trade.timestamp === 'string' &&
    typeof trade.trade_id === 'number'
  )
}
