/** What is in a dataset, in figures: each column's distribution, how the classes stand, and which days have holes. */
import { dayMs, floorTo, iso, type Millis } from '../../streams/time.ts'
import type { Flaw } from './manifest.ts'

export interface Profile {
  readonly columns: readonly ColumnProfile[]
  /** Sell, hold, buy among the examples; null where values are asked for. */
  readonly balance: readonly [number, number, number] | null
  readonly target: ColumnProfile
  readonly days: readonly DayProfile[]
}

export interface ColumnProfile {
  readonly name: string
  readonly n: number
  readonly nulls: number
  readonly mean: number
  readonly deviation: number
  readonly min: number
  readonly max: number
  /** Of a sample: at 1, 5, 25, 50, 75, 95 and 99 %. */
  readonly quantiles: readonly number[]
  /** Counts of the sample in equal bins between its 1st and 99th percentile; what lies beyond is in the outer ones. */
  readonly histogram: readonly number[]
}

export interface DayProfile {
  readonly day: string
  readonly examples: number
  /** Candles that are not there, and those in which nothing was traded. */
  readonly missing: number
  readonly quiet: number
}

export const quantilesAt = [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99] as const
const bins = 24
/** Rows that quantiles and histograms are taken from: one in so many that about this many are kept. */
const sampleRows = 8_192

class Tally {
  readonly #name: string
  readonly #sample: number[] = []
  #n = 0
  #nulls = 0
  #mean = 0
  #squares = 0
  #min = Number.POSITIVE_INFINITY
  #max = Number.NEGATIVE_INFINITY

  constructor(name: string) {
    this.#name = name
  }

  take(value: number, isSampled: boolean): void {
    if (Number.isNaN(value)) {
      this.#nulls++
      return
    }
    this.#n++
    const away = value - this.#mean
    this.#mean += away / this.#n
    this.#squares += away * (value - this.#mean)
    if (value < this.#min) this.#min = value
    if (value > this.#max) this.#max = value
    if (isSampled) this.#sample.push(value)
  }

  told(): ColumnProfile {
    const sorted = Float64Array.from(this.#sample).sort()
    const at = (share: number): number =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
    const [low, high] = [at(0.01), at(0.99)]
    const histogram = new Array<number>(bins).fill(0)
    for (const value of sorted) {
      const bin = high > low ? Math.floor(((value - low) / (high - low)) * bins) : 0
      const within = Math.min(bins - 1, Math.max(0, bin))
      histogram[within] = (histogram[within] as number) + 1
    }
    const known = this.#n > 0
    return {
      name: this.#name,
      n: this.#n,
      nulls: this.#nulls,
      mean: this.#mean,
      deviation: this.#n > 1 ? Math.sqrt(this.#squares / (this.#n - 1)) : 0,
      min: known ? this.#min : 0,
      max: known ? this.#max : 0,
      quantiles: quantilesAt.map(at),
      histogram,
    }
  }
}

export class Profiler {
  readonly #columns: readonly Tally[]
  readonly #target = new Tally('target')
  readonly #every: number
  readonly #days = new Map<Millis, { examples: number; missing: number; quiet: number }>()
  readonly #balance: [number, number, number] = [0, 0, 0]
  readonly #hasClasses: boolean
  #rows = 0

  constructor(columns: readonly string[], hasClasses: boolean, rows: number) {
    this.#columns = columns.map((name) => new Tally(name))
    this.#hasClasses = hasClasses
    this.#every = Math.max(1, Math.floor(rows / sampleRows))
  }

  /** `value` gives the row's columns; they are asked for only where the row's candle is there and warm. */
  take(
    openAt: Millis,
    flaw: Flaw,
    isMissing: boolean,
    target: number,
    value: (column: number) => number,
  ): void {
    const day = floorTo(openAt, dayMs)
    const known = this.#days.get(day) ?? { examples: 0, missing: 0, quiet: 0 }
    this.#days.set(day, known)
    if (flaw === 'none') known.examples++
    if (isMissing) known.missing++
    if (flaw === 'no_trades') known.quiet++
    if (flaw !== 'none') return
    const isSampled = this.#rows++ % this.#every === 0
    for (let i = 0; i < this.#columns.length; i++) this.#columns[i]?.take(value(i), isSampled)
    this.#target.take(target, isSampled)
    if (this.#hasClasses) this.#balance[target as 0 | 1 | 2]++
  }

  told(): Profile {
    return {
      columns: this.#columns.map((it) => it.told()),
      balance: this.#hasClasses ? this.#balance : null,
      target: this.#target.told(),
      days: [...this.#days].map(([day, counts]) => ({ day: iso(day).slice(0, 10), ...counts })),
    }
  }
}
