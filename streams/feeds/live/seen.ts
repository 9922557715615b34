/**
 * Which trades of one coin have already been handed on, so that each is handed on once however often and in whatever order
 * it arrives; and, where an exchange numbers a coin's trades without gaps, which ones it owes us.
 */
import type { Millis } from '../../time.ts'

/** Numbers `[from, to)` that have not come, though a later one has. */
export interface Owed {
  readonly from: number
  readonly to: number
  /** Event time of the last trade before them: what is owed happened no earlier. */
  readonly after: Millis
  readonly sinceWall: Millis
}

/** A jump larger than this is a new numbering, not a loss: the busiest coin has about a million trades a day. */
const jumpMax = 1_000_000
const owedMax = 256

export class Seen {
  readonly #sequential: boolean
  readonly #kept: number
  #first: number | undefined
  #next = 0
  #lastAt = 0
  #owed: Owed[] = []
  #young = new Set<number>()
  #old = new Set<number>()

  constructor(sequential: boolean, kept = 20_000) {
    this.#sequential = sequential
    this.#kept = kept
  }

  /** Whether this trade is new; it counts as seen from now on. */
  accept(id: number, at: Millis, receivedAt: Millis): boolean {
    if (!this.#sequential) return this.#remember(id)
    if (this.#first === undefined) return this.#begin(id, at)
    if (id === this.#next) {
      this.#next = id + 1
      if (at > this.#lastAt) this.#lastAt = at
      return true
    }
    if (id > this.#next) return this.#jump(id, at, receivedAt)
    if (id < this.#first) return this.#remember(id)
    return this.#pay(id, at)
  }

  has(id: number): boolean {
    if (!this.#sequential || this.#first === undefined || id < this.#first) {
      return this.#young.has(id) || this.#old.has(id)
    }
    return id < this.#next && !this.#owed.some((owed) => id >= owed.from && id < owed.to)
  }

  get owed(): readonly Owed[] {
    return this.#owed
  }

  /** The exchange has been asked, and what it did not give it does not have. */
  forgive(): void {
    this.#owed = []
  }

  #begin(id: number, at: Millis): true {
    this.#first = id
    this.#next = id + 1
    this.#lastAt = at
    return true
  }

  #jump(id: number, at: Millis, receivedAt: Millis): boolean {
    if (id - this.#next > jumpMax) {
      this.#owed = []
      return this.#begin(id, at)
    }
    this.#owed.push({ from: this.#next, to: id, after: this.#lastAt, sinceWall: receivedAt })
    if (this.#owed.length > owedMax) this.#owed = merged(this.#owed)
    this.#next = id + 1
    if (at > this.#lastAt) this.#lastAt = at
    return true
  }

  #pay(id: number, at: Millis): boolean {
    const i = this.#owed.findIndex((owed) => id >= owed.from && id < owed.to)
    const owed = this.#owed[i]
    if (owed === undefined) return false
    const rest = [
      { ...owed, to: id },
      { ...owed, from: id + 1, after: Math.max(owed.after, at) },
    ]
    this.#owed.splice(i, 1, ...rest.filter((part) => part.from < part.to))
    return true
  }

  #remember(id: number): boolean {
    if (this.#young.has(id) || this.#old.has(id)) return false
    if (this.#young.size >= this.#kept) {
      this.#old = this.#young
      this.#young = new Set()
    }
    this.#young.add(id)
    return true
  }
}

/** Too many to list are owed as one stretch; trades in between that have come are recognised again downstream by `(at, id)`. */
function merged(owed: readonly Owed[]): Owed[] {
  const first = owed[0] as Owed
  const last = owed.at(-1) as Owed
  return [{ ...first, to: last.to }]
}
