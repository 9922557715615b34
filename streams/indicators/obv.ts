/**
 * On-balance volume: volume signed by the direction of the close, summed since memory was empty. Like TA-Lib's it begins
 * with the first candle's volume. It never forgets where it began, so it is for people; models get the signed volume's
 * sum over a window.
 */
import type { Layout, Memory, Place, Series } from './layout.ts'

export class Obv {
  /** Seen any, the previous close, the sum. */
  readonly #at: Place

  constructor(layout: Layout) {
    this.#at = layout.take(3)
  }

  run(s: Memory, close: Series, volume: Series, n: number, balance: Series, signed: Series): void {
    const at = this.#at
    for (let j = 0; j < n; j++) {
      const before = s[at + 1]!
      const value = close[j]!
      const direction = value > before ? 1 : value < before ? -1 : 0
      signed[j] = s[at] === 0 ? 0 : direction * volume[j]!
      s[at + 2] = s[at + 2]! + (s[at] === 0 ? volume[j]! : signed[j]!)
      s[at] = 1
      s[at + 1] = value
      balance[j] = s[at + 2]!
    }
  }
}
