/** How often a version said the right class, and how well its probabilities fit. */
import type { Signal } from '../prediction.ts'
import { classCounts, type NoSkill, noSkillSums } from './no-skill.ts'
import { binsOf, classesOf, type ScoreSums } from './sums.ts'

export interface ClassScores {
  readonly accuracy: number
  /** Mean recall over the classes that occurred. */
  readonly balancedAccuracy: number
  /** Null for a class that neither occurred nor was said. */
  readonly f1: Readonly<Record<Signal, number | null>>
  /** Null where signals come without probabilities. */
  readonly brier: number | null
  readonly logLoss: number | null
  /** Expected calibration error: the bins' distance between confidence and share right, weighted by their rows. */
  readonly ece: number | null
  /** Ten bins of the winning probability; empty ones are left out. */
  readonly calibration: readonly CalibrationBin[]
}

export interface CalibrationBin {
  readonly from: number
  readonly to: number
  readonly n: number
  readonly confidence: number
  readonly accuracy: number
}

export function classScores(days: readonly ScoreSums[]): ClassScores {
  const bins = calibrationBins(days)
  const graded = total(bins.map((it) => it.n))
  const mean = (pick: (it: ScoreSums) => number): number | null =>
    graded > 0 ? total(days.map(pick)) / graded : null
  const off = bins.map((it) => it.n * Math.abs(it.confidence - it.accuracy))
  return {
    ...fromConfusion(confusionOf(days)),
    brier: mean((it) => it.brierSum),
    logLoss: mean((it) => it.logLossSum),
    ece: graded > 0 ? total(off) / graded : null,
    calibration: bins,
  }
}

/** No skill's, on the same rows; without probabilities on this side there is no loss to hold beside it. */
export function classBaseline(
  days: readonly ScoreSums[],
  noSkill: NoSkill,
  isGraded: boolean,
): Omit<ClassScores, 'calibration' | 'ece'> {
  const occurred = classCounts(days)
  const constant = classesOf.map((actual) =>
    classesOf.map((said) => (said === noSkill.favourite ? occurred[actual] : 0)),
  )
  const sums = days.map((it) => noSkillSums(noSkill, it))
  const n = total(sums.map((it) => it.n))
  return {
    ...fromConfusion(constant),
    brier: isGraded ? total(sums.map((it) => it.brierSum)) / n : null,
    logLoss: isGraded ? total(sums.map((it) => it.logLossSum)) / n : null,
  }
}

function confusionOf(days: readonly ScoreSums[]): readonly (readonly number[])[] {
  return classesOf.map((actual) =>
    classesOf.map((said) => total(days.map((it) => it.confusion[actual]?.[said] ?? 0))),
  )
}

function fromConfusion(
  confusion: readonly (readonly number[])[],
): Pick<ClassScores, 'accuracy' | 'balancedAccuracy' | 'f1'> {
  const at = (actual: number, said: number): number => confusion[actual]?.[said] ?? 0
  const occurred = classesOf.map((i) => total(classesOf.map((said) => at(i, said))))
  const said = classesOf.map((i) => total(classesOf.map((actual) => at(actual, i))))
  const right = classesOf.map((i) => at(i, i))
  const recalls = classesOf.flatMap((i) =>
    occurred[i] ? [(right[i] as number) / (occurred[i] as number)] : [],
  )
  const f1 = classesOf.map((i) => {
    const seen = (occurred[i] as number) + (said[i] as number)
    return seen > 0 ? (2 * (right[i] as number)) / seen : null
  })
  return {
    accuracy: total(right) / total(occurred),
    balancedAccuracy: total(recalls) / recalls.length,
    f1: { sell: f1[0] ?? null, hold: f1[1] ?? null, buy: f1[2] ?? null },
  }
}

function calibrationBins(days: readonly ScoreSums[]): readonly CalibrationBin[] {
  return Array.from({ length: binsOf }, (_, i) => {
    const of = (pick: (bin: ScoreSums['calibration'][number]) => number): number =>
      total(
        days.map((it) => {
          const bin = it.calibration[i]
          return bin ? pick(bin) : 0
        }),
      )
    const n = of((bin) => bin.n)
    return {
      from: i / binsOf,
      to: (i + 1) / binsOf,
      n,
      confidence: of((bin) => bin.confidence) / n,
      accuracy: of((bin) => bin.right) / n,
    }
  }).filter((bin) => bin.n > 0)
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((result, it) => result + it, 0)
}
