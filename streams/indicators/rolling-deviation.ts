/**
 * Mean and population deviation of the latest `length` numbers (TA-Lib's SMA and STDDEV). Made like the rolling sum, of
 * a stretch's end and the next one's beginning, each by Welford's update and joined by Chan's formula: squares are only
 * ever added, so nothing cancels, nothing drifts, and a flat window has deviation 0 exactly.
 */
import type { Layout, Memory, Place, Series } from './layout.ts'

export class RollingDeviation {
  readonly #length: number
  readonly #slot: Place
  /** Mean and squares of the present stretch; `length` values, then suffix means; a zero; suffix squares; a zero. */
  readonly #at: Place

  constructor(layout: Layout, length: number) {
    this.#length = length
    this.#slot = layout.cycle(length)
    this.#at = layout.take(2 + 2 * (length + 1))
  }

  run(s: Memory, x: Series, n: number, mean: Series, deviation: Series): void {
    const length = this.#length
    const inverse = 1 / length
    const values = this.#at + 2
    const suffixSquares = values + length + 1
    let slot = s[this.#slot]! | 0
    let begunMean = s[this.#at]!
    let begunSquares = s[this.#at + 1]!
    for (let j = 0; j < n; j++) {
      const value = x[j]!
      const begun = slot + 1
      const off = value - begunMean
      begunMean += off * (1 / begun)
      begunSquares += off * (value - begunMean)
      const before = s[values + begun]!
      const apart = begunMean - before
      const rest = length - begun
      const share = 1 - rest * inverse
      mean[j] = before + apart * share
      const joined = apart * apart * share * rest
      deviation[j] = Math.sqrt((s[suffixSquares + begun]! + begunSquares + joined) * inverse)
      s[values + slot] = value
      slot = begun
      if (slot < length) continue
      spreadSuffixes(s, values, suffixSquares, length)
      slot = 0
      begunMean = 0
      begunSquares = 0
    }
    s[this.#at] = begunMean
    s[this.#at + 1] = begunSquares
  }
}

function spreadSuffixes(s: Memory, values: Place, squares: Place, length: number): void {
  let mean = 0
  let sum = 0
  for (let i = length - 1; i >= 0; i--) {
    const value = s[values + i]!
    const off = value - mean
    mean += off * (1 / (length - i))
    sum += off * (value - mean)
    s[values + i] = mean
    s[squares + i] = sum
  }
}
