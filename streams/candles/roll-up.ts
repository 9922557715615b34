/**
 * Larger candles from one-interval ones: 5m, 15m, 1h, 1d from 1m. A larger candle is the fold of its set of base candles in
 * time order, always from the base and never from each other, so sums do not depend on the way there. Which parts were
 * empty or missing goes with it; a candle whose parts are partly missing has prices, and says what it lacks.
 */
import { strict as assert } from 'node:assert'
import { dayMs, floorTo, hourMs, type Millis, minuteMs } from '../time.ts'
import type { Bar, Candle } from './candle.ts'
import { barsAgree, candleOf, emptyBar, missingBar } from './fold.ts'

export const rollUpIntervals: readonly Millis[] = [5 * minuteMs, 15 * minuteMs, hourMs, dayMs]

export interface Rolled extends Candle {
  readonly intervalMs: Millis
  readonly parts: Parts
}

/** How many base candles there should be, and how many of each kind there were; the rest is not known at all. */
export interface Parts {
  readonly expected: number
  /** With prices, `corrected` ones included. */
  readonly traded: number
  readonly corrected: number
  readonly empty: number
  readonly missing: number
}

export type RollUpEvent =
  | { readonly type: 'closed'; readonly candle: Rolled }
  | { readonly type: 'corrected'; readonly candle: Rolled }

/** Any order, any repetition: of one opening the highest revision counts. Unfinished ends come as partial candles. */
export function rollUp(
  base: readonly Candle[],
  baseMs: Millis,
  intervalMs: Millis,
): readonly Rolled[] {
  assertNests(baseMs, intervalMs)
  const groups = new Map<Millis, Group>()
  for (const candle of base) {
    const openAt = floorTo(candle.openAt, intervalMs)
    let group = groups.get(openAt)
    if (group === undefined) {
      group = new Group(openAt, baseMs, intervalMs)
      groups.set(openAt, group)
    }
    group.put(candle)
  }
  const ordered = [...groups.values()].sort((a, b) => a.openAt - b.openAt)
  return ordered.map((group) => group.fold(0))
}

/**
 * The same, candle by candle as they close and are corrected. A larger candle closes with the last interval that it
 * covers. Base candles are kept for `keepMs` of closed larger candles; a correction older than that is not told here:
 * whoever needs it folds anew from the store with `rollUp`.
 */
export class RollUp {
  readonly #baseMs: Millis
  readonly #intervalMs: Millis
  readonly #keepMs: Millis
  readonly #groups = new Map<Millis, Group>()
  #newest = Number.NEGATIVE_INFINITY

  constructor(options: {
    readonly baseMs: Millis
    readonly intervalMs: Millis
    readonly keepMs: Millis
  }) {
    assertNests(options.baseMs, options.intervalMs)
    this.#baseMs = options.baseMs
    this.#intervalMs = options.intervalMs
    this.#keepMs = options.keepMs
  }

