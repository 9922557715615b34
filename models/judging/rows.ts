/**
 * One or two models over the same rows of a dataset, in order: sums by day of what each answered, over those candles that
 * every one of them could answer and none was trained on. The rows come from a dataset folder or from memory, the answers
 * from sessions or from anything else that runs rows.
 */
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import type { RowBlockRead } from '../dataset/read.ts'
import { inputWidth, isInSample, type Manifest, outputWidth, type Range } from '../manifest.ts'
import type { Signal } from '../prediction.ts'
import { DayTally } from '../scores/day-tally.ts'
import type { ScoreSums } from '../scores/sums.ts'
import { profitOf, type TradingCosts } from '../scores/trading.ts'
import { readAnswer, signalOf } from '../signal.ts'
import type { TimeRange } from '../training/request.ts'

/** Of consecutive candles. */
export type JudgedBlock = Omit<RowBlockRead, 'close'>

export interface RowsRead {
  readonly columns: readonly string[]
  readonly intervalMs: Millis
  readonly blocks: AsyncIterable<JudgedBlock> | Iterable<JudgedBlock>
}

export interface Contestant {
  readonly manifest: Manifest
  readonly run: (inputs: Float32Array, rows: number) => Promise<Float32Array>
  /** What it was trained on, with the purge. */
  readonly trained: readonly Range[]
}

export interface Tallied {
  readonly days: readonly ScoreSums[]
  /** Candles that were asked for and could be answered, and those that it answered. */
  readonly candles: number
  readonly answered: number
  /** Its first inputs, one after the other, to be timed with. */
  readonly inputs: Float32Array
}

/** Rows at once: the runtime gains nothing from more. */
const bundle = 256
const inputsKept = 128

export async function tallyRows(
  rows: RowsRead,
  contestants: readonly Contestant[],
  ranges: readonly TimeRange[],
  costs: TradingCosts,
  progress: (rows: number) => void = () => {},
): Promise<readonly Tallied[]> {
  const entrants = contestants.map((it) => new Entrant(it, rows))
  const batch = new Batch(entrants, costs)
  let done = 0
  for await (const block of rows.blocks) {
    for (let i = 0; i < block.length; i++) {
      const openAt = block.openAt[i] as Millis
      const isWhole = entrants.map((it) => it.see(block, i)).every((it) => it)
      if (block.flaw[i] !== 0 || !isWhole || !isAsked(openAt, ranges, contestants)) continue
      const outcome = [block.change[i], block.target[i], block.naive[i]] as number[]
      if (!outcome.every(Number.isFinite)) continue
      if (batch.add(openAt, outcome) === bundle) await batch.flush()
    }
    done += block.length
    progress(done)
  }
  await batch.flush()
  return entrants.map((it) => it.told())
}

function isAsked(
  at: Millis,
  ranges: readonly TimeRange[],
  contestants: readonly Contestant[],
): boolean {
  if (!ranges.some(([from, to]) => at >= from && at < to)) return false
  return !contestants.some((it) => isInSample(it.trained, at))
}

/** A contestant with the window of rows that it sees. */
class Entrant {
  readonly contestant: Contestant
  readonly tally = new DayTally()
  candles = 0
  answered = 0
  readonly width: number
  readonly #at: readonly number[]
  readonly #length: number
  readonly #intervalMs: Millis
  /** The newest row last; `#whole` of its rows follow each other without a hole. */
  readonly #window: Float32Array
  #whole = 0
  #last: Millis = Number.NaN
  readonly #kept: Float32Array[] = []

