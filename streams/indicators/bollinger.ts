/** Bollinger bands: the rolling mean, and so many population deviations above and below it. */
import type { Layout, Memory, Series } from './layout.ts'
import { RollingDeviation } from './rolling-deviation.ts'

export class Bollinger {
  readonly #deviation: RollingDeviation
  readonly #width: number

  constructor(layout: Layout, length: number, deviations: number) {
    this.#deviation = new RollingDeviation(layout, length)
    this.#width = deviations
  }

  run(s: Memory, x: Series, n: number, upper: Series, middle: Series, lower: Series): void {
    this.#deviation.run(s, x, n, middle, lower)
    for (let j = 0; j < n; j++) {
      const half = lower[j]! * this.#width
      upper[j] = middle[j]! + half
      lower[j] = middle[j]! - half
    }
  }
}