  add(candle: Candle): RollUpEvent | undefined {
    const openAt = floorTo(candle.openAt, this.#intervalMs)
    let group = this.#groups.get(openAt)
    if (group === undefined) {
      if (openAt + this.#intervalMs + this.#keepMs <= this.#newest) return undefined
      group = new Group(openAt, this.#baseMs, this.#intervalMs)
      this.#groups.set(openAt, group)
    }
    group.put(candle)
    this.#newest = Math.max(this.#newest, candle.openAt + this.#baseMs)
    const told = group.told
    if (openAt + this.#intervalMs > this.#newest) return undefined
    const rolled = group.fold(told === undefined ? 0 : told.revision + 1)
    if (told !== undefined && agree(told, rolled)) return undefined
    group.told = rolled
    this.#forget()
    return { type: told === undefined ? 'closed' : 'corrected', candle: rolled }
  }

  /** The larger candle that is still open, as far as its closed parts go. */
  preview(): Rolled | undefined {
    return this.#groups.get(floorTo(this.#newest, this.#intervalMs))?.fold(0)
  }

  #forget(): void {
    for (const openAt of this.#groups.keys()) {
      if (openAt + this.#intervalMs + this.#keepMs <= this.#newest) this.#groups.delete(openAt)
    }
  }
}

/** The base candles of one larger candle, by their place in it. While they come in order the fold goes on where it was. */
class Group {
  readonly openAt: Millis
  told: Rolled | undefined
  readonly #baseMs: Millis
  readonly #intervalMs: Millis
  readonly #parts: (Candle | undefined)[]
  #sum: Sum = new Sum()
  /** Places before this are in the sum. */
  #summed = 0

  constructor(openAt: Millis, baseMs: Millis, intervalMs: Millis) {
    this.openAt = openAt
    this.#baseMs = baseMs
    this.#intervalMs = intervalMs
    this.#parts = new Array(intervalMs / baseMs).fill(undefined)
  }

  put(candle: Candle): void {
    const place = (candle.openAt - this.openAt) / this.#baseMs
    assert(Number.isInteger(place), 'a base candle opens on its interval')
    const before = this.#parts[place]
    if (before !== undefined && before.revision >= candle.revision) return
    this.#parts[place] = candle
    if (place < this.#summed) {
      this.#sum = new Sum()
      this.#summed = 0
    }
  }

  fold(revision: number): Rolled {
    for (; this.#summed < this.#parts.length; this.#summed++) {
      const part = this.#parts[this.#summed]
      if (part === undefined && !this.#hasAfter(this.#summed)) break
      if (part !== undefined) this.#sum.add(part)
    }
    const expected = this.#parts.length
    const coin = this.#parts.find((part) => part !== undefined)!.coin
    const { bar, parts } = this.#sum.read(this.openAt, expected)
    const priced = revision === 0 ? 'final' : 'corrected'
    const bare = parts.missing > 0 ? 'missing' : 'empty'
    const candle = candleOf(coin, bar, parts.traded > 0 ? priced : bare, revision)
    return { ...candle, intervalMs: this.#intervalMs, parts }
  }

  #hasAfter(place: number): boolean {
    for (let k = place + 1; k < this.#parts.length; k++)
      if (this.#parts[k] !== undefined) return true
    return false
  }
}

class Sum {
  #open = Number.NaN
  #high = Number.NEGATIVE_INFINITY
  #low = Number.POSITIVE_INFINITY
  #close = Number.NaN
  #volume = 0
  #quoteVolume = 0
  #takerBuyVolume = 0
  #trades = 0
  #traded = 0
  #corrected = 0
  #empty = 0
  #missing = 0

  add(part: Candle): void {
    if (part.state === 'empty') {
      this.#empty++
      return
    }
    if (part.state === 'missing') {
      this.#missing++
      return
    }
    if (this.#traded === 0) this.#open = part.open
    this.#traded++
    if (part.state === 'corrected') this.#corrected++
    this.#high = Math.max(this.#high, part.high)
    this.#low = Math.min(this.#low, part.low)
    this.#close = part.close
    this.#volume += part.volume
    this.#quoteVolume += part.quoteVolume
    this.#takerBuyVolume += part.takerBuyVolume
    this.#trades += part.trades
  }

  read(openAt: Millis, expected: number): { readonly bar: Bar; readonly parts: Parts } {
    const parts: Parts = {
      expected,
      traded: this.#traded,
      corrected: this.#corrected,
      empty: this.#empty,
      missing: this.#missing,
    }
    if (this.#traded === 0) {
      return { bar: this.#missing > 0 ? missingBar(openAt) : emptyBar(openAt), parts }
    }
    const bar: Bar = {
      openAt,
      open: this.#open,
      high: this.#high,
      low: this.#low,
      close: this.#close,
      volume: this.#volume,
      quoteVolume: this.#quoteVolume,
      takerBuyVolume: this.#takerBuyVolume,
      trades: this.#trades,
    }
    return { bar, parts }
  }
}

function agree(a: Rolled, b: Rolled): boolean {
  return (
    barsAgree(a, b) &&
    a.parts.traded === b.parts.traded &&
    a.parts.empty === b.parts.empty &&
    a.parts.missing === b.parts.missing
  )
}

function assertNests(baseMs: Millis, intervalMs: Millis): void {
  assert(
    intervalMs > baseMs && intervalMs % baseMs === 0,
    'the larger interval holds whole base ones',
  )
}
