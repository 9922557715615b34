/** An exchange over ccxt's REST side: trades, candles, time and listings, in the shapes of `Venue`. */
import { Subscription } from 'rxjs'
import type { Coin } from '../../../coin.ts'
import { Fault } from '../../../fault.ts'
import type { Clock, Millis } from '../../../time.ts'
import { parseRetryAfter } from '../../reconnect.ts'
import {
  type CandleRow,
  type Cursor,
  Limited,
  type Socket,
  type SocketEar,
  type TradesPage,
  type Venue,
} from '../venue.ts'
import { type CcxtErrors, type CcxtExchange, faultOf } from './exchange.ts'
import { pollingSocket } from './poll.ts'
import type { Quirks } from './quirks.ts'
import { throttle } from './throttle.ts'
import { byTimeAndName, columns } from './trades.ts'

export interface VenueOptions {
  readonly source: string
  readonly quirks: Quirks
  readonly rest: CcxtExchange
  readonly errors: CcxtErrors
  readonly clock: Clock
  readonly intervalMs: Millis
  readonly socket: (ear: SocketEar) => Socket
}

/** An exchange's whole list of markets weighs megabytes. */
const freshListEveryMs: Millis = 60_000
/** ccxt limits Binance to this many candles a page; others give what they give. */
const candlesPage = 1000
/** Where trades are asked for again and again. */
const pollEveryMs: Millis = 5_000

export function ccxtVenue(options: VenueOptions): Venue {
  const { source, quirks, rest, errors, clock, intervalMs } = options
  let refreshedAt = Number.NEGATIVE_INFINITY
  let toldDate: { readonly told: Millis; readonly heardAt: Millis } | undefined
  const timers = new Subscription()
  rest.throttle = throttle(clock, rest, timers)
  listenToHeaders(rest, clock, (told) => {
    toldDate = { told, heardAt: clock.now() }
  })

  async function asked<A>(question: () => Promise<A>): Promise<A> {
    try {
      return await question()
    } catch (error) {
      throw faultOf(error, errors)
    }
  }

  async function markets(fresh: boolean): Promise<NonNullable<CcxtExchange['markets']>> {
    // Either way round: the clock may have been set back.
    const due = fresh && Math.abs(clock.now() - refreshedAt) >= freshListEveryMs
    if (due) refreshedAt = clock.now()
    // A list that failed to load is remembered by ccxt as a rejected promise: only a reload asks again.
    if (rest.markets === undefined || due) await asked(() => rest.loadMarkets(true))
    return rest.markets ?? {}
  }

  /** A question about one coin. A no that ccxt has no name for may mean that the coin is gone: the list knows. */
  async function askedOf<A>(coin: Coin, question: () => Promise<A>): Promise<A> {
    await markets(false)
    try {
      return await question()
    } catch (error) {
      const no = error instanceof errors.ExchangeError && !(error instanceof errors.BadSymbol)
      if (no && (await markets(true))[coin] === undefined) throw notListed(coin, error)
      throw faultOf(error, errors)
    }
  }

  function notListed(coin: Coin, cause?: unknown): Fault {
    return new Fault('feed.no_market', `${source} does not list ${coin}`, { cause })
  }

  async function trades(coin: Coin, from: Cursor): Promise<TradesPage> {
    const { since, limit, params } = quirks.query(from)
    const askedAt = clock.now()
    const page = await askedOf(coin, () => rest.fetchTrades(coin, since, limit, { ...params }))
    const ascending = page.toSorted(byTimeAndName(quirks))
    const next = quirks.next(from, ascending, askedAt)
    return { trades: columns(ascending, quirks), coveredTo: next?.at ?? askedAt, next }
  }

  async function candles(coin: Coin, from: Millis): Promise<readonly CandleRow[]> {
    const market = (await markets(false))[coin]
    if (market === undefined) throw notListed(coin)
    const raw = quirks.rawCandles
    const method = raw && market.spot === true ? rawMethod(rest, raw.method) : undefined
    const interval = timeframe(intervalMs)
    if (raw !== undefined && method !== undefined) {
      const query = { symbol: market.id, interval, startTime: from, limit: candlesPage }
      return (await askedOf(coin, () => method(query))).map((row) => raw.row(row))
    }
    if (rest.has.fetchOHLCV !== true) throw new Fault('feed.refused', `${source} has no candles`)
    return (await askedOf(coin, () => rest.fetchOHLCV(coin, interval, from))).map(unifiedRow)
  }

  async function time(): Promise<Millis | undefined> {
    if (rest.has.fetchTime === true) {
      return (await asked(() => rest.fetchTime())) + quirks.timeHalfStepMs
    }
    // A `Date` header tells whole seconds: on average it is half a second late.
    return toldDate && toldDate.told + 500 + clock.now() - toldDate.heardAt
  }

  async function listed(coin: Coin, fresh: boolean): Promise<'listed' | 'halted' | 'absent'> {
    const market = (await markets(fresh))[coin]
    if (market === undefined) return 'absent'
    return market.active === false ? 'halted' : 'listed'
  }

  function socket(ear: SocketEar): Socket {
    if (rest.has.watchTrades === true) return options.socket(ear)
    return pollingSocket({ trades, deep: quirks.deep }, ear, clock, pollEveryMs)
  }

  return {
    ...{ source, sequential: quirks.sequential, deep: quirks.deep },
    candleColumns: quirks.candleColumns,
    ...{ socket, trades, candles, time, listed },
    close: () => {
      timers.unsubscribe()
      void rest.fetchDispatcher?.destroy()
    },
  }
}

function listenToHeaders(rest: CcxtExchange, clock: Clock, hearDate: (told: Millis) => void): void {
  const judge = rest.handleErrors.bind(rest)
  rest.handleErrors = (code, reason, ...more) => {
    const headers = (more[2] ?? {}) as Readonly<Record<string, string | undefined>>
    const date = Date.parse(headers.Date ?? '')
    if (!Number.isNaN(date)) hearDate(date)
    const waitMs = parseRetryAfter(headers['Retry-After'], clock.now())
    if (waitMs !== undefined && (code === 418 || code === 429 || code === 503)) {
      throw new Limited(`${rest.id} answered ${code} and asks to wait ${waitMs} ms`, waitMs)
    }
    return judge(code, reason, ...more)
  }
}

type RawMethod = (query: unknown) => Promise<readonly (readonly unknown[])[]>

/** ccxt makes a method for every address of an exchange's API. */
function rawMethod(rest: CcxtExchange, name: string): RawMethod | undefined {
  const method = (rest as unknown as Readonly<Record<string, unknown>>)[name]
  return typeof method === 'function' ? (method.bind(rest) as RawMethod) : undefined
}

function unifiedRow(row: readonly number[]): CandleRow {
  const [openAt, open, high, low, close, volume] = row.map((value) => value ?? Number.NaN)
  const untold = Number.NaN
  return {
    openAt: openAt ?? untold,
    open: open ?? untold,
    high: high ?? untold,
    low: low ?? untold,
    close: close ?? untold,
    volume: volume ?? untold,
    quoteVolume: untold,
    takerBuyVolume: untold,
    trades: untold,
  }
}

/** 60000 → `1m`, as ccxt writes it. */
function timeframe(intervalMs: Millis): string {
  const minutes = intervalMs / 60_000
  if (minutes % 1440 === 0) return `${minutes / 1440}d`
  return minutes % 60 === 0 ? `${minutes / 60}h` : `${minutes}m`
}
