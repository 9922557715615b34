/**
 * One socket and the coins on it. A lost socket is replaced by a fresh one after a backoff, for as long as a coin is followed;
 * an old one is never mended, because ccxt keeps what a dead connection left behind in its instance.
 *
 * idle → connecting → up ⇄ waiting → … → idle when the last coin leaves
 */
import { Subscription } from 'rxjs'
import type { Coin } from '../../coin.ts'
import type { Clock, Millis } from '../../time.ts'
import type { Trades } from '../../trade.ts'
import { type Backoff, delayMs } from '../reconnect.ts'
import type { Cursor, Socket, SocketEar } from './venue.ts'

export interface CoinEar {
  up(): void
  heard(trades: Trades): void
  told(askedAt: Millis): void
  torn(last: Cursor): void
  down(cause: string, attempt: number): void
  refused(what: string, detail: string): void
}

export interface LineOptions {
  readonly clock: Clock
  readonly random: () => number
  readonly backoff: Backoff
  /** A socket that does not come up within this is given up. */
  readonly connectMsMax: Millis
  readonly socket: (ear: SocketEar) => Socket
}

export class Line {
  readonly #options: LineOptions
  readonly #ears = new Map<Coin, CoinEar>()
  readonly #up = new Set<Coin>()
  #socket: Socket | undefined
  #timer = new Subscription()
  #attempt = 0
  #connectedAt: Millis | undefined

  constructor(options: LineOptions) {
    this.#options = options
  }

  add(coin: Coin, ear: CoinEar): void {
    this.#ears.set(coin, ear)
    if (this.#ears.size === 1) this.#connect()
    else this.#socket?.watch(coin)
  }

  remove(coin: Coin): void {
    this.#ears.delete(coin)
    this.#up.delete(coin)
    if (this.#ears.size === 0) this.#hangUp()
  }

  /** Someone found out that this socket no longer tells what happens. */
  replace(cause: string): void {
    if (this.#socket !== undefined) this.#lost(cause)
  }

  #connect(): void {
    this.#connectedAt = undefined
    this.#timer.unsubscribe()
    const { clock, connectMsMax, socket } = this.#options
    const mine: Socket = socket({
      up: (coin) => this.#came(coin, mine),
      trades: (coin, trades) => {
        if (this.#socket === mine) this.#ears.get(coin)?.heard(trades)
      },
      told: (coin, askedAt) => {
        if (this.#socket === mine) this.#ears.get(coin)?.told(askedAt)
      },
      torn: (coin, last) => {
        if (this.#socket === mine) this.#ears.get(coin)?.torn(last)
      },
      lost: (cause) => {
        if (this.#socket === mine) this.#lost(cause)
      },
      refused: (coin, what, detail) => this.#refused(coin, what, detail),
    })
    this.#socket = mine
    this.#timer = clock.schedule(() => {
      if (this.#connectedAt === undefined) this.#lost('no connection in time')
    }, connectMsMax)
    for (const coin of this.#ears.keys()) mine.watch(coin)
  }

  #came(coin: Coin, socket: Socket): void {
    if (this.#socket !== socket) return
    this.#connectedAt ??= this.#options.clock.now()
    const ear = this.#ears.get(coin)
    if (ear === undefined || this.#up.has(coin)) return
    this.#up.add(coin)
    ear.up()
  }

  #lost(cause: string): void {
    const { clock, backoff, random } = this.#options
    const lived = this.#connectedAt === undefined ? 0 : clock.now() - this.#connectedAt
    if (lived >= backoff.forgottenAfterMs) this.#attempt = 0
    const waitMs = delayMs(backoff, this.#attempt, random)
    this.#attempt += 1
    this.#hangUp()
    this.#timer = clock.schedule(() => this.#connect(), waitMs)
    for (const ear of [...this.#ears.values()]) ear.down(cause, this.#attempt)
  }

  #hangUp(): void {
    this.#timer.unsubscribe()
    this.#up.clear()
    this.#connectedAt = undefined
    const old = this.#socket
    this.#socket = undefined
    old?.close()
  }

  /** What cannot be put down to one coin is told to the first: it is counted, and once. */
  #refused(coin: Coin | undefined, what: string, detail: string): void {
    const ear = coin === undefined ? [...this.#ears.values()][0] : this.#ears.get(coin)
    ear?.refused(what, detail)
  }
}
