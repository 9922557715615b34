/**
 * Where exchanges differ in what ccxt does not level: how trades are named and paged, which columns REST candles have. An
 * exchange without an entry gets `plain`, which assumes nothing: trades asked for by time, names of any shape.
 */
import type { Millis } from '../../../time.ts'
import type { CandleRow, Cursor } from '../venue.ts'
import { type FrameReader, readBinance, readKraken } from './frames.ts'

/** A trade as ccxt unifies it; `info` is what the exchange sent. */
export interface CcxtTrade {
  readonly id?: string
  readonly timestamp?: number
  readonly price?: number
  readonly amount?: number
  readonly side?: string
  readonly info?: unknown
}

/** What is used of a market in ccxt's list. */
export interface CcxtMarket {
  /** The exchange's own name for it; `symbol` is the unified one. */
  readonly id: string
  readonly symbol: string
  readonly active?: boolean
  readonly spot?: boolean
}

export interface TradesQuery {
  readonly since: Millis | undefined
  readonly limit: number | undefined
  readonly params: Readonly<Record<string, unknown>>
}

export interface Quirks {
  readonly sequential: boolean
  /** Trades are given from `since` on. ccxt passes over it in silence where an exchange has no such question. */
  readonly deep: boolean
  readonly candleColumns: { readonly takerBuyVolume: boolean; readonly trades: boolean }
  /** What ccxt is told of it; `derivatives` says whether more than spot markets are wanted. */
  options(derivatives: boolean): Readonly<Record<string, unknown>>
  readonly watchParams: Readonly<Record<string, unknown>>
  /** Frames that are no JSON belong to the protocol. */
  readonly textFrames: boolean
  /** This frame says that a subscription holds. */
  acknowledges(frame: unknown): boolean
  /** Reads frames of trades past ccxt, and the exchange's name for a market in them. */
  readonly frames?: { readonly read: FrameReader; symbol(market: CcxtMarket): string }
  /** Half of the step in which the exchange tells its time. */
  readonly timeHalfStepMs: Millis
  query(from: Cursor): TradesQuery
  /** Where to read on after this ascending page; undefined when it was the newest. */
  next(from: Cursor, page: readonly CcxtTrade[], now: Millis): Cursor | undefined
  at(trade: CcxtTrade): number
  /** The ccxt method that gives raw candles of a spot market, and how to read its rows. */
  readonly rawCandles?: { readonly method: string; row(raw: readonly unknown[]): CandleRow }
}

const plain: Quirks = {
  sequential: false,
  deep: false,
  candleColumns: { takerBuyVolume: false, trades: false },
  options: () => ({}),
  watchParams: {},
  textFrames: true,
  acknowledges: () => true,
  timeHalfStepMs: 0,
  query: (from) => ({ since: from.at, limit: undefined, params: {} }),
  next: (from, page) => {
    const lastAt = page.at(-1)?.timestamp ?? from.at
    return lastAt > from.at ? { at: lastAt } : undefined
  },
  at: (trade) => trade.timestamp ?? Number.NaN,
}

const binancePage = 1000
/** ccxt asks for an hour from `since` on, which is also the most that Binance answers. */
const binanceWindowMs: Millis = 3_600_000

/**
 * Aggregate trades on socket and REST, so that both name a trade alike. A kline counts trades before aggregation, which the
 * socket does not tell: so a count of trades is not a column that history and live market share, and history leaves it out.
 */
const binance: Quirks = {
  ...plain,
  sequential: true,
  deep: true,
  candleColumns: { takerBuyVolume: true, trades: false },
  options: (derivatives) => ({
    // Each kind of market is another host and another list of megabytes.
    fetchMarkets: { types: derivatives ? ['spot', 'linear', 'inverse'] : ['spot'] },
    watchTradesForSymbols: { name: 'aggTrade' },
    // ccxt opens a socket per call to watchTrades otherwise; one carries up to 200 coins.
    streamLimits: { spot: 1, margin: 1, future: 1, delivery: 1 },
  }),
  textFrames: false,
  acknowledges: (frame) => field(frame, 'result') === null,
  frames: { read: readBinance, symbol: (market) => market.id },
  query: (from) =>
    from.id === undefined
      ? { since: from.at, limit: binancePage, params: {} }
      : { since: undefined, limit: binancePage, params: { fromId: from.id } },
  next: (from, page, now) => {
    const last = page.at(-1)
    const toId = last && { at: last.timestamp as number, id: Number(last.id) }
    if (page.length >= binancePage) return toId
    const windowEnd = from.at + binanceWindowMs
    if (from.id !== undefined || windowEnd >= now) return undefined
    return toId ?? { at: windowEnd }
  },
  rawCandles: {
    method: 'publicGetKlines',
    row: (raw) => ({
      openAt: Number(raw[0]),
      open: Number(raw[1]),
      high: Number(raw[2]),
      low: Number(raw[3]),
      close: Number(raw[4]),
      volume: Number(raw[5]),
      quoteVolume: Number(raw[7]),
      takerBuyVolume: Number(raw[9]),
      trades: Number.NaN,
    }),
  },
}

const krakenPage = 1000

const kraken: Quirks = {
  ...plain,
  sequential: true,
  deep: true,
  watchParams: { snapshot: false },
  textFrames: false,
  acknowledges: (frame) =>
    field(frame, 'method') === 'subscribe' && field(frame, 'success') === true,
  frames: { read: readKraken, symbol: (market) => market.symbol },
  timeHalfStepMs: 500,
  // `since` is exclusive and in nanoseconds; ccxt would cut it to seconds, in which there may be more than a page.
  query: (from) => ({
    since: undefined,
    limit: krakenPage,
    params: { since: from.token ?? `${from.at - 1}000000` },
  }),
  next: (_from, page) => {
    const last = page.at(-1)
    if (last === undefined || page.length < krakenPage) return undefined
    const token = page.map((trade) => bookmark(trade.info)).find((mark) => mark !== undefined)
    return { at: krakenAt(last), token }
  },
  at: krakenAt,
}

/**
 * REST gives seconds as a number, whose product with 1,000 may fall just below the millisecond that the socket cuts its text
 * to. Microseconds survive the rounding.
 */
function krakenAt(trade: CcxtTrade): number {
  if (!Array.isArray(trade.info)) return trade.timestamp ?? Number.NaN
  return Math.floor(Math.round(Number(trade.info[2]) * 1e6) / 1000)
}

/** ccxt appends the page's `last` to its last trade, behind Kraken's own seven fields. */
function bookmark(info: unknown): string | undefined {
  return Array.isArray(info) && info.length > 7 ? String(info[7]) : undefined
}

function field(frame: unknown, name: string): unknown {
  return typeof frame === 'object' && frame !== null
    ? (frame as Record<string, unknown>)[name]
    : undefined
}

const known: Readonly<Record<string, Quirks>> = { binance, binanceus: binance, kraken }

export function quirksOf(source: string): Quirks {
  return known[source] ?? plain
}
