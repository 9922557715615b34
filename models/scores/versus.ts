/**
 * Two opponents on the same candles: what each lost by day, subtracted, and how likely the difference is chance. Against
 * no skill every measure that adds up over rows is tested; against another version the one that the gate asks for.
 */
import { type PairedTest, testAboveZero, testBelowZero } from '../statistics/paired-test.ts'
import { type ClassCounts, classCounts, type NoSkill, noSkillOf, noSkillSums } from './no-skill.ts'
import { classesOf, type ScoreSums } from './sums.ts'

export interface Versus {
  readonly accuracy: Difference | null
  readonly logLoss: Difference | null
  readonly brier: Difference | null
  readonly squaredError: Difference | null
  readonly absoluteError: Difference | null
  readonly profit: Difference | null
}

export interface Difference {
  /** Per row, the version's less no skill's. */
  readonly mean: number
  /** How likely so good a difference, or a better one, is by chance; null where it cannot be said. */
  readonly p: number | null
}

export function versusNoSkill(
  given: readonly ScoreSums[],
  frequencies: ClassCounts | null,
  isTested: boolean,
): { readonly noSkill: NoSkill; readonly versus: Versus } {
  const days = byDay(given)
  const noSkill = noSkillOf(frequencies, given)
  const baseline = (day: readonly ScoreSums[]) =>
    noSkillSums(noSkill, { confusion: confusionSum(day) })
  const graded = gradedRows(given)
  const classified = classCounts(given).reduce((count, n) => count + n, 0)
  const valued = valuedRows(given)
  const better = (
    rows: number,
    side: 'below' | 'above',
    of: (day: readonly ScoreSums[]) => number,
  ): Difference | null => (rows > 0 ? difference(days.map(of), rows, side, isTested) : null)
  return {
    noSkill,
    versus: {
      accuracy: better(classified, 'above', (day) => sum(day, right) - baseline(day).right),
      logLoss: better(
        graded,
        'below',
        (day) => sum(day, (it) => it.logLossSum) - baseline(day).logLossSum,
      ),
      brier: better(
        graded,
        'below',
        (day) => sum(day, (it) => it.brierSum) - baseline(day).brierSum,
      ),
      squaredError: better(valued, 'below', (day) =>
        sum(day, (it) => it.squaredErrorSum - it.naiveSquaredErrorSum),
      ),
      absoluteError: better(valued, 'below', (day) =>
        sum(day, (it) => it.absoluteErrorSum - it.naiveAbsoluteErrorSum),
      ),
      profit: better(classified, 'above', (day) => sum(day, (it) => it.profitSum)),
    },
  }
}

/** What a version is judged by: log loss where there are probabilities, else squared error. */
export type LossKind = 'logLoss' | 'squaredError'

/** Is the first one worse than the second on the same candles? Small p: yes. Null where too few days can tell. */
export function worseThan(
  challenger: readonly ScoreSums[],
  incumbent: readonly ScoreSums[],
  loss: LossKind,
): Difference | null {
  const rows = rowsOf(challenger, loss)
  if (rows === 0) return null
  const theirs = Map.groupBy(incumbent, (it) => it.day)
  const days = byDay(challenger).map((mine) => {
    const same = [...new Set(mine.map((it) => it.day))].flatMap((day) => theirs.get(day) ?? [])
    return lossOf(mine, loss) - lossOf(same, loss)
  })
  return difference(days, rows, 'above', true)
}

export function gradedRows(days: readonly ScoreSums[]): number {
  return sum(days, gradedOf)
}

/** Rows with a value, and those with probabilities, are together all of them. */
export function valuedRows(days: readonly ScoreSums[]): number {
  return sum(days, (it) => it.n - gradedOf(it))
}

function rowsOf(days: readonly ScoreSums[], loss: LossKind): number {
  return loss === 'logLoss' ? gradedRows(days) : valuedRows(days)
}

function gradedOf(day: ScoreSums): number {
  return day.calibration.reduce((rows, bin) => rows + bin.n, 0)
}

function difference(
  days: readonly number[],
  rows: number,
  side: 'below' | 'above',
  isTested: boolean,
): Difference {
  const meanOf = days.reduce((total, it) => total + it, 0) / rows
  if (!isTested) return { mean: meanOf, p: null }
  const test: PairedTest | null = side === 'below' ? testBelowZero(days) : testAboveZero(days)
  return { mean: meanOf, p: test?.p ?? null }
}

function lossOf(sums: readonly ScoreSums[], loss: LossKind): number {
  return sum(sums, (it) => (loss === 'logLoss' ? it.logLossSum : it.squaredErrorSum))
}

function sum(sums: readonly ScoreSums[], of: (it: ScoreSums) => number): number {
  return sums.reduce((result, it) => result + of(it), 0)
}

type Day = readonly ScoreSums[]

/**
 * In the order of time; what was live and what was filled in on one day is one day. The first and the last may be cut: with
 * less than half of its neighbour's rows such a day goes with it, because the test takes every day for as telling as another.
 */
function byDay(sums: readonly ScoreSums[]): readonly Day[] {
  const days = [...Map.groupBy(sums, (it) => it.day)].sort(([a], [b]) => a - b)
  const fromStart = firstWhole(days.map(([, day]) => day))
  return firstWhole(fromStart.toReversed()).toReversed()
}

function firstWhole(days: readonly Day[]): readonly Day[] {
  const [first, second, ...others] = days
  if (!first || !second || 2 * countOf(first) >= countOf(second)) return days
  return [[...first, ...second], ...others]
}

function countOf(day: Day): number {
  return sum(day, (it) => it.n)
}

function confusionSum(day: readonly ScoreSums[]): readonly (readonly number[])[] {
  return classesOf.map((actual) =>
    classesOf.map((said) => sum(day, (it) => it.confusion[actual]?.[said] ?? 0)),
  )
}

function right(day: ScoreSums): number {
  return classesOf.reduce<number>((rows, i) => rows + (day.confusion[i]?.[i] ?? 0), 0)
}
