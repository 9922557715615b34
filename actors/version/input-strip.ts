/**
 * The inputs of neighbouring candles with each candle's numbers in it once. Windows of 30 candles share 29 with the next
 * window, so that 64 of them are 93 candles and not 1,920: that is what is picked from the ring, sent to a child and cut there.
 */
import type { Millis } from '../../streams/time.ts'
import type { FeatureRing } from '../coin/feature-ring.ts'
import type { InputPlan } from './version-input.ts'

export class InputStrip {
  readonly #plan: InputPlan
  readonly #ring: FeatureRing
  readonly #numbers: Float32Array
  #length = 0
  /** The candle that would go on where the strip ends. */
  #next: Millis = Number.NEGATIVE_INFINITY
  /** The newest candle in it with a number that is not there. */
  #broken: Millis = Number.NEGATIVE_INFINITY

  /** For candles in ascending order; those that are skipped cost nothing but room. */
  constructor(plan: InputPlan, ring: FeatureRing, openAts: readonly Millis[]) {
    this.#plan = plan
    this.#ring = ring
    let candles = 0
    let before = Number.NEGATIVE_INFINITY
    for (const openAt of openAts) {
      candles += Math.min(plan.length, (openAt - before) / ring.intervalMs)
      before = openAt
    }
    this.#numbers = new Float32Array(candles * plan.columns.length)
  }

  /** As far as it has been written. */
  get numbers(): Float32Array {
    return this.#numbers.subarray(0, this.#length)
  }

  /** Where the input of this candle begins; undefined where a number in it is not there: the source does not tell that column. */
  add(openAt: Millis): number | undefined {
    const { columns, length, width } = this.#plan
    const { intervalMs } = this.#ring
    const first = openAt - (length - 1) * intervalMs
    if (this.#next < first) this.#next = first
    for (; this.#next <= openAt; this.#next += intervalMs) {
      if (!this.#ring.pick(this.#next, columns, this.#numbers, this.#length))
        this.#broken = this.#next
      this.#length += columns.length
    }
    return this.#broken >= first ? undefined : this.#length - width
  }
}

/** Where each row begins, or nothing where they stand one after the other and in no other way. */
export function startsOf(
  starts: readonly number[],
  width: number,
  numbers: number,
): Uint32Array | undefined {
  const isPlain =
    numbers === starts.length * width && starts.every((start, row) => start === row * width)
  return isPlain ? undefined : Uint32Array.from(starts)
}
