/**
 * One ccxt instance with one socket, for one life. Trades are taken from the frames themselves where their format is known,
 * else where ccxt puts them, in the cache of each symbol, at the moment it does: awaiting `watchTrades` in a loop, as ccxt
 * suggests, leaves a trade that arrives between two calls lying until the next one comes, and drops what exceeds the cache.
 * A frame that nobody can digest is counted and costs nothing else.
 */
import { Subscription } from 'rxjs'
import type { Coin } from '../../../coin.ts'
import type { Clock, Millis } from '../../../time.ts'
import { type Trades, TradesBuilder } from '../../../trade.ts'
import type { Socket, SocketEar } from '../venue.ts'
import type { CcxtClient, CcxtExchange } from './exchange.ts'
import type { TradeSink } from './frames.ts'
import type { CcxtTrade, Quirks } from './quirks.ts'
import { columns, pushTrade } from './trades.ts'

/** An exchange that acknowledges nothing is taken to have heard us by then. */
const settledAfterMs: Millis = 2_000
/** A socket that was told to close is cut when the other side has not agreed by then. */
const cutAfterMs: Millis = 100

export interface SocketOptions {
  readonly exchange: CcxtExchange
  /** Where the list of markets has already been loaded. */
  readonly rest: CcxtExchange
  readonly quirks: Quirks
  readonly clock: Clock
  readonly ear: SocketEar
}

export function ccxtSocket(options: SocketOptions): Socket {
  const { exchange, rest, quirks, clock, ear } = options
  const pending = new Set<Coin>()
  /** Acknowledged: ccxt would send no second subscription for them, and nobody would answer one that it did not send. */
  const standing = new Set<Coin>()
  const timers = new Subscription()
  const bySymbol = new Map<string, Chunk>()
  const guardedClients = new WeakSet<CcxtClient>()
  let asked: Coin[] = []
  let closed = false
  exchange.setMarketsFromExchange(rest)
  listen()

  function listen(): void {
    const digest = exchange.handleMessage.bind(exchange)
    exchange.handleMessage = (client, frame) => {
      if (!closed) hear(frame, () => digest(client, frame))
    }
    // ccxt prints frames that are no JSON; they are counted in `hear`.
    exchange.log = () => {}
    exchange.onConnected = () => {
      timers.add(clock.schedule(settled, settledAfterMs))
    }
    const forget = exchange.onError.bind(exchange)
    exchange.onError = (client, error) => {
      forget(client, error)
      lost(error)
    }
    exchange.onClose = () => lost('closed by the exchange')
    const open = exchange.client.bind(exchange)
    exchange.client = (url) => guarded(open(url))
  }

  /** ccxt sends a subscription after a pause and lets nobody see how that ended: a socket may have broken meanwhile. */
  function guarded(client: CcxtClient): CcxtClient {
    if (guardedClients.has(client)) return client
    guardedClients.add(client)
    const send = client.send.bind(client)
    client.send = (message) => send(message).catch(lost)
    return client
  }

  const takeFrame: TradeSink = (symbol, at, id, price, size, side) => {
    const chunk = bySymbol.get(symbol)
    if (chunk === undefined) return
    chunk.bundle.push(at, id, price, size, side)
    chunk.fed()
  }

  function hear(frame: unknown, digest: () => void): void {
    if (typeof frame === 'string' && (!quirks.textFrames || /^\s*[[{]/.test(frame))) {
      ear.refused(undefined, 'frame', frame.slice(0, 100))
      return
    }
    if (pending.size > 0 && quirks.acknowledges(frame)) settled()
    if (quirks.frames?.read(frame, takeFrame) === true) return
    try {
      digest()
    } catch (error) {
      ear.refused(undefined, 'frame', String(error).slice(0, 100))
    }
  }

  function settled(): void {
    if (closed || pending.size === 0) return
    const coins = [...pending]
    pending.clear()
    for (const coin of coins) up(coin)
  }

  function up(coin: Coin): void {
    if (closed) return
    standing.add(coin)
    ear.up(coin)
  }

  function lost(cause: unknown): void {
    if (closed) return
    close()
    ear.lost(cause instanceof Error ? cause.message : String(cause))
  }

  async function subscribe(): Promise<void> {
    // ccxt wants an agent for plain `ws:`, which only loopback and mirrors have.
    await exchange.loadHttpProxyAgent()
    const coins = asked
    asked = []
    if (closed) return
    for (const coin of coins) prepare(coin)
    const params = { ...quirks.watchParams }
    try {
      if (exchange.has.watchTradesForSymbols === true) {
        await exchange.watchTradesForSymbols(coins, undefined, undefined, params)
      } else {
        const watch = (coin: Coin) => exchange.watchTrades(coin, undefined, undefined, params)
        await Promise.all(coins.map(watch))
      }
      await Promise.all(coins.map(readAnswers))
    } catch (error) {
      lost(error)
    }
  }

  function prepare(coin: Coin): void {
    const chunk = new Chunk((trades) => {
      if (!closed) ear.trades(coin, trades)
    })
    const market = rest.markets?.[coin]
    if (quirks.frames !== undefined && market !== undefined) {
      bySymbol.set(quirks.frames.symbol(market), chunk)
    }
    exchange.trades[coin] = new Cache((trade) => {
      pushTrade(chunk.bundle, trade, quirks)
      chunk.fed()
    })
  }

  /** Most exchanges fill the cache that is there. Where ccxt made one of its own, its answers are read instead. */
  async function readAnswers(coin: Coin): Promise<void> {
    while (!closed && !(exchange.trades[coin] instanceof Cache)) {
      const params = { ...quirks.watchParams }
      const trades = await exchange.watchTrades(coin, undefined, undefined, params)
      if (!closed) ear.trades(coin, columns(trades, quirks))
    }
  }

  function close(): void {
    closed = true
    timers.unsubscribe()
    const clients = Object.values(exchange.clients)
    // ccxt waits for the other side to agree; the other side may be the reason for leaving. How that ends is of no interest.
    exchange.close().catch(() => {})
    for (const client of clients) clock.schedule(() => client.connection?.terminate?.(), cutAfterMs)
  }

  return {
    watch: (coin) => {
      if (standing.has(coin)) {
        queueMicrotask(() => up(coin))
        return
      }
      pending.add(coin)
      asked.push(coin)
      if (asked.length === 1) queueMicrotask(() => void subscribe())
    },
    close,
  }
}

/** All that one chunk of the socket brought for a coin leaves as one bundle, before anything else happens. */
class Chunk {
  readonly bundle = new TradesBuilder()
  readonly #leave: (trades: Trades) => void
  #leaving = false

  constructor(leave: (trades: Trades) => void) {
    this.#leave = leave
  }

  fed(): void {
    if (this.#leaving) return
    this.#leaving = true
    queueMicrotask(() => {
      this.#leaving = false
      this.#leave(this.bundle.take())
    })
  }
}

/** Stands where ccxt keeps the last trades of a symbol: ccxt appends to it, and asks it how many were new. */
class Cache extends Array<CcxtTrade> {
  readonly #take: (trade: CcxtTrade) => void

  constructor(take: (trade: CcxtTrade) => void) {
    super()
    this.#take = take
  }

  /** Slices of it are plain arrays. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array
  }

  append(trade: CcxtTrade): void {
    this.#take(trade)
  }

  getLimit(): number {
    return 0
  }
}
