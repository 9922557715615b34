/**
 * Where an engine's numbers lie. All that the indicators of one coin remember is a single Float64Array, and an indicator
 * is a place in it: saving is a copy, fresh memory is zeroes, and the indicators themselves are shared by all coins.
 *
 * Indicators run over blocks of candles, series in and series out, and a block may be a single candle: what they say does
 * not depend on how candles are bundled. One call a block instead of one a candle makes a wide set three times as fast.
 */

/** What the indicators of one coin remember between blocks. */
export type Memory = Float64Array

/** The index of a number in a memory. */
export type Place = number

/** One number a candle, for a block of candles. An indicator may write its result over its input. */
export type Series = Float64Array

/** A counter that runs 0, 1, … `length` - 1, 0 … with the candles; in memory it is that of the block's first candle. */
export interface Cycle {
  readonly place: Place
  readonly length: number
}

export class Layout {
  #size = 0
  readonly #cycles = new Map<number, Cycle>()

  /** The first of `numbers` places that nobody else has. */
  take(numbers: number): Place {
    const place = this.#size
    this.#size += numbers
    return place
  }

  /** One counter for each length: the number of the candle since 1970 modulo the length, wherever an engine began. */
  cycle(length: number): Place {
    const known = this.#cycles.get(length)
    if (known) return known.place
    const place = this.take(1)
    this.#cycles.set(length, { place, length })
    return place
  }

  get size(): number {
    return this.#size
  }

  get cycles(): readonly Cycle[] {
    return [...this.#cycles.values()]
  }
}

/** Sets the counters of empty memory for candle number `index`. */
export function begin(s: Memory, cycles: readonly Cycle[], index: number): void {
  for (const cycle of cycles) s[cycle.place] = index % cycle.length
}

/** To the candle after a block of `n`. */
export function turn(s: Memory, cycles: readonly Cycle[], n: number): void {
  for (let i = 0; i < cycles.length; i++) {
    const { place, length } = cycles[i]!
    const slot = (s[place]! | 0) + n
    s[place] = slot < length ? slot : slot % length
  }
}
