/**
 * The one feature engine: closed candles in, rows of numbers out, for live, backfill, replay and training alike. A row
 * depends on the candles so far and on nothing else, not even on how they were bundled, and the memory can be saved after
 * any candle and restored to give the same bits.
 *
 * A `missing` candle, or one that was left out, is a gap and empties the memory. An `empty` one steps the indicators on
 * the carried close with zero volume; before there is a close to carry it does not count.
 */
import { strict as assert } from 'node:assert'
import { begin, type Memory, turn } from '../indicators/layout.ts'
import type { Millis } from '../time.ts'
import { type Block, blockLength } from './block.ts'
import {
  type CandleColumns,
  candleColumns,
  empty,
  missing,
  type StatedBar,
  setCandle,
} from './columns.ts'
import { type FeatureSet, featureSet } from './set.ts'
import { readSnapshot, writeSnapshot } from './snapshot.ts'

/** The engine's own numbers in memory: `engineNumbers` of them. Zero is the state before the first candle. */
const begun = 0
const afterGap = 1
const lastOpenAt = 2
const lastClose = 3
const lastLog = 4
/** Consecutive candles since memory was empty. */
const counted = 5

const single = candleColumns(1)
const singleWhole = new Int32Array(1)
const singleAfterGap = new Uint8Array(1)

/** Where rows go: a row-major matrix, and for each row what a FeatureRow says of it. */
export interface Rows {
  readonly values: Float64Array
  readonly whole: Int32Array
  /** 1 where `whole` counts from a gap. */
  readonly afterGap: Uint8Array
}

export class FeatureEngine {
  readonly set: FeatureSet
  readonly #memory: Memory
  readonly #block: Block
  readonly #warmups: Int32Array
  readonly #warmupMax: number

  constructor(intervalMs: Millis, memory?: Memory) {
    const set = featureSet(intervalMs)
    assert(memory === undefined || memory.length === set.program.size)
    this.set = set
    this.#memory = memory ?? new Float64Array(set.program.size)
    this.#block = set.program.block
    this.#warmups = Int32Array.from(set.columns, (column) => column.warmup)
    this.#warmupMax = Math.max(...this.#warmups)
  }

  static restore(bytes: Uint8Array): FeatureEngine {
    const { intervalMs, memory } = readSnapshot(bytes)
    return new FeatureEngine(intervalMs, memory)
  }

  save(): Uint8Array {
    return writeSnapshot(this.set, this.#memory)
  }

  /** Consecutive candles up to the latest one, since the start or the last gap. */
  get whole(): number {
    return this.#memory[counted]!
  }

  get after(): 'start' | 'gap' {
    return this.#memory[afterGap] === 1 ? 'gap' : 'start'
  }

  /** Opening of the latest candle; NaN before the first. */
  get openAt(): Millis {
    return this.#memory[begun] === 1 ? this.#memory[lastOpenAt]! : Number.NaN
  }

  /** One candle into `values`, one for each column of the set: NaN where it is not whole or its source does not tell. */
  step(candle: StatedBar, values: Float64Array): void {
    setCandle(single, 0, candle)
    this.run(single, 0, 1, { values, whole: singleWhole, afterGap: singleAfterGap }, 0)
  }

  /** The same for candles `from` up to `to` of these columns, into rows from `row` on. */
  run(candles: CandleColumns, from: number, to: number, rows: Rows, row: number): void {
    const s = this.#memory
    const block = this.#block
    let next = row
    block.length = 0
    for (let i = from; i < to; i++) {
      const openAt = candles.openAt[i]!
      const state = candles.state[i]!
      if (state === missing || this.#leapsTo(openAt)) {
        next = this.#flush(rows, next)
        this.#forget()
      }
      s[begun] = 1
      s[lastOpenAt] = openAt
      if (state === missing || (state === empty && s[counted] === 0 && block.length === 0)) {
        this.#writeNothing(rows, next++)
        continue
      }
      if (state === empty) this.#carry(openAt)
      else load(block, candles, i)
      if (block.length === blockLength) next = this.#flush(rows, next)
    }
    this.#flush(rows, next)
  }

  /** Are there candles between the latest one and this? */
  #leapsTo(openAt: Millis): boolean {
    const s = this.#memory
    assert(openAt % this.set.intervalMs === 0, 'a candle opens at a multiple of its interval')
    if (s[begun] === 0) return false
    const due = s[lastOpenAt]! + this.set.intervalMs
    assert(openAt >= due, 'candles come in order, each once')
    return openAt > due
  }

