/**
 * One row of the table. A bench is a file with one exported function that answers such rows, and a line in `main.ts` that
 * names it; nothing else has to be done. What is compared was measured in the same run, in turns, because the machine
 * changes under both.
 */
export interface Figure {
  readonly name: string
  /** Ours. */
  readonly value: number
  readonly unit: string
  /** The same work done another way; `against` says how. */
  readonly theirs?: number
  /** What is judged where two are compared. */
  readonly ratio?: number
  /** Of the ratio where there is one, else of the value. */
  readonly limit?: { readonly atLeast: number } | { readonly atMost: number }
  readonly against?: string
}

export function isMet({ value, ratio = value, limit }: Figure): boolean | undefined {
  if (limit === undefined) return undefined
  return 'atLeast' in limit ? ratio >= limit.atLeast : ratio <= limit.atMost
}

export function lineOf(bench: string, figure: Figure): string {
  const { name, value, unit, ratio, limit, against } = figure
  const short = (it: number): number => Number(it.toPrecision(3))
  const wanted =
    limit &&
    ('atLeast' in limit ? `at least ${short(limit.atLeast)}` : `at most ${short(limit.atMost)}`)
  const remarks = [
    ratio === undefined ? undefined : `ratio ${ratio.toPrecision(3)}`,
    against,
    wanted && `${isMet(figure) ? 'met' : 'MISSED'}: ${wanted}`,
  ].filter((it) => it !== undefined)
  const amount = value >= 1_000 ? Math.round(value).toLocaleString('en') : value.toPrecision(3)
  const told = remarks.length > 0 ? `  (${remarks.join('; ')})` : ''
  return `${`${bench}: ${name}`.padEnd(68)} ${amount.padStart(12)} ${unit}${told}`
}
