/**
 * Is a version any good? The one place where sums by day become scores, each beside what no skill would have got on the
 * same rows; the gate, the API and the dashboard all ask here. What cannot be said of the rows at hand is null.
 */
import type { Signal } from './prediction.ts'

/** Sums over one version's resolved predictions on one UTC day, never over rows it was trained on. */
export interface ScoreSums {
  readonly day: number
  readonly n: number
  /** [actual][predicted] counts, in the order sell, hold, buy. */
  readonly confusion: readonly (readonly number[])[]
  readonly logLossSum: number
  readonly brierSum: number
  readonly calibration: readonly {
    readonly n: number
    readonly confidence: number
    readonly right: number
  }[]
  readonly profitSum: number
  readonly profitSquareSum: number
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

export interface ValueScores {
  readonly rmse: number
  readonly mae: number
  /** Against the mean of the same rows. */
  readonly r2: number | null
  /** Information coefficient: the correlation of what was said with what came. */
  readonly ic: number | null
}

export interface ProfitScores {
  /** Sum of the signed returns after fees, as a share of one stake per prediction. */
  readonly profit: number
  readonly profitMean: number
  /** Mean over deviation of the days' profits, a year's worth; null below two days or where nothing varies. */
  readonly sharpe: number | null
  readonly days: number
}

export interface Scores {
  readonly n: number
  readonly classes: ClassScores | null
  readonly values: ValueScores | null
  readonly trading: ProfitScores | null
  /** No skill on the same rows. */
  readonly baseline: {
    /** Every class said as often as it occurred; the signal is always the most frequent one. */
    readonly classes: Omit<ClassScores, 'calibration' | 'ece'> | null
    /** The last value: no return, or as much movement as just before. */
    readonly values: Pick<ValueScores, 'rmse' | 'mae'> | null
    /** Who never trades pays no fees. */
    readonly trading: { readonly profit: 0 } | null
  }
}

const signals: readonly Signal[] = ['sell', 'hold', 'buy']
/** Markets never close: every day of the year is a trading day. */
const daysPerYear = 365

export function score(days: readonly ScoreSums[]): Scores {
  const n = sum(days, (it) => it.n)
  const confusion = signals.map((_, actual) =>
    signals.map((_, said) => sum(days, (it) => it.confusion[actual]?.[said] ?? 0)),
  )
  const classified = total(confusion.flat())
  // Volatility is a value without a direction: it has neither classes nor trades.
  const hasClasses = classified > 0
  const bins = calibrationBins(days)
  const graded = total(bins.map((it) => it.n))
  const valued = sum(days, (it) => it.n) - graded
  return {
    n,
    classes: hasClasses ? classScores(days, confusion, bins, graded) : null,
    values: valued > 0 ? valueScores(days, valued) : null,
    trading: hasClasses ? profitScores(days, classified) : null,
    baseline: {
      classes: hasClasses ? classBaseline(confusion, graded > 0) : null,
      values:
        valued > 0
          ? {
              rmse: Math.sqrt(sum(days, (it) => it.naiveSquaredErrorSum) / valued),
              mae: sum(days, (it) => it.naiveAbsoluteErrorSum) / valued,
            }
          : null,
      trading: hasClasses ? { profit: 0 } : null,
    },
  }
}

function classScores(
  days: readonly ScoreSums[],
  confusion: readonly (readonly number[])[],
  bins: readonly CalibrationBin[],
  graded: number,
): ClassScores {
  const mean = (pick: (it: ScoreSums) => number): number | null =>
    graded > 0 ? sum(days, pick) / graded : null
  return {
    ...fromConfusion(confusion),
    brier: mean((it) => it.brierSum),
    logLoss: mean((it) => it.logLossSum),
    ece:
      graded > 0
        ? total(bins.map((it) => it.n * Math.abs(it.confidence - it.accuracy))) / graded
        : null,
    calibration: bins,
  }
}

function fromConfusion(
  confusion: readonly (readonly number[])[],
): Pick<ClassScores, 'accuracy' | 'balancedAccuracy' | 'f1'> {
  const at = (actual: number, said: number): number => confusion[actual]?.[said] ?? 0
  const occurred = signals.map((_, i) => total(signals.map((_, said) => at(i, said))))
  const said = signals.map((_, i) => total(signals.map((_, actual) => at(actual, i))))
  const right = signals.map((_, i) => at(i, i))
  const recalls = signals.flatMap((_, i) =>
    occurred[i] ? [(right[i] as number) / (occurred[i] as number)] : [],
  )
  const f1 = signals.map((_, i) => {
    const seen = (occurred[i] as number) + (said[i] as number)
    return seen > 0 ? (2 * (right[i] as number)) / seen : null
  })
  return {
    accuracy: total(right) / total(occurred),
    balancedAccuracy: total(recalls) / recalls.length,
    f1: { sell: f1[0] ?? null, hold: f1[1] ?? null, buy: f1[2] ?? null },
  }
}

/** With the classes' own frequencies as probabilities, loss and Brier score follow from the counts. */
function classBaseline(
  confusion: readonly (readonly number[])[],
  isGraded: boolean,
): Omit<ClassScores, 'calibration' | 'ece'> {
  const occurred = signals.map((_, i) => total(confusion[i] ?? []))
  const n = total(occurred)
  const shares = occurred.map((it) => it / n)
  const favourite = occurred.indexOf(Math.max(...occurred))
  const constant = signals.map((_, actual) =>
    signals.map((_, said) => (said === favourite ? (occurred[actual] as number) : 0)),
  )
  const squares = total(shares.map((p) => p * p))
  const entropy = total(shares.map((p) => (p > 0 ? -p * Math.log(p) : 0)))
  return {
    ...fromConfusion(constant),
    brier: isGraded ? 1 - squares : null,
    logLoss: isGraded ? entropy : null,
  }
}

function calibrationBins(days: readonly ScoreSums[]): readonly CalibrationBin[] {
  const count = days[0]?.calibration.length ?? 0
  return Array.from({ length: count }, (_, i) => {
    const of = (pick: (bin: ScoreSums['calibration'][number]) => number): number =>
      sum(days, (it) => {
        const bin = it.calibration[i]
        return bin ? pick(bin) : 0
      })
    const n = of((bin) => bin.n)
    return {
      from: i / count,
      to: (i + 1) / count,
      n,
      confidence: of((bin) => bin.confidence) / n,
      accuracy: of((bin) => bin.right) / n,
    }
  }).filter((bin) => bin.n > 0)
}

function valueScores(days: readonly ScoreSums[], n: number): ValueScores {
  const squaredError = sum(days, (it) => it.squaredErrorSum)
  const actual = sum(days, (it) => it.actualSum)
  const value = sum(days, (it) => it.valueSum)
  const actualSpread = sum(days, (it) => it.actualSquareSum) - (actual * actual) / n
  const valueSpread = sum(days, (it) => it.valueSquareSum) - (value * value) / n
  const together = sum(days, (it) => it.valueActualSum) - (value * actual) / n
  const both = actualSpread * valueSpread
  return {
    rmse: Math.sqrt(squaredError / n),
    mae: sum(days, (it) => it.absoluteErrorSum) / n,
    r2: actualSpread > 0 ? 1 - squaredError / actualSpread : null,
    ic: actualSpread > 0 && valueSpread > 0 ? together / Math.sqrt(both) : null,
  }
}

function profitScores(days: readonly ScoreSums[], n: number): ProfitScores {
  const byDay = new Map<number, number>()
  for (const it of days) byDay.set(it.day, (byDay.get(it.day) ?? 0) + it.profitSum)
  const profits = [...byDay.values()]
  const profit = total(profits)
  const mean = profit / profits.length
  const variance = total(profits.map((it) => (it - mean) ** 2)) / (profits.length - 1)
  return {
    profit,
    profitMean: profit / n,
    sharpe: variance > 0 ? (mean / Math.sqrt(variance)) * Math.sqrt(daysPerYear) : null,
    days: profits.length,
  }
}

function sum(days: readonly ScoreSums[], pick: (it: ScoreSums) => number): number {
  return days.reduce((result, it) => result + pick(it), 0)
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((result, it) => result + it, 0)
}
