/**
 * A stand-in exchange on loopback. It speaks a real exchange's REST and socket language to the real ccxt, its market is in
 * the test's hands, and it misbehaves on command. What it was told to trade is the truth; faults only change who hears of it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Subject } from 'rxjs'
import { randomFrom } from '../../streams/random.ts'
import { type Clock, wallClock } from '../../streams/time.ts'
import { binance } from './binance.ts'
import type { Dialect } from './dialect.ts'
import { kraken } from './kraken.ts'
import { type Deal, Market } from './market.ts'
import { accept, type Peer } from './websocket.ts'

const dialects = { binance, kraken } as const

export interface RestFault {
  readonly status: 429 | 503
  readonly retryAfter?: string
  /** How many questions are answered so. */
  times: number
}

/** Everything is well while all of these are at rest. */
export interface Faults {
  /** New sockets are refused, and REST answers nothing: the exchange is not there. */
  outage: boolean
  /** Every frame comes this many times more. */
  repeats: number
  /** Frames are kept back until so many wait, and come shuffled. */
  shuffle: number
  delayMs: number
  rest: RestFault | undefined
}

export class Exchange {
  readonly faults: Faults = {
    outage: false,
    repeats: 0,
    shuffle: 0,
    delayMs: 0,
    rest: undefined,
  }
  /** How far the exchange's clock is from the machine's. */
  offsetMs = 0
  /** How many sockets have been opened, and what was asked over REST. */
  connections = 0
  readonly questions: string[] = []
  /** Somebody came, said or asked something, or left. */
  readonly visited$ = new Subject<void>()
  readonly urls: { readonly rest: string; readonly ws: string }
  readonly #clock: Clock
  readonly #dialect: Dialect
  readonly #markets: readonly Market[]
  readonly #peers = new Map<Peer, Set<string>>()
  /** Sockets that stay open and tell nothing; those opened later are well. */
  readonly #mute = new Set<Peer>()
  readonly #kept: (() => void)[] = []
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #server
  readonly #random = randomFrom('faults')

  private constructor(dialect: Dialect, coins: readonly string[], server: Server, clock: Clock) {
    this.#clock = clock
    this.#dialect = dialect
    this.#markets = coins.map((coin) => new Market(coin))
    this.#server = server
    const { port } = server.address() as AddressInfo
    const at = `127.0.0.1:${port}`
    this.urls = { rest: `http://${at}`, ws: `ws://${at}${dialect.wsPath}` }
    server.on('request', (request, response) => this.#answer(request, response))
    server.on('upgrade', (request, socket) => this.#welcome(request, socket))
    this.#timers.add(setInterval(() => this.#beat(), 1000).unref())
  }

  static async start(
    venue: keyof typeof dialects,
    coins: readonly string[],
    port = 0,
    clock = wallClock,
  ): Promise<Exchange> {
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
    return new Exchange(dialects[venue], coins, server, clock)
  }

  /** The exchange's own time. */
  now(): number {
    return this.#clock.now() + this.offsetMs
  }

  market(coin: string): Market {
    const market = this.#markets.find((one) => one.coin === coin)
    if (market === undefined) throw new Error(`the stand-in has no ${coin}`)
    return market
  }

  /** Something is traded, and whoever listens is told. */
  trade(
    coin: string,
    deal: { price: number; size: number; at?: number; side?: 'buy' | 'sell' },
  ): Deal {
    const market = this.market(coin)
    const done = market.add({ ...deal, at: deal.at ?? this.now() })
    this.tell(coin, [done])
    return done
  }

  /** Tells everyone of these deals, subject to the faults in force. */
  tell(coin: string, deals: readonly Deal[]): void {
    const market = this.market(coin)
    for (const [peer, coins] of this.#peers) {
      if (!coins.has(coin)) continue
      for (const text of this.#dialect.frame(market, deals, peer.path)) this.#send(peer, text)
    }
  }

  /** Sends this text to everyone as it is. */
  say(text: string): void {
    for (const peer of this.#peers.keys()) if (!this.#mute.has(peer)) peer.send(text)
  }

  /** The sockets that are open now go silent, and stay open. */
  mute(): void {
    for (const peer of this.#peers.keys()) this.#mute.add(peer)
  }

  /** Every socket breaks. */
  drop(): void {
    for (const peer of this.#peers.keys()) peer.cut()
  }

  get listeners(): number {
    return [...this.#peers.values()].filter((coins) => coins.size > 0).length
  }

  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    this.drop()
    this.#server.closeAllConnections()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #send(peer: Peer, text: string): void {
    const { faults } = this
    if (this.#mute.has(peer)) return
    const send = (): void => {
      for (let i = 0; i <= faults.repeats; i++) peer.send(text)
    }
    if (faults.delayMs > 0) {
      const timer = setTimeout(() => {
        this.#timers.delete(timer)
        send()
      }, faults.delayMs)
      this.#timers.add(timer)
    } else if (faults.shuffle > 0) {
      this.#kept.push(send)
      if (this.#kept.length >= faults.shuffle) this.shuffled()
    } else send()
  }

  /** Lets go of the frames that were kept back, in an order of their own. */
  shuffled(): void {
    const kept = this.#kept.splice(0)
    while (kept.length > 0) kept.splice(Math.floor(this.#random.uniform() * kept.length), 1)[0]?.()
  }

  #welcome(request: IncomingMessage, socket: import('node:stream').Duplex): void {
    if (this.faults.outage) return void socket.destroy()
    this.connections += 1
    const peer = accept(
      request,
      socket,
      (text, from) => this.#heard(text, from),
      (gone) => {
        this.#peers.delete(gone)
        this.#mute.delete(gone)
        this.visited$.next()
      },
    )
    this.#peers.set(peer, new Set())
    for (const text of this.#dialect.greeting()) peer.send(text)
    this.visited$.next()
  }

  #heard(text: string, peer: Peer): void {
    const coins = this.#peers.get(peer)
    if (coins === undefined) return
    const { subscribed, replies } = this.#dialect.hear(JSON.parse(text), this.#markets)
    for (const coin of subscribed) coins.add(coin)
    for (const reply of replies) peer.send(reply)
    this.visited$.next()
  }

  #beat(): void {
    const beat = this.#dialect.heartbeat()
    if (beat !== undefined) this.say(beat)
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { faults } = this
    if (faults.outage) return void request.socket.destroy()
    const url = new URL(request.url ?? '/', this.urls.rest)
    this.questions.push(url.pathname + url.search)
    this.visited$.next()
    const fault = faults.rest
    if (fault !== undefined && fault.times > 0) {
      fault.times -= 1
      if (fault.retryAfter !== undefined) response.setHeader('Retry-After', fault.retryAfter)
      response.writeHead(fault.status).end('{}')
      return
    }
    const { status, body } = this.#dialect.rest(
      url.pathname,
      url.searchParams,
      this.#markets,
      this.now(),
    )
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  }
}

type Server = ReturnType<typeof createServer>
