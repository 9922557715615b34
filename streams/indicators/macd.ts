/**
 * Moving average convergence and divergence: fast EMA less slow EMA, its own EMA as the signal, and the difference of
 * the two. Like TA-Lib, the fast average is seeded late, so that both begin at the same candle.
 */
import { Ema } from './ema.ts'
import type { Layout, Memory, Series } from './layout.ts'

export class Macd {
  readonly #fast: Ema
  readonly #slow: Ema
  readonly #signal: Ema

  constructor(layout: Layout, fast: number, slow: number, signal: number) {
    this.#fast = new Ema(layout, fast, slow - fast)
    this.#slow = new Ema(layout, slow)
    this.#signal = new Ema(layout, signal, slow - 1)
  }

  run(s: Memory, x: Series, n: number, line: Series, signal: Series, histogram: Series): void {
    this.#fast.run(s, x, n, line)
    this.#slow.run(s, x, n, signal)
    for (let j = 0; j < n; j++) line[j] = line[j]! - signal[j]!
    this.#signal.run(s, line, n, signal)
    for (let j = 0; j < n; j++) histogram[j] = line[j]! - signal[j]!
  }
}
