/**
 * All that the gate knows of one version: sums by day over candles that it has not seen, and what was measured beside them.
 * Made by an evaluation on a dataset or from the ledger's rows; plain JSON, so that it can be stored and sent.
 */
import type { ClassCounts } from '../scores/no-skill.ts'
import type { ScoreSums } from '../scores/sums.ts'

export interface Sheet {
  /** In words for people: `BTC-USDT/linear@3`, or a folder's name. */
  readonly subject: string
  readonly sha256: string | null
  readonly task: 'classify' | 'regress'
  /** Candles in `[from, to)` were asked for; milliseconds. */
  readonly from: number
  readonly to: number
  readonly days: readonly ScoreSums[]
  /** Candles of the range that could have been answered, and those that were: what is missing is not wrong. */
  readonly coverage: { readonly candles: number; readonly answered: number }
  /** How often each class came among the training rows, sell, hold, buy: what no skill says. Null where nobody knows. */
  readonly frequencies: ClassCounts | null
  /** Null where it was not looked at here. */
  readonly golden: GoldenCheck | null
  /** One row at a time, milliseconds. Null where it was not measured. */
  readonly inferenceMs: { readonly p50: number; readonly p95: number } | null
  /** Settings that were tried until this one, 1 where none was searched. */
  readonly trials: number
}

export interface GoldenCheck {
  readonly passed: boolean
  /** Null where the graph could not even be run. */
  readonly distance: number | null
  readonly detail: string
}

/** Two sheets over the very same candles, or one where nobody held the lane before. */
export interface Comparison {
  readonly challenger: Sheet
  readonly incumbent: Sheet | null
  /** Why there is no incumbent's sheet although there is an incumbent. */
  readonly incumbentMissing: string | null
}
