/** The highest high and the lowest low of the latest `length` candles, by stretches like the rolling sum. */
import type { Layout, Memory, Place, Series } from './layout.ts'

export class RollingRange {
  readonly #length: number
  readonly #slot: Place
  /** Highest and lowest of the present stretch; `length` highs, then suffix maxima; as many lows. */
  readonly #at: Place

  constructor(layout: Layout, length: number) {
    this.#length = length
    this.#slot = layout.cycle(length)
    this.#at = layout.take(2 + 2 * length)
  }

  run(s: Memory, high: Series, low: Series, n: number, highest: Series, lowest: Series): void {
    const length = this.#length
    const highs = this.#at + 2
    const lows = highs + length
    let slot = s[this.#slot]! | 0
    let top = s[this.#at]!
    let bottom = s[this.#at + 1]!
    for (let j = 0; j < n; j++) {
      const up = high[j]!
      const down = low[j]!
      top = slot === 0 ? up : Math.max(top, up)
      bottom = slot === 0 ? down : Math.min(bottom, down)
      s[highs + slot] = up
      s[lows + slot] = down
      slot++
      if (slot < length) {
        highest[j] = Math.max(top, s[highs + slot]!)
        lowest[j] = Math.min(bottom, s[lows + slot]!)
        continue
      }
      highest[j] = top
      lowest[j] = bottom
      stretchSuffixes(s, highs, lows, length)
      slot = 0
    }
    s[this.#at] = top
    s[this.#at + 1] = bottom
  }
}

function stretchSuffixes(s: Memory, highs: Place, lows: Place, length: number): void {
  for (let i = length - 2; i >= 0; i--) {
    if (s[highs + i + 1]! > s[highs + i]!) s[highs + i] = s[highs + i + 1]!
    if (s[lows + i + 1]! < s[lows + i]!) s[lows + i] = s[lows + i + 1]!
  }
}
