/**
 * Is the best version of a lane the best by chance? Its versions are the settings and the days on which all of them
 * traded are the periods of a combinatorially symmetric cross-validation.
 */
import { backtestOverfitting } from '../statistics/overfitting.ts'
import type { ScoreSums } from './sums.ts'

/** Of the days, in the order of time: 70 ways to choose half of them. */
const parts = 8
const daysPerPart = 2

/** How likely the best of one half of time is no better than the median in the other; null where that cannot be told. */
export function laneOverfitting(versions: readonly (readonly ScoreSums[])[]): number | null {
  const profits = versions.map((days) => {
    const byDay = new Map<number, number>()
    for (const { day, profitSum, confusion } of days) {
      // A value without a direction has no profit to be chosen by.
      if (confusion.flat().some((n) => n > 0)) byDay.set(day, (byDay.get(day) ?? 0) + profitSum)
    }
    return byDay
  })
  const [first, ...others] = profits
  if (!first || others.length === 0) return null
  const shared = [...first.keys()].filter((day) => others.every((it) => it.has(day)))
  if (shared.length < parts * daysPerPart) return null
  const days = shared.sort((a, b) => a - b)
  const results = profits.map((it) => days.map((day) => it.get(day) ?? 0))
  return backtestOverfitting(results, parts).probability
}
