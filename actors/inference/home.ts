/** Where a model is at home: with the child that has the fewest, so that each session is opened and kept only once. */

export interface Household {
  readonly child: number
  readonly models: number
}

/** The number breaks the last tie, so that the same fleet is always placed alike. */
export function chooseHome(households: readonly Household[]): number | undefined {
  let best: Household | undefined
  for (const it of households) {
    if (best === undefined || compare(it, best) < 0) best = it
  }
  return best?.child
}

function compare(a: Household, b: Household): number {
  return a.models - b.models || a.child - b.child
}

/**
 * Two at least, so that there is always another child when one hangs or dies; else one core less than there are, which is
 * left for the rest of the daemon. More than eight would cost memory that a minute's candles cannot repay.
 */
export function childrenFor(cores: number): number {
  return Math.min(8, Math.max(2, cores - 1))
}
