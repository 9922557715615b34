/** How far values were from what came. */
import type { ScoreSums } from './sums.ts'

export interface ValueScores {
  readonly rmse: number
  readonly mae: number
  /** Against the mean of the same rows. */
  readonly r2: number | null
  /** Against what no skill said: the share of its squared error that is gone. */
  readonly r2NoSkill: number | null
  /** Information coefficient: the correlation of what was said with what came. */
  readonly ic: number | null
}

/** Over `n` rows with values. */
export function valueScores(days: readonly ScoreSums[], n: number): ValueScores {
  const sum = (pick: (it: ScoreSums) => number): number =>
    days.reduce((result, it) => result + pick(it), 0)
  const squaredError = sum((it) => it.squaredErrorSum)
  const naive = sum((it) => it.naiveSquaredErrorSum)
  const actual = sum((it) => it.actualSum)
  const value = sum((it) => it.valueSum)
  const actualSpread = sum((it) => it.actualSquareSum) - (actual * actual) / n
  const valueSpread = sum((it) => it.valueSquareSum) - (value * value) / n
  const together = sum((it) => it.valueActualSum) - (value * actual) / n
  const both = actualSpread * valueSpread
  return {
    rmse: Math.sqrt(squaredError / n),
    mae: sum((it) => it.absoluteErrorSum) / n,
    r2: actualSpread > 0 ? 1 - squaredError / actualSpread : null,
    r2NoSkill: naive > 0 ? 1 - squaredError / naive : null,
    ic: actualSpread > 0 && valueSpread > 0 ? together / Math.sqrt(both) : null,
  }
}

export function valueBaseline(
  days: readonly ScoreSums[],
  n: number,
): Pick<ValueScores, 'rmse' | 'mae'> {
  const squared = days.reduce((sum, it) => sum + it.naiveSquaredErrorSum, 0)
  const absolute = days.reduce((sum, it) => sum + it.naiveAbsoluteErrorSum, 0)
  return { rmse: Math.sqrt(squared / n), mae: absolute / n }
}
