/**
 * Seven questions that every dataset must answer before anything learns from it. Each says what it found beside its limit,
 * in words that tell whoever must mend it where to look.
 */
import { dayMs, floorTo, iso, type Millis } from '../../streams/time.ts'
import type { Check, Flaw } from './manifest.ts'

export interface CheckLimits {
  readonly rowsMin: number
  /** Share of values that are not there, among rows that are otherwise whole. */
  readonly nullsMax: number
  /** Share of candles whose price is beyond `outlierFactor` of its day's median. */
  readonly outliersMax: number
  readonly duplicatesMax: number
  readonly ageMax: Millis
}

export const checkLimits: CheckLimits = {
  rowsMin: 2_000,
  nullsMax: 0.01,
  outliersMax: 0.0001,
  duplicatesMax: 0.005,
  ageMax: 86_400_000,
}

/** No market moves fivefold within a day by itself; a lost decimal point does. */
const outlierFactor = 5

export interface Found {
  readonly rows: number
  readonly flaws: Readonly<Record<Flaw, number>>
  /** Values that are NaN, and values looked at, in rows whose candles are there and warm. */
  readonly nulls: number
  readonly values: number
  readonly unknownColumns: readonly string[]
  readonly outliers: number
  readonly duplicates: number
  /** Sell, hold, buy among the examples; null where values are asked for. */
  readonly balance: readonly [number, number, number] | null
  readonly labelsDiffer: boolean
  /** End of the range, and the market's present. */
  readonly to: Millis
  readonly now: Millis
}

export function check(found: Found, limits: CheckLimits = checkLimits): readonly Check[] {
  const { flaws, rows } = found
  const whole = flaws.none
  const left = Object.entries(flaws)
    .filter(([name, n]) => name !== 'none' && n > 0)
    .map(([name, n]) => `${n} ${name}`)
  const share = (part: number, of: number): number => (of === 0 ? 0 : part / of)
  const nulls = share(found.nulls, found.values)
  const outliers = share(found.outliers, rows)
  const duplicates = share(found.duplicates, rows + found.duplicates)
  const age = found.now - found.to
  return [
    {
      name: 'rows',
      ok: whole >= limits.rowsMin,
      found: whole,
      limit: limits.rowsMin,
      detail: `${whole} of ${rows} rows are examples${left.length > 0 ? `; left out: ${left.join(', ')}` : ''}`,
    },
    {
      name: 'labels',
      ok: found.labelsDiffer,
      found: found.labelsDiffer ? 2 : Math.min(1, whole),
      limit: 2,
      detail: labelsText(found),
    },
    {
      name: 'nulls',
      ok: nulls <= limits.nullsMax,
      found: nulls,
      limit: limits.nullsMax,
      detail: nullsText(found, nulls > limits.nullsMax),
    },
    {
      name: 'schema',
      ok: found.unknownColumns.length === 0,
      found: found.unknownColumns.length,
      limit: 0,
      detail:
        found.unknownColumns.length === 0
          ? 'every column is one of the feature set'
          : `no such columns: ${found.unknownColumns.join(', ')}`,
    },
    {
      name: 'outliers',
      ok: outliers <= limits.outliersMax,
      found: outliers,
      limit: limits.outliersMax,
      detail: `${found.outliers} candles have a price more than ${outlierFactor} times off the median of their day`,
    },
    {
      name: 'duplicates',
      ok: duplicates <= limits.duplicatesMax,
      found: duplicates,
      limit: limits.duplicatesMax,
      detail: `${found.duplicates} candles came twice`,
    },
    {
      name: 'freshness',
      ok: age <= limits.ageMax,
      found: age / 3_600_000,
      limit: limits.ageMax / 3_600_000,
      detail: `the newest candle closed at ${iso(found.to)}, ${(age / 3_600_000).toFixed(1)} hours before the market's present`,
    },
  ]
}

function nullsText({ nulls, values }: Found, isTooMany: boolean): string {
  const why = isTooMany ? ': a column that this source does not tell?' : ''
  return `${nulls} of ${values} values are not there${why}`
}

function labelsText({ balance, labelsDiffer, flaws }: Found): string {
  if (flaws.none === 0) return 'there are no examples'
  if (balance === null) return labelsDiffer ? 'the values differ' : 'every example has one value'
  const [sell, hold, buy] = balance
  const counts = `${sell} sell, ${hold} hold, ${buy} buy`
  return labelsDiffer ? counts : `every example is of one class: ${counts}`
}

/** Candles whose high, low or close is far from the median close of their UTC day. */
export function countOutliers(
  {
    from,
    close,
    high,
    low,
  }: {
    readonly from: Millis
    readonly close: Float64Array
    readonly high: Float64Array
    readonly low: Float64Array
  },
  intervalMs: Millis,
): number {
  let outliers = 0
  for (let first = 0; first < close.length; ) {
    const dayEnds = floorTo(from + first * intervalMs, dayMs) + dayMs
    const to = Math.min(close.length, Math.ceil((dayEnds - from) / intervalMs))
    const known = close.slice(first, to).filter(Number.isFinite).sort()
    const median = known[known.length >> 1] ?? Number.NaN
    const isFar = (price: number | undefined): boolean =>
      price !== undefined && (price > median * outlierFactor || price < median / outlierFactor)
    for (let i = first; i < to; i++)
      if (isFar(close[i]) || isFar(high[i]) || isFar(low[i])) outliers++
    first = to
  }
  return outliers
}
