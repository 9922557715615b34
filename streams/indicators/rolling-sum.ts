/**
 * The sum, or mean, of the latest `length` numbers. Nothing is ever subtracted, so nothing drifts and a NaN is
 * forgotten when it leaves the window: the window is the end of the previous stretch of `length` candles (suffix sums,
 * made when that stretch was full) and the beginning of the present one. Two additions a candle and, on average, one more.
 * Stretches lie at fixed candle numbers, so two engines that began at different candles agree to the last bit.
 */
import type { Layout, Memory, Place, Series } from './layout.ts'

export class RollingSum {
  readonly #length: number
  readonly #slot: Place
  /** The sum of the present stretch, then `length` places: its values so far, suffix sums from there on; then a zero. */
  readonly #at: Place

  constructor(layout: Layout, length: number) {
    this.#length = length
    this.#slot = layout.cycle(length)
    this.#at = layout.take(length + 2)
  }

  run(s: Memory, x: Series, n: number, sum: Series): void {
    const values = this.#at + 1
    const length = this.#length
    let slot = s[this.#slot]! | 0
    let begun = s[this.#at]!
    for (let j = 0; j < n; j++) {
      const value = x[j]!
      begun += value
      sum[j] = s[values + slot + 1]! + begun
      s[values + slot] = value
      slot++
      if (slot < length) continue
      sumSuffixes(s, values, length)
      slot = 0
      begun = 0
    }
    s[this.#at] = begun
  }
}

/** TA-Lib's SMA. */
export class RollingMean {
  readonly #sum: RollingSum
  readonly #length: number

  constructor(layout: Layout, length: number) {
    this.#sum = new RollingSum(layout, length)
    this.#length = length
  }

  run(s: Memory, x: Series, n: number, mean: Series): void {
    this.#sum.run(s, x, n, mean)
    for (let j = 0; j < n; j++) mean[j] = mean[j]! / this.#length
  }
}

function sumSuffixes(s: Memory, values: Place, length: number): void {
  let sum = 0
  for (let i = values + length - 1; i >= values; i--) {
    sum += s[i]!
    s[i] = sum
  }
}