  #forget(): void {
    if (this.#memory[counted]! > 0) this.#memory.fill(0)
    this.#memory[afterGap] = 1
  }

  #carry(openAt: Millis): void {
    const block = this.#block
    const j = block.length
    const close = j === 0 ? this.#memory[lastClose]! : block.close[j - 1]!
    block.openAt[j] = openAt
    block.open[j] = close
    block.high[j] = close
    block.low[j] = close
    block.close[j] = close
    block.volume[j] = 0
    block.takerBuyVolume[j] = 0
    block.trades[j] = 0
    block.length = j + 1
  }

  /** Computes the rows of the block and empties it; answers where the next row goes. */
  #flush(rows: Rows, row: number): number {
    const s = this.#memory
    const block = this.#block
    const { groups, cycles } = this.set.program
    const width = this.#warmups.length
    const n = block.length
    if (n === 0) return row
    if (s[counted] === 0) this.#start()
    prepare(s, block)
    let to = row * width
    for (let i = 0; i < groups.length; i++) {
      groups[i]!.run(s, block, rows.values, to, width)
      to += groups[i]!.features.length
    }
    turn(s, cycles, n)
    block.length = 0
    for (let j = row; j < row + n; j++) {
      const whole = s[counted]! + 1
      s[counted] = whole
      rows.whole[j] = whole
      rows.afterGap[j] = s[afterGap]!
      if (whole < this.#warmupMax) this.#veil(rows.values, j * width, whole)
    }
    return row + n
  }

  #writeNothing(rows: Rows, row: number): void {
    const width = this.#warmups.length
    rows.values.fill(Number.NaN, row * width, (row + 1) * width)
    rows.whole[row] = 0
    rows.afterGap[row] = this.#memory[afterGap]!
  }

  /** The first candle: it has itself before it. */
  #start(): void {
    const s = this.#memory
    const block = this.#block
    begin(s, this.set.program.cycles, block.openAt[0]! / this.set.intervalMs)
    s[lastClose] = block.close[0]!
    s[lastLog] = Math.log(block.close[0]!)
  }

  #veil(values: Float64Array, at: number, whole: number): void {
    const warmups = this.#warmups
    for (let i = 0; i < warmups.length; i++) if (whole < warmups[i]!) values[at + i] = Number.NaN
  }
}

function load(block: Block, candles: CandleColumns, i: number): void {
  const j = block.length
  const high = candles.high[i]!
  const low = candles.low[i]!
  const close = candles.close[i]!
  const volume = candles.volume[i]!
  assert(low > 0 && high >= low && high < Number.POSITIVE_INFINITY, 'prices are positive')
  assert(close > 0 && close < Number.POSITIVE_INFINITY, 'prices are positive')
  assert(volume >= 0 && volume < Number.POSITIVE_INFINITY, 'volumes are finite')
  block.openAt[j] = candles.openAt[i]!
  block.open[j] = candles.open[i]!
  block.high[j] = high
  block.low[j] = low
  block.close[j] = close
  block.volume[j] = volume
  block.takerBuyVolume[j] = candles.takerBuyVolume[i]!
  block.trades[j] = candles.trades[i]!
  block.length = j + 1
}

/** The series that several groups need; one logarithm a candle serves all returns. */
function prepare(s: Memory, block: Block): void {
  const { length: n, high, low, close, volume, logClose, logReturn, trueRange, turnover } = block
  let before = s[lastClose]!
  let logBefore = s[lastLog]!
  for (let j = 0; j < n; j++) {
    const value = close[j]!
    const log = Math.log(value)
    logClose[j] = log
    logReturn[j] = log - logBefore
    trueRange[j] = Math.max(high[j]!, before) - Math.min(low[j]!, before)
    turnover[j] = ((high[j]! + low[j]! + value) / 3) * volume[j]!
    before = value
    logBefore = log
  }
  s[lastClose] = before
  s[lastLog] = logBefore
}
