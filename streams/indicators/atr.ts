/**
 * Average true range, Wilder's: seeded like TA-Lib's with the mean of the `length` true ranges after the first candle's,
 * which has no close before it and does not count.
 */
import type { Layout, Memory, Place, Series } from './layout.ts'

export class Atr {
  readonly #length: number
  /** Candles seen until seeded, the average (the sum until seeded). */
  readonly #at: Place

  constructor(layout: Layout, length: number) {
    this.#length = length
    this.#at = layout.take(2)
  }

  run(s: Memory, trueRange: Series, n: number, average: Series): void {
    const at = this.#at
    const length = this.#length
    let j = 0
    for (; j < n && s[at]! <= length; j++) {
      const seen = s[at]!
      s[at] = seen + 1
      if (seen > 0) s[at + 1] = s[at + 1]! + trueRange[j]!
      if (seen === length) s[at + 1] = s[at + 1]! / length
      average[j] = s[at + 1]!
    }
    let value = s[at + 1]!
    for (; j < n; j++) {
      value += (trueRange[j]! - value) / length
      average[j] = value
    }
    s[at + 1] = value
  }
}
