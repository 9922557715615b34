/**
 * What is added up over one version's resolved predictions on one UTC day. PostgreSQL makes these from the ledger
 * (`ops/store/scores/day-sums.ts`), an evaluation from rows (`day-tally.ts`); both must give the same numbers for the same rows.
 */
import type { Millis } from '../../streams/time.ts'

/** Sums over one version's resolved predictions on one UTC day, never over rows it was trained on. */
export interface ScoreSums {
  /** Its beginning. */
  readonly day: Millis
  readonly n: number
  /** [actual][predicted] counts, in the order sell, hold, buy. */
  readonly confusion: readonly (readonly number[])[]
  readonly logLossSum: number
  readonly brierSum: number
  /** Ten bins of the winning probability. */
  readonly calibration: readonly {
    readonly n: number
    readonly confidence: number
    readonly right: number
  }[]
  readonly profitSum: number
  readonly profitSquareSum: number
  /** Of the profits added up in the order of the candles since the day's beginning: the highest, the lowest, both with 0 at first. */
  readonly profitHigh: number
  readonly profitLow: number
  /** The greatest fall from a high to a low after it, within the day; at least 0. */
  readonly profitFall: number
  readonly squaredErrorSum: number
  readonly absoluteErrorSum: number
  readonly actualSum: number
  readonly actualSquareSum: number
  readonly valueSum: number
  readonly valueSquareSum: number
  readonly valueActualSum: number
  readonly naiveSquaredErrorSum: number
  readonly naiveAbsoluteErrorSum: number
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A day that is still being added to. */
export interface OpenDay extends Mutable<Omit<ScoreSums, 'confusion' | 'calibration'>> {
  readonly confusion: number[][]
  readonly calibration: { n: number; confidence: number; right: number }[]
}

/** Sell, hold, buy: the order of every triple. */
export const classesOf = [0, 1, 2] as const
export const binsOf = 10
/** A certain answer that was wrong costs the logarithm of this and not more. */
export const probabilityMin = 1e-15

/** A day on which nothing was answered. */
export function emptyDay(day: Millis): OpenDay {
  return {
    day,
    n: 0,
    confusion: classesOf.map(() => [0, 0, 0]),
    logLossSum: 0,
    brierSum: 0,
    calibration: Array.from({ length: binsOf }, () => ({ n: 0, confidence: 0, right: 0 })),
    profitSum: 0,
    profitSquareSum: 0,
    profitHigh: 0,
    profitLow: 0,
    profitFall: 0,
    squaredErrorSum: 0,
    absoluteErrorSum: 0,
    actualSum: 0,
    actualSquareSum: 0,
    valueSum: 0,
    valueSquareSum: 0,
    valueActualSum: 0,
    naiveSquaredErrorSum: 0,
    naiveAbsoluteErrorSum: 0,
  }
}
