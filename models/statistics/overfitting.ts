/**
 * Probability of backtest overfitting by combinatorially symmetric cross-validation (Bailey, Borwein, López de Prado and
 * Zhu, 2017): how often the setting that was best in one half of time falls into the lower half of all in the other.
 */
import { Fault } from '../../streams/fault.ts'

export interface Overfitting {
  /** Share of the splits in which the best of one half was no better than the median of the other. */
  readonly probability: number
  /** One for each split: ln(ω / (1 − ω)), where ω is the rank of the chosen setting among all, out of sample. */
  readonly logits: readonly number[]
}

/**
 * `results[setting][period]`: what each setting made in each period, in the order of time. Periods are cut into `parts`
 * contiguous parts, an even number; what does not fill one is left off at the beginning. `measure` says how good a stretch
 * was; the Sharpe ratio where nothing else is asked for.
 */
export function backtestOverfitting(
  results: readonly (readonly number[])[],
  parts: number,
  measure: (profits: readonly number[]) => number = sharpe,
): Overfitting {
  const length = Math.floor((results[0]?.length ?? 0) / parts)
  if (results.length < 2 || length < 1 || parts < 2 || parts % 2 !== 0) {
    throw new Fault(
      'overfitting.too_few',
      `${results.length} settings over ${results[0]?.length ?? 0} periods cannot be cut into ${parts} parts`,
    )
  }
  const skipped = (results[0]?.length ?? 0) - length * parts
  const cut = results.map((one) =>
    Array.from({ length: parts }, (_, part) =>
      one.slice(skipped + part * length, skipped + (part + 1) * length),
    ),
  )
  const logits = halves(parts).map((chosen) => {
    const inside = cut.map((one) => measure(one.filter((_, i) => chosen.has(i)).flat()))
    const outside = cut.map((one) => measure(one.filter((_, i) => !chosen.has(i)).flat()))
    const best = inside.indexOf(Math.max(...inside))
    const rank = rankOf(outside, best) / (results.length + 1)
    return Math.log(rank / (1 - rank))
  })
  return { probability: logits.filter((it) => it <= 0).length / logits.length, logits }
}

/** From 1, the worst, to their number; equal ones share the mean of their ranks. */
function rankOf(values: readonly number[], which: number): number {
  const own = values[which] as number
  const below = values.filter((it) => it < own).length
  const equal = values.filter((it) => it === own).length
  return below + (equal + 1) / 2
}

/** Every choice of half of the parts. */
function halves(parts: number): readonly ReadonlySet<number>[] {
  const chosen: ReadonlySet<number>[] = []
  const choose = (from: number, taken: readonly number[]): void => {
    if (taken.length === parts / 2) {
      chosen.push(new Set(taken))
      return
    }
    for (let next = from; next < parts; next++) choose(next + 1, [...taken, next])
  }
  choose(0, [])
  return chosen
}

function sharpe(profits: readonly number[]): number {
  const mean = profits.reduce((sum, it) => sum + it, 0) / profits.length
  const variance = profits.reduce((sum, it) => sum + (it - mean) ** 2, 0) / profits.length
  return variance > 0 ? mean / Math.sqrt(variance) : Math.sign(mean) * Number.MAX_VALUE
}
