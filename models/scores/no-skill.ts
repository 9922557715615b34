/**
 * The opponent that every score carries: who says the training rows' class frequencies at every candle, and the last value
 * where a value is asked for. What it would have lost on a day follows from how often each class came on that day.
 */
import { z } from 'zod'
import { classesOf, type ScoreSums } from './sums.ts'

/** Of sell, hold and buy: counts or shares. */
export type ClassCounts = readonly [number, number, number]

export interface NoSkill {
  /**
   * `training`: the frequencies among the training rows. `same_rows`: where nobody knows them, those of the scored rows
   * themselves, which are harder to beat.
   */
  readonly from: 'training' | 'same_rows'
  /** Sell, hold, buy; they sum to 1. */
  readonly shares: ClassCounts
  /** The class it always says: the most frequent one. */
  readonly favourite: number
}

/** A class that was never trained on is given half a row, so that its coming costs much and not everything. */
const rowsMin = 0.5
const shareMin = 1e-4

export function noSkillOf(frequencies: ClassCounts | null, days: readonly ScoreSums[]): NoSkill {
  const counts = frequencies ?? classCounts(days)
  const total = counts[0] + counts[1] + counts[2]
  // Shares come without their number of rows; a class that never comes on the scored rows costs nothing there.
  const least = frequencies === null ? 0 : total > 1.5 ? rowsMin : shareMin
  const filled = counts.map((it) => Math.max(it, least))
  const sum = filled.reduce((all, it) => all + it, 0)
  const shares = filled.map((it) => it / sum) as unknown as ClassCounts
  return {
    from: frequencies === null ? 'same_rows' : 'training',
    shares,
    favourite: shares.indexOf(Math.max(...shares)),
  }
}

export interface NoSkillSums {
  readonly n: number
  readonly right: number
  readonly logLossSum: number
  readonly brierSum: number
}

/** On the classes of one day. */
export function noSkillSums(
  { shares, favourite }: NoSkill,
  day: Pick<ScoreSums, 'confusion'>,
): NoSkillSums {
  const counts = classCounts([day])
  const squares = shares.reduce((sum, it) => sum + it * it, 0)
  return {
    n: counts.reduce((sum, it) => sum + it, 0),
    right: counts[favourite] ?? 0,
    logLossSum: counts.reduce(
      (sum, n, i) => (n > 0 ? sum - n * Math.log(shares[i] as number) : sum),
      0,
    ),
    // Σ over classes of (p − came)²: 1 − 2 p of what came, and the squares of all.
    brierSum: counts.reduce((sum, n, i) => sum + n * (1 - 2 * (shares[i] as number) + squares), 0),
  }
}

/** How often each class came. */
export function classCounts(days: readonly Pick<ScoreSums, 'confusion'>[]): ClassCounts {
  const counts: [number, number, number] = [0, 0, 0]
  for (const day of days) {
    for (const actual of classesOf) {
      for (const said of classesOf) counts[actual] += day.confusion[actual]?.[said] ?? 0
    }
  }
  return counts
}

const counts = z
  .tuple([z.number().min(0), z.number().min(0), z.number().min(0)])
  .refine(([sell, hold, buy]) => sell + hold + buy > 0)

/** What an artifact's `metrics.json` may say of its training rows; anyone may have written it. */
export function readFrequencies(metrics: unknown): ClassCounts | null {
  const found = z.looseObject({ frequencies: counts }).safeParse(metrics)
  return found.success ? found.data.frequencies : null
}
