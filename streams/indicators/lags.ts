/** The latest numbers of a series, by how many candles ago they were. */
import type { Layout, Memory, Place, Series } from './layout.ts'

export class Lags {
  readonly #slot: Place
  readonly #at: Place
  readonly #mask: number

  /** `blockLength`: how many are pushed at once at most. */
  constructor(layout: Layout, lagMax: number, blockLength: number) {
    const size = 2 ** Math.ceil(Math.log2(lagMax + blockLength))
    this.#mask = size - 1
    this.#slot = layout.cycle(size)
    this.#at = layout.take(size)
  }

  /** Before any reading of the same block. */
  push(s: Memory, x: Series, n: number): void {
    const slot = s[this.#slot]! | 0
    for (let j = 0; j < n; j++) s[this.#at + ((slot + j) & this.#mask)] = x[j]!
  }

  /** The numbers as they were `lag` candles before. */
  read(s: Memory, lag: number, n: number, before: Series): void {
    const slot = (s[this.#slot]! | 0) - lag
    for (let j = 0; j < n; j++) before[j] = s[this.#at + ((slot + j) & this.#mask)]!
  }
}
