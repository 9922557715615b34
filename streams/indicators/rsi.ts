/**
 * Wilder's relative strength index, 0 to 100, seeded like TA-Lib's with the mean of the first `length` changes. What
 * the seed left is (1 - 1/length)^k after k candles: below 2.1e-9 after 20 lengths. A market that has not moved since the
 * beginning has 50 here and 0 in TA-Lib.
 */
import type { Layout, Memory, Place, Series } from './layout.ts'

/** Lengths after which what the seed of one of Wilder's averages was off by is below 1e-6 of anything the market does. */
export const wilderLengths = 20

export class Rsi {
  readonly #length: number
  /** Numbers seen until seeded, the previous number, mean gain, mean loss (sums until seeded). */
  readonly #at: Place

  constructor(layout: Layout, length: number) {
    this.#length = length
    this.#at = layout.take(4)
  }

  run(s: Memory, x: Series, n: number, strength: Series): void {
    const at = this.#at
    const share = 1 / this.#length
    let j = this.#seed(s, x, n, strength)
    let before = s[at + 1]!
    let gain = s[at + 2]!
    let loss = s[at + 3]!
    for (; j < n; j++) {
      const change = x[j]! - before
      before = x[j]!
      gain += (Math.max(change, 0) - gain) * share
      loss += (Math.max(-change, 0) - loss) * share
      strength[j] = strengthOf(gain, loss)
    }
    s[at + 1] = before
    s[at + 2] = gain
    s[at + 3] = loss
  }

  /** How many of the block went into the seed. */
  #seed(s: Memory, x: Series, n: number, strength: Series): number {
    const at = this.#at
    const length = this.#length
    let j = 0
    for (; j < n && s[at]! <= length; j++) {
      const seen = s[at]!
      const change = seen === 0 ? 0 : x[j]! - s[at + 1]!
      s[at] = seen + 1
      s[at + 1] = x[j]!
      s[at + 2] = s[at + 2]! + Math.max(change, 0)
      s[at + 3] = s[at + 3]! + Math.max(-change, 0)
      if (seen === length) {
        s[at + 2] = s[at + 2]! / length
        s[at + 3] = s[at + 3]! / length
      }
      strength[j] = strengthOf(s[at + 2]!, s[at + 3]!)
    }
    return j
  }
}

function strengthOf(gain: number, loss: number): number {
  const moved = gain + loss
  return moved > 0 ? (100 * gain) / moved : 50
}
