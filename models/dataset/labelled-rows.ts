/**
 * The rows of a dataset as they are made: every candle of the range with its features, its label, and a flaw where it is no
 * example; written in groups, and counted on the way.
 */
import { missing, type StatedBar } from '../../streams/features/columns.ts'
import type { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import type { Millis } from '../../streams/time.ts'
import { type Labels, taskOf } from '../label.ts'
import type { Label } from '../manifest.ts'
import type { Prices } from './candles.ts'
import { type Flaw, flaws } from './manifest.ts'
import { Profiler } from './profile.ts'
import { groupRows, RowGroup, RowsFile } from './rows-file.ts'

export interface RowsOptions {
  readonly path: string
  readonly set: FeatureSet
  /** Those of the set that are written. */
  readonly columns: readonly string[]
  readonly label: Label
  readonly from: Millis
  readonly to: Millis
  /** Of the same candles, which begin `lookback` before the range. */
  readonly prices: Prices
  readonly labels: Labels
  readonly lookback: number
  /** Told as rows are written. */
  readonly progress?: ((done: number, of: number) => void) | undefined
}

export class LabelledRows {
  readonly profiler: Profiler
  readonly flaws: Record<Flaw, number>
  /** Stretches of missing candles. */
  readonly gaps: { from: Millis; to: Millis }[] = []
  /** Of the rows behind a whole warm-up, what they hold and what they lack. */
  values = 0
  nulls = 0
  written = 0
  readonly #o: RowsOptions
  /** How many there will be. */
  readonly #rows: number
  readonly #picks: readonly number[]
  readonly #need: number
  readonly #file: RowsFile
  readonly #group: RowGroup
  readonly #block: RowBlock

  constructor(options: RowsOptions) {
    const { set, columns, label, from, to, path } = options
    this.#o = options
    this.#rows = Math.max(0, Math.round((to - from) / set.intervalMs))
    this.#picks = columns.map((name) => set.indexOf(name))
    this.#need = set.candlesNeeded(columns)
    this.#file = new RowsFile(path, columns)
    this.#group = new RowGroup(columns.length)
    this.#block = new RowBlock(set.columns.length, 1_024)
    this.profiler = new Profiler(columns, taskOf(label) === 'classify', this.#rows)
    this.flaws = Object.fromEntries(flaws.map((name) => [name, 0])) as Record<Flaw, number>
  }

  /** `engine` has seen all before them. */
  take(engine: FeatureEngine, page: readonly StatedBar[]): void {
    for (let first = 0; first < page.length; ) {
      const n = this.#block.fill(engine, page, first)
      for (let i = 0; i < n; i++) this.#takeRow(i)
      first += n
    }
  }

  finish(): void {
    this.#flush()
    this.#file.finish()
  }

  #takeRow(i: number): void {
    const { from, to, set, prices, labels, lookback } = this.#o
    const block = this.#block
    const openAt = block.candles.openAt[i] as Millis
    if (openAt < from || openAt >= to) return
    const row = lookback + Math.round((openAt - from) / set.intervalMs)
    const group = this.#group
    const at = group.length++
    const absent = this.#pick(i, at)
    const isMissing = block.candles.state[i] === missing
    if ((block.whole[i] as number) >= this.#need && !isMissing) {
      this.nulls += absent
      this.values += this.#picks.length
    }
    const flaw = this.#flawOf(i, row, absent === 0)
    this.flaws[flaw]++
    const target = labels.target[row] as number
    group.openAt[at] = BigInt(openAt)
    group.close[at] = prices.close[row] as number
    group.flaw[at] = flaws.indexOf(flaw)
    group.change[at] = labels.change[row] as number
    group.target[at] = target
    group.naive[at] = labels.naive[row] as number
    this.profiler.take(
      openAt,
      flaw,
      isMissing,
      target,
      (c) => (group.features[c] as Float32Array)[at] as number,
    )
    if (isMissing) this.#extendGaps(openAt)
    if (group.length === groupRows) this.#flush()
  }

  /** Answers how many of its features a row lacks. */
  #pick(i: number, at: number): number {
    const { values } = this.#block
    const picks = this.#picks
    const start = i * this.#o.set.columns.length
    let absent = 0
    for (let c = 0; c < picks.length; c++) {
      const value = values[start + (picks[c] as number)] as number
      if (!Number.isFinite(value)) absent++
      ;(this.#group.features[c] as Float32Array)[at] = Number.isFinite(value) ? value : Number.NaN
    }
    return absent
  }

  #flawOf(i: number, row: number, hasAll: boolean): Flaw {
    const { candles, whole, afterGap } = this.#block
    const { prices, labels } = this.#o
    if (candles.state[i] === missing) return 'gap'
    if (Number.isNaN(candles.close[i] as number)) return 'no_trades'
    if ((whole[i] as number) < this.#need) return afterGap[i] === 1 ? 'gap' : 'warmup'
    if (!hasAll) return 'warmup'
    if (prices.corrected[row] === 1) return 'corrected'
    return Number.isNaN(labels.target[row] as number) ? 'unlabelled' : 'none'
  }

  #extendGaps(openAt: Millis): void {
    const { intervalMs } = this.#o.set
    const last = this.gaps.at(-1)
    if (last?.to === openAt) last.to += intervalMs
    else this.gaps.push({ from: openAt, to: openAt + intervalMs })
  }

  #flush(): void {
    const group = this.#group
    if (group.length > 0) this.#file.write(group)
    this.written += group.length
    group.length = 0
    this.#o.progress?.(this.written, this.#rows)
  }
}
