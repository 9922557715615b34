/**
 * Is a version any good? The one place where sums by day become scores, each beside what no skill would have got on the
 * same rows, with a paired test; the gate, the API and the dashboard all ask here. What cannot be said of the rows at hand
 * is null.
 */
import { dayMs, type Millis } from '../../streams/time.ts'
import { type ClassScores, classBaseline, classScores } from './classes.ts'
import type { ClassCounts } from './no-skill.ts'
import type { ScoreSums } from './sums.ts'
import { type TradingScores, tradingScores } from './trading.ts'
import { type ValueScores, valueBaseline, valueScores } from './values.ts'
import { gradedRows, type Versus, valuedRows, versusNoSkill } from './versus.ts'

export interface Scores {
  readonly n: number
  readonly days: number
  readonly classes: ClassScores | null
  readonly values: ValueScores | null
  readonly trading: TradingScores | null
  /** No skill on the same rows. */
  readonly baseline: Baseline
  /** One-sided, paired by day: how likely the version is no better than no skill. Null where too few days can tell. */
  readonly versus: Versus
}

export interface Baseline {
  /** The training rows' frequencies at every candle; the signal is always the most frequent class. */
  readonly classes: Omit<ClassScores, 'calibration' | 'ece'> | null
  /** Whose frequencies: `same_rows` where the training rows' are not known, which are harder to beat. */
  readonly frequencies: 'training' | 'same_rows'
  /** The last value: no return, or as much movement as just before. */
  readonly values: Pick<ValueScores, 'rmse' | 'mae'> | null
  /** Who never trades pays no fees. */
  readonly trading: { readonly profit: 0 } | null
}

/** `frequencies` are those of the training rows, where they are known. Without tests the differences alone are told. */
export function score(
  given: readonly ScoreSums[],
  frequencies: ClassCounts | null = null,
  isTested = true,
): Scores {
  const days = given.filter((it) => it.n > 0).sort((a, b) => a.day - b.day)
  const { noSkill, versus } = versusNoSkill(days, frequencies, isTested)
  const classified = days.some((it) => it.confusion.some((row) => row.some((n) => n > 0)))
  const isGraded = gradedRows(days) > 0
  const valued = valuedRows(days)
  return {
    n: days.reduce((sum, it) => sum + it.n, 0),
    days: new Set(days.map((it) => it.day)).size,
    // Volatility is a value without a direction: it has neither classes nor trades.
    classes: classified ? classScores(days) : null,
    values: valued > 0 ? valueScores(days, valued) : null,
    trading: classified ? tradingScores(days) : null,
    baseline: {
      classes: classified ? classBaseline(days, noSkill, isGraded) : null,
      frequencies: noSkill.from,
      values: valued > 0 ? valueBaseline(days, valued) : null,
      trading: classified ? { profit: 0 } : null,
    },
    versus,
  }
}

export interface Window {
  readonly from: Millis
  readonly to: Millis
  readonly scores: Scores
}

/**
 * The same over windows of whole days that end a day after each other, the first where there is enough for one. Untested:
 * windows that overlap are no tests of anything. Those without a row are left out.
 */
export function rollingScores(
  days: readonly ScoreSums[],
  windowMs: Millis,
  frequencies: ClassCounts | null = null,
): readonly Window[] {
  if (days.length === 0) return []
  const begin = Math.min(...days.map((it) => it.day))
  const end = Math.max(...days.map((it) => it.day)) + dayMs
  const windows: Window[] = []
  for (let to = Math.min(begin + windowMs, end); to <= end; to += dayMs) {
    const from = to - windowMs
    const inside = days.filter((it) => it.day >= from && it.day < to)
    if (inside.length > 0) windows.push({ from, to, scores: score(inside, frequencies, false) })
  }
  return windows
}
