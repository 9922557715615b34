/**
 * Sharpe ratios and how much to believe of them. All are of one period (a day here), not of a year. Sources: Lo (2002) and
 * Mertens (2002) for the standard error, Bailey and López de Prado (2012) for the probabilistic, (2014) for the deflated one.
 */
import { normalCdf, normalQuantile } from './normal.ts'

export interface SharpeEstimate {
  /** Mean over deviation. */
  readonly sharpe: number
  /** Of `sharpe`, with the skewness and kurtosis that were seen. */
  readonly standardError: number
  readonly skewness: number
  /** 3 for the normal distribution. */
  readonly kurtosis: number
  readonly n: number
}

/** Null below two periods, or where nothing varies. */
export function estimateSharpe(profits: readonly number[]): SharpeEstimate | null {
  const n = profits.length
  if (n < 2) return null
  const mean = average(profits, (it) => it)
  const second = average(profits, (it) => (it - mean) ** 2)
  // Rounding of equal numbers is no variation.
  if (!(second > 1e-24 * mean * mean)) return null
  const skewness = average(profits, (it) => (it - mean) ** 3) / second ** 1.5
  const kurtosis = average(profits, (it) => (it - mean) ** 4) / second ** 2
  const sharpe = mean / Math.sqrt((second * n) / (n - 1))
  return {
    sharpe,
    standardError: Math.sqrt(spread(sharpe, skewness, kurtosis) / (n - 1)),
    skewness,
    kurtosis,
    n,
  }
}

/** The probability that the true ratio is above `threshold`, given what was estimated. */
export function probabilisticSharpe(
  { sharpe, skewness, kurtosis, n }: Omit<SharpeEstimate, 'standardError'>,
  threshold = 0,
): number {
  return normalCdf(
    ((sharpe - threshold) * Math.sqrt(n - 1)) / Math.sqrt(spread(sharpe, skewness, kurtosis)),
  )
}

/** The greatest ratio to expect of so many independent trials without any skill, whose ratios vary by `variance`. */
export function expectedMaxSharpe(trials: number, variance: number): number {
  if (trials < 2) return 0
  const euler = 0.5772156649015329
  return (
    Math.sqrt(variance) *
    ((1 - euler) * normalQuantile(1 - 1 / trials) +
      euler * normalQuantile(1 - 1 / (trials * Math.E)))
  )
}

/**
 * The probability that there is skill at all, after so many trials of which this was the best. Where the trials' ratios
 * are not known, their variance is what chance alone gives an estimate of no skill: 1 / (n − 1).
 */
export function deflatedSharpe(
  estimate: Omit<SharpeEstimate, 'standardError'>,
  trials: number,
  variance: number = 1 / (estimate.n - 1),
): number {
  return probabilisticSharpe(estimate, expectedMaxSharpe(trials, variance))
}

/** Variance of an estimate, times n − 1; never below that of a sample whose moments could not be. */
function spread(sharpe: number, skewness: number, kurtosis: number): number {
  return Math.max(1 - skewness * sharpe + ((kurtosis - 1) / 4) * sharpe * sharpe, 1e-12)
}

function average(numbers: readonly number[], pick: (it: number) => number): number {
  return numbers.reduce((sum, it) => sum + pick(it), 0) / numbers.length
}
