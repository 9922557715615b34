/** One coin's gate: of the trades that arrive, those that can be trades and have not passed before go on, each once. */
import type { Millis } from '../../time.ts'
import { type Trades, TradesBuilder } from '../../trade.ts'
import { refusal } from './refusal.ts'
import { type Owed, Seen } from './seen.ts'
import type { Cursor } from './venue.ts'

export class Intake {
  readonly #seen: Seen
  readonly #fresh = new TradesBuilder()
  readonly #refuse: (why: string) => void
  #lastAt: Millis = Number.NEGATIVE_INFINITY
  #lastId = 0

  constructor(sequential: boolean, refuse: (why: string) => void) {
    this.#seen = new Seen(sequential)
    this.#refuse = refuse
  }

  /** The latest trade that passed: reading on from here misses nothing. */
  get last(): Cursor | undefined {
    if (this.#lastAt === Number.NEGATIVE_INFINITY) return undefined
    return { at: this.#lastAt, id: this.#lastId }
  }

  /** Numbers that are missing between those that passed, oldest first. */
  get owed(): readonly Owed[] {
    return this.#seen.owed
  }

  forgive(): void {
    this.#seen.forgive()
  }

  /** `latest` is the latest instant that can be believed. What passes as a whole is handed on as it came. */
  pass(trades: Trades, latest: Millis, receivedAt: Millis): Trades {
    const { length, at, id, price, size } = trades
    let whole = true
    for (let i = 0; i < length; i++) {
      const passes = this.#passes(
        at[i] as number,
        id[i] as number,
        price[i] as number,
        size[i] as number,
        latest,
        receivedAt,
      )
      if (whole && !passes) {
        for (let j = 0; j < i; j++) this.#keep(trades, j)
        whole = false
      } else if (!whole && passes) this.#keep(trades, i)
    }
    return whole ? trades : this.#fresh.take()
  }

  #passes(
    at: Millis,
    id: number,
    price: number,
    size: number,
    latest: Millis,
    receivedAt: Millis,
  ): boolean {
    const why = refusal(at, price, size, latest)
    if (why !== undefined) {
      this.#refuse(why)
      return false
    }
    if (!this.#seen.accept(id, at, receivedAt)) return false
    if (at >= this.#lastAt) {
      this.#lastAt = at
      this.#lastId = id
    }
    return true
  }

  #keep(trades: Trades, i: number): void {
    const { at, id, price, size, side } = trades
    this.#fresh.push(
      at[i] as number,
      id[i] as number,
      price[i] as number,
      size[i] as number,
      side[i] as number,
    )
  }

  /** When the first of these trades that has not passed yet was made, Infinity when all have. */
  firstUnseen(trades: Trades): Millis {
    for (let i = 0; i < trades.length; i++) {
      if (!this.#seen.has(trades.id[i] as number)) return trades.at[i] as number
    }
    return Number.POSITIVE_INFINITY
  }

  /** Whether one of these trades was made before `at`, or was made then and has passed. */
  reachesBack({ length, at: ats, id }: Trades, at: Millis): boolean {
    for (let i = 0; i < length; i++) {
      const madeAt = ats[i] as number
      if (madeAt < at || (madeAt === at && this.#seen.has(id[i] as number))) return true
    }
    return false
  }
}
