/**
 * Whether a file's candles are those of an interval: each opens on a multiple of it, and they lie no coarser than it. What
 * the file's own step is, its rows tell together: the greatest length that divides the time between any two of them, so
 * that minutes in which nobody traded may be left out.
 */
import { Fault } from '../fault.ts'
import { durationText, floorTo, type Millis } from '../time.ts'
import { type RowSource, refusal } from './row.ts'

export class Grid {
  readonly #intervalMs: Millis
  readonly #where: string
  /** 0 while there is one opening. */
  #stepMs = 0
  #last: Millis | undefined

  /** `where` names the file in messages. */
  constructor(intervalMs: Millis, where: string) {
    this.#intervalMs = intervalMs
    this.#where = where
  }

  add(openAt: Millis, row: RowSource, column: number): void {
    const apart = Math.abs(openAt - (this.#last ?? openAt))
    if (apart % this.#stepMs !== 0) this.#stepMs = commonDivisor(this.#stepMs, apart)
    this.#last = openAt
    if (floorTo(openAt, this.#intervalMs) === openAt) return
    const apartText = this.#stepMs === 0 ? '' : `; its rows lie ${durationText(this.#stepMs)} apart`
    const expected = `the opening of a candle of ${durationText(this.#intervalMs)}, the market's interval${apartText}`
    throw refusal(this.#where, row, column, row.cell(column), expected, 'file.interval')
  }

  /** After the last row, because the last two may be the first that lie closer. */
  end(): void {
    if (this.#stepMs <= this.#intervalMs) return
    const [found, expected] = [durationText(this.#stepMs), durationText(this.#intervalMs)]
    throw new Fault(
      'file.interval',
      `${this.#where}: found candles that lie ${found} or a multiple of it apart, from the first row to the last, ` +
        `expected candles of ${expected}, the market's interval`,
    )
  }
}

function commonDivisor(a: number, b: number): number {
  let [large, small] = [a, b]
  while (small !== 0) [large, small] = [small, large % small]
  return large
}
