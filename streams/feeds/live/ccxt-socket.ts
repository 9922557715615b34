/**
 * One ccxt instance with one socket, for one life. Trades are taken where ccxt puts them, in the cache of each symbol, at the
 * moment it does: awaiting `watchTrades` in a loop, as ccxt suggests, leaves a trade that arrives between two calls lying
 * until the next one comes, and drops what exceeds the cache. A frame that ccxt cannot digest is counted and costs nothing else.
 */
import { Subscription } from 'rxjs'
import type { Coin } from '../../coin.ts'
import type { Clock, Millis } from '../../time.ts'
import { Bundle } from './bundle.ts'
import type { CcxtExchange } from './ccxt-exchange.ts'
import { columns, pushTrade } from './ccxt-venue.ts'
import type { CcxtTrade, Quirks } from './quirks.ts'
import type { Socket, SocketEar } from './venue.ts'

/** An exchange that acknowledges nothing is taken to have heard us by then. */
const settledAfterMs: Millis = 2_000

export function ccxtSocket(options: {
  readonly exchange: CcxtExchange
  /** Where the list of markets has already been loaded. */
  readonly rest: CcxtExchange
  readonly quirks: Quirks
  readonly clock: Clock
  readonly ear: SocketEar
}): Socket {
  const { exchange, rest, quirks, clock, ear } = options
  const pending = new Set<Coin>()
  const timers = new Subscription()
  let asked: Coin[] = []
  let closed = false
  exchange.setMarketsFromExchange(rest)

  function lost(cause: string): void {
    if (closed) return
    close()
    ear.lost(cause)
  }

  function settled(): void {
    if (closed || pending.size === 0) return
    const coins = [...pending]
    pending.clear()
    for (const coin of coins) ear.up(coin)
  }

  const digest = exchange.handleMessage.bind(exchange)
  exchange.handleMessage = (client, frame) => {
    if (closed) return
    if (typeof frame === 'string' && (!quirks.textFrames || /^\s*[[{]/.test(frame))) {
      ear.refused(undefined, 'frame', frame.slice(0, 100))
      return
    }
    if (pending.size > 0 && quirks.acknowledges(frame)) settled()
    try {
      digest(client, frame)
    } catch (error) {
      ear.refused(undefined, 'frame', String(error).slice(0, 100))
    }
  }
  // ccxt prints frames that are no JSON; they are counted above.
  exchange.log = () => {}
  exchange.onConnected = () => {
    timers.add(clock.schedule(settled, settledAfterMs))
  }
  const forget = exchange.onError.bind(exchange)
  exchange.onError = (client, error) => {
    forget(client, error)
    lost(error instanceof Error ? error.message : String(error))
  }
  exchange.onClose = () => lost('closed by the exchange')

  async function follow(coin: Coin, sink: Sink): Promise<void> {
    // Most exchanges fill the cache that is there. Where ccxt made one of its own, its answers are read instead.
    while (!closed && exchange.trades[coin] !== sink) {
      const trades = await exchange.watchTrades(coin, undefined, undefined, quirks.watchParams)
      if (!closed && exchange.trades[coin] !== sink) ear.trades(coin, columns(trades, quirks))
    }
  }

  async function subscribe(): Promise<void> {
    // ccxt wants an agent for plain `ws:`, which only loopback and mirrors have.
    await exchange.loadHttpProxyAgent()
    const coins = asked
    asked = []
    if (closed) return
    const sinks = new Map(coins.map((coin) => [coin, sinkFor(coin, quirks, ear, () => closed)]))
    for (const [coin, sink] of sinks) exchange.trades[coin] = sink
    const together = exchange.has.watchTradesForSymbols === true
    const params = { ...quirks.watchParams }
    try {
      if (together) await exchange.watchTradesForSymbols(coins, undefined, undefined, params)
      else {
        const each = coins.map((coin) => exchange.watchTrades(coin, undefined, undefined, params))
        await Promise.all(each)
      }
      await Promise.all([...sinks].map(([coin, sink]) => follow(coin, sink)))
    } catch (error) {
      lost(error instanceof Error ? error.message : String(error))
    }
  }

  function close(): void {
    closed = true
    timers.unsubscribe()
    const clients = Object.values(exchange.clients)
    // ccxt waits for the other side to agree; the other side may be the reason for leaving.
    exchange.close().catch(() => {})
    for (const client of clients) clock.schedule(() => client.connection?.terminate?.(), 100)
  }

  return {
    watch: (coin) => {
      pending.add(coin)
      asked.push(coin)
      if (asked.length === 1) queueMicrotask(() => void subscribe())
    },
    close,
  }
}

/** Stands where ccxt keeps the last trades of a symbol: ccxt appends to it, and asks it how many were new. */
class Sink extends Array<CcxtTrade> {
  readonly #take: (trade: CcxtTrade) => void

  constructor(take: (trade: CcxtTrade) => void) {
    super()
    this.#take = take
  }

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

/** All that one chunk of the socket brought for a coin leaves as one bundle, before anything else happens. */
function sinkFor(coin: Coin, quirks: Quirks, ear: SocketEar, closed: () => boolean): Sink {
  const bundle = new Bundle()
  return new Sink((trade) => {
    pushTrade(bundle, trade, quirks)
    if (bundle.length > 1) return
    queueMicrotask(() => {
      const trades = bundle.take()
      if (!closed()) ear.trades(coin, trades)
    })
  })
}