  constructor(contestant: Contestant, rows: RowsRead) {
    const { input } = contestant.manifest
    if (input.kind === 'text') throw new Fault('evaluation.text', 'a text is no row of a dataset')
    this.contestant = contestant
    this.width = inputWidth(input)
    this.#length = input.length
    this.#intervalMs = rows.intervalMs
    this.#at = input.columns.map((name) => {
      const at = rows.columns.indexOf(name)
      if (at < 0) throw new Fault('evaluation.column', `the dataset has no column ${name}`)
      return at
    })
    this.#window = new Float32Array(this.width)
  }

  /** Takes the next candle's row; true where all that the model sees at it is known. */
  see(block: JudgedBlock, i: number): boolean {
    const own = this.#at.length
    const openAt = block.openAt[i] as Millis
    const start = i * (block.values.length / block.length)
    if (this.#length > 1) this.#window.copyWithin(0, own)
    let isWhole = true
    const offset = this.width - own
    this.#at.forEach((at, j) => {
      const value = block.values[start + at] as number
      this.#window[offset + j] = value
      isWhole &&= Number.isFinite(value)
    })
    const follows = openAt === this.#last + this.#intervalMs
    this.#last = openAt
    this.#whole = isWhole ? (follows ? this.#whole + 1 : 1) : 0
    return this.#whole >= this.#length
  }

  put(into: Float32Array, row: number): void {
    into.set(this.#window, row * this.width)
    if (this.#kept.length < inputsKept) this.#kept.push(this.#window.slice())
  }

  told(): Tallied {
    const inputs = new Float32Array(this.#kept.length * this.width)
    this.#kept.forEach((it, i) => {
      inputs.set(it, i * this.width)
    })
    const { candles, answered } = this
    return { days: this.tally.days(), candles, answered, inputs }
  }
}

/** Rows on their way to be run by all. */
class Batch {
  readonly #entrants: readonly Entrant[]
  readonly #inputs: readonly Float32Array[]
  readonly #costs: TradingCosts
  readonly #openAt: Millis[] = []
  readonly #outcomes: (readonly number[])[] = []

  constructor(entrants: readonly Entrant[], costs: TradingCosts) {
    this.#entrants = entrants
    this.#inputs = entrants.map((it) => new Float32Array(bundle * it.width))
    this.#costs = costs
  }

  add(openAt: Millis, outcome: readonly number[]): number {
    this.#entrants.forEach((it, i) => {
      it.put(this.#inputs[i] as Float32Array, this.#openAt.length)
    })
    this.#outcomes.push(outcome)
    return this.#openAt.push(openAt)
  }

  async flush(): Promise<void> {
    const rows = this.#openAt.length
    if (rows === 0) return
    const answers = await Promise.all(
      this.#entrants.map(async ({ contestant, width }, i) => {
        const inputs = (this.#inputs[i] as Float32Array).subarray(0, rows * width)
        const outputs = await contestant.run(inputs, rows)
        const each = outputWidth(contestant.manifest)
        return this.#openAt.map((_, row) =>
          readAnswer(contestant.manifest, outputs.subarray(row * each, (row + 1) * each)),
        )
      }),
    )
    for (let row = 0; row < rows; row++) {
      // A candle counts where all of them answered it, so that the sums are over the same ones.
      const isShared = answers.every((it) => it[row]?.type === 'answered')
      this.#entrants.forEach((it, i) => {
        const reading = answers[i]?.[row]
        it.candles += 1
        if (reading?.type !== 'answered') return
        it.answered += 1
        if (!isShared) return
        const { answer } = reading
        const outcome = this.#outcomeOf(it.contestant.manifest, answer.signal, row)
        it.tally.add(this.#openAt[row] as Millis, answer, outcome)
      })
    }
    this.#openAt.length = 0
    this.#outcomes.length = 0
  }

  #outcomeOf(manifest: Manifest, signal: Signal | null, row: number) {
    const [change, target, naive] = this.#outcomes[row] as [number, number, number]
    const label =
      manifest.task === 'classify'
        ? ((['sell', 'hold', 'buy'] as const)[target] ?? null)
        : signalOf(manifest.label, change)
    const profit = signal === null ? null : profitOf(signal, change, this.#costs)
    return { actual: target, naive, label, profit }
  }
}
