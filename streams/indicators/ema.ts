/**
 * Exponential moving average, α = 2 / (length + 1), seeded like TA-Lib's with the mean of the first `length` numbers
 * after `skip`. What the seed left is (1 - α)^k after k candles: below 2.5e-9 after 10 lengths.
 */
import type { Layout, Memory, Place, Series } from './layout.ts'

/** Lengths after which what an EMA's seed was off by is below 1e-6 of anything the market does, MACDs included. */
export const emaLengths = 10

export class Ema {
  readonly #length: number
  readonly #skip: number
  /** Numbers seen until seeded; the average, or the sum until seeded. */
  readonly #at: Place

  constructor(layout: Layout, length: number, skip = 0) {
    this.#length = length
    this.#skip = skip
    this.#at = layout.take(2)
  }

  run(s: Memory, x: Series, n: number, average: Series): void {
    const alpha = 2 / (this.#length + 1)
    let j = this.#seed(s, x, n, average)
    let value = s[this.#at + 1]!
    for (; j < n; j++) {
      value += (x[j]! - value) * alpha
      average[j] = value
    }
    s[this.#at + 1] = value
  }

  /** How many of the block went into the seed. */
  #seed(s: Memory, x: Series, n: number, average: Series): number {
    const at = this.#at
    const seeded = this.#length + this.#skip
    let j = 0
    for (; j < n && s[at]! < seeded; j++) {
      const seen = s[at]! + 1
      s[at] = seen
      if (seen > this.#skip) s[at + 1] = s[at + 1]! + x[j]!
      if (seen === seeded) s[at + 1] = s[at + 1]! / this.#length
      average[j] = s[at + 1]!
    }
    return j
  }
}
