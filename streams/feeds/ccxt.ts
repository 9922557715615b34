/**
 * The one door to ccxt, and it is opened late: a daemon that plays a tape never loads it. One instance answers REST questions
 * for as long as the feed lives; every socket gets an instance of its own that is thrown away with it, because ccxt keeps in
 * its instances what dead connections left behind (ccxt issues 21369, 22194).
 */
import type { Coin } from '../coin.ts'
import { Fault } from '../fault.ts'
import { type Clock, type Millis, minuteMs } from '../time.ts'
import type { CcxtErrors, CcxtExchange } from './live/ccxt/exchange.ts'
import { nearest } from './live/ccxt/nearest.ts'
import { quirksOf } from './live/ccxt/quirks.ts'
import { ccxtSocket } from './live/ccxt/socket.ts'
import { ccxtVenue } from './live/ccxt/venue.ts'
import { type LiveLimits, liveLimits } from './live/limits.ts'
import { type LiveFeed, liveFeed } from './live/live-feed.ts'

export interface CcxtOptions {
  /** A ccxt exchange id: `binance`, `kraken`, … */
  readonly source: string
  readonly clock: Clock
  readonly random: () => number
  /** Decides which of an exchange's markets are loaded: a coin with `:` is a derivative. */
  readonly coins?: readonly Coin[]
  readonly intervalMs?: Millis
  /**
   * Replaces scheme, host and port of every address that ccxt has for the exchange and keeps the path: `rest` for http, `ws`
   * for sockets, both may have a path of their own in front (`market.urls`). For mirrors, recorders and the stand-in.
   */
  readonly urls?: Urls | undefined
  readonly limits?: Partial<LiveLimits>
  /** Between two REST questions, where the exchange's own limit (ccxt knows it) is not meant. */
  readonly rateLimitMs?: Millis | undefined
  /** Let ccxt read every frame, also those that we could read ourselves. */
  readonly ccxtReads?: boolean
}

export interface Urls {
  readonly rest?: string | undefined
  readonly ws?: string | undefined
}

export async function ccxtFeed(options: CcxtOptions): Promise<LiveFeed> {
  const { source, clock, random, intervalMs = minuteMs } = options
  const { errors, make } = await ccxtOf(options)
  const { frames, ...plainly } = quirksOf(source)
  const quirks =
    frames === undefined || options.ccxtReads === true ? plainly : { ...plainly, frames }
  const rest = make()
  const venue = ccxtVenue({
    ...{ source, quirks, rest, errors, clock, intervalMs },
    socket: (ear) => ccxtSocket({ exchange: make(), rest, quirks, clock, ear }),
  })
  return liveFeed(venue, {
    ...{ clock, random, intervalMs },
    limits: { ...liveLimits, ...options.limits },
  })
}

/** Does this exchange answer at all? For choosing a source: `false` is an answer, an unknown id is a `Fault`. */
export async function canReach(
  source: string,
  timeoutMs: Millis,
  urls?: Urls | undefined,
): Promise<boolean> {
  const { make } = await ccxtOf({ source, urls })
  const exchange = make()
  exchange.timeout = timeoutMs
  try {
    if (exchange.has.fetchTime === true) await exchange.fetchTime()
    else await exchange.loadMarkets()
    return true
  } catch {
    return false
  } finally {
    await exchange.fetchDispatcher?.destroy()
  }
}

export interface Loaded {
  readonly errors: CcxtErrors
  readonly make: () => CcxtExchange
}

/** ccxt itself, pointed where `urls` says. For the feed, and for measuring what ccxt costs. */
export async function ccxtOf(
  options: Pick<CcxtOptions, 'source' | 'coins' | 'urls' | 'rateLimitMs'>,
): Promise<Loaded> {
  const { source, coins = [], urls, rateLimitMs } = options
  const { default: ccxt } = await import('ccxt')
  const sockets = ccxt.pro as unknown as Readonly<Record<string, ExchangeClass>>
  const plain = ccxt as unknown as Readonly<Record<string, ExchangeClass>>
  if (!ccxt.exchanges.includes(source)) throw unknownSource(source, ccxt.exchanges)
  const Exchange = (sockets[source] ?? plain[source]) as ExchangeClass
  const config = {
    options: quirksOf(source).options(coins.some((coin) => coin.includes(':'))),
    newUpdates: true,
    ...(rateLimitMs === undefined ? {} : { rateLimit: rateLimitMs }),
  }
  return {
    errors: ccxt as unknown as CcxtErrors,
    make: () => {
      const exchange = new Exchange(config)
      if (urls !== undefined) exchange.urls.api = redirected(exchange.urls.api, urls)
      return exchange
    },
  }
}

type ExchangeClass = new (config: unknown) => CcxtExchange

function unknownSource(source: string, ids: readonly string[]): Fault {
  const near = nearest(source, ids)
  const hint = near.length > 0 ? `, did you mean ${near.join(' or ')}?` : ''
  return new Fault('feed.unknown_source', `ccxt knows no exchange '${source}'${hint}`)
}

function redirected(api: unknown, urls: Urls): unknown {
  if (typeof api === 'object' && api !== null) {
    return Object.fromEntries(Object.entries(api).map(([k, v]) => [k, redirected(v, urls)]))
  }
  if (typeof api !== 'string') return api
  const to = api.startsWith('ws') ? urls.ws : urls.rest
  return to === undefined ? api : api.replace(/^\w+:\/\/[^/]+/, to.replace(/\/$/, ''))
}
