/**
 * Sums over resolved predictions by UTC day. Whole days before a version's mark come from `score_day`, which is made in
 * the transaction that moves the mark; later days, and those that a range cuts, are summed from their rows. In-sample
 * rows are in neither.
 */
import type { Mode } from '../../../models/prediction.ts'
import { binsOf, probabilityMin, type ScoreSums } from '../../../models/scores/sums.ts'
import { dayMs, floorTo, type Millis } from '../../../streams/time.ts'
import type { Fragment, Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import { matching } from '../reads/read-predictions.ts'
import type { DaySums, ScoreFilter } from '../reads/reads.ts'

/** The columns of `score_day` after its key, in the order of `sums`. */
export const sumNames = [
  'n',
  'confusion',
  'log_loss_sum',
  'brier_sum',
  'bin_n',
  'bin_confidence',
  'bin_right',
  'profit_sum',
  'profit_square_sum',
  'profit_high',
  'profit_low',
  'profit_fall',
  'squared_error_sum',
  'absolute_error_sum',
  'actual_sum',
  'actual_square_sum',
  'value_sum',
  'value_square_sum',
  'value_actual_sum',
  'naive_squared_error_sum',
  'naive_absolute_error_sum',
]

const classes = ['sell', 'hold', 'buy']
const bins = Array.from({ length: binsOf }, (_, i) => i)

/**
 * Predictions and their outcomes as rows to be summed by version, day and mode, each with what the profits of its day come
 * to at it, and the highest that they came to. `from` names predictions `p` and outcomes `o`, and says which.
 */
export function scoredRows(sql: Sql | Tx, from: Fragment): Fragment {
  return sql`(
    select *, max(greatest(balance, 0)) over (partition by version_id, day, mode order by open_at) as high
    from (
      select p.version_id, p.open_at, p.mode, p.signal, p.sell, p.hold, p.buy, p.value, o.label, o.profit, o.actual, o.naive,
        date_trunc('day', p.open_at, 'UTC') as day, sum(coalesce(o.profit, 0)) over (
          partition by p.version_id, date_trunc('day', p.open_at, 'UTC'), p.mode order by p.open_at) as balance
      ${from}) b)`
}

/** Over `scoredRows`; classes count where there are probabilities, values where there is one. */
export function sums(sql: Sql | Tx): Fragment {
  const said = `case label when 'sell' then sell when 'hold' then hold else buy end`
  const confidence = 'greatest(sell, hold, buy)'
  // Of rows without probabilities it is null, and so in no bin; `least` would put them into the last one.
  const isBin = (i: number): string =>
    `floor(${confidence} * ${binsOf}) ${i < binsOf - 1 ? '=' : '>='} ${i}`
  const confusion = classes.flatMap((actual) =>
    classes.map(
      (predicted) => `count(*) filter (where label = '${actual}' and signal = '${predicted}')::int`,
    ),
  )
  const brier = classes.map((it) => `(${it} - (label = '${it}')::int) ^ 2`).join(' + ')
  const total = (expression: string): string => `coalesce(sum(${expression}), 0)`
  const ofValues = (expression: string): string =>
    `coalesce(sum(${expression}) filter (where value is not null), 0)`
  const columns = [
    'count(*)::int',
    `array[${confusion.join(', ')}]`,
    total(`case when sell is not null then -ln(greatest(${said}, ${probabilityMin})) end`),
    total(brier),
    `array[${bins.map((i) => `count(*) filter (where ${isBin(i)})::int`).join(', ')}]`,
    `array[${bins.map((i) => `coalesce(sum(${confidence}) filter (where ${isBin(i)}), 0)`).join(', ')}]`,
    `array[${bins.map((i) => `count(*) filter (where ${isBin(i)} and ${said} = ${confidence})::int`).join(', ')}]`,
    total('profit'),
    total('profit ^ 2'),
    'greatest(max(balance), 0)',
    'least(min(balance), 0)',
    'max(high - balance)',
    total('(value - actual) ^ 2'),
    total('abs(value - actual)'),
    ofValues('actual'),
    ofValues('actual ^ 2'),
    total('value'),
    total('value ^ 2'),
    total('value * actual'),
    ofValues('(naive - actual) ^ 2'),
    ofValues('abs(naive - actual)'),
  ]
  return sql`${sql.unsafe(columns.map((it, i) => `${it} as ${sumNames[i]}`).join(', '))}`
}

/** One version's sums as they come from a query. */
export interface SumsRow {
  readonly day: Millis
  readonly n: number
  readonly confusion: readonly number[]
  readonly log_loss_sum: number
  readonly brier_sum: number
  readonly bin_n: readonly number[]
  readonly bin_confidence: readonly number[]
  readonly bin_right: readonly number[]
  readonly profit_sum: number
  readonly profit_square_sum: number
  readonly profit_high: number
  readonly profit_low: number
  readonly profit_fall: number
  readonly squared_error_sum: number
  readonly absolute_error_sum: number
  readonly actual_sum: number
  readonly actual_square_sum: number
  readonly value_sum: number
  readonly value_square_sum: number
  readonly value_actual_sum: number
  readonly naive_squared_error_sum: number
  readonly naive_absolute_error_sum: number
}

interface Row extends SumsRow {
  readonly coin: DaySums['coin']
  readonly family: string
  readonly number: number
}

/** One entry per version, day and mode; ascending by day. */
export async function readDaySums(sql: Sql, filter: ScoreFilter): Promise<readonly DaySums[]> {
  const from = filter.from ?? Number.NEGATIVE_INFINITY
  const to = filter.to ?? Number.POSITIVE_INFINITY
  const [firstWhole, lastWhole] = wholeDays(from, to)
  const rows = await faulted(() =>
    // One snapshot: a mark that moves in between would count a day twice, or not at all.
    sql.begin('isolation level repeatable read read only', async (tx) => {
      const [mark] = await tx<{ day: Millis | null }[]>`
        select min(open_day) filter (where open_day > '-infinity') as day from (${matching(tx, filter)}) v`
      // Without a mark there is nothing resolved.
      const open = Math.max(from, mark?.day ?? Number.POSITIVE_INFINITY)
      const after = tx`p.open_at >= v.open_day`
      const before = tx`p.open_at < v.open_day`
      const parts = await Promise.all([
        tx<Row[]>`
          select v.coin, v.family, v.number, s.*
          from score_day s join (${matching(tx, filter)}) v on v.id = s.version_id
          where s.day >= ${firstWhole} and s.day < ${lastWhole} and s.day < v.open_day
            ${ofMode(tx, 's.mode', filter.mode)}`,
        sumRows(tx, filter, open, to, after),
        ...cutDays(from, to).map(([first, last]) => sumRows(tx, filter, first, last, before)),
      ])
      return parts.flat()
    }),
  )
  return rows.map(daySums).sort((a, b) => a.day - b.day)
}

async function sumRows(
  tx: Tx,
  filter: ScoreFilter,
  from: Millis,
  to: Millis,
  side: Fragment,
): Promise<readonly Row[]> {
  const rows = scoredRows(
    tx,
    tx`
      from (${matching(tx, filter)}) v
      join prediction p on p.version_id = v.id
      join outcome o on o.version_id = p.version_id and o.open_at = p.open_at
      where p.mode <> 'in_sample' and p.open_at >= ${from} and p.open_at < ${to}
        and o.open_at >= ${from} and o.open_at < ${to} and ${side} ${ofMode(tx, 'p.mode', filter.mode)}`,
  )
  return await tx<Row[]>`
    select v.coin, v.family, v.number, s.*
    from (select version_id, day, ${sums(tx)} from ${rows} r group by version_id, day, mode) s
    join (${matching(tx, filter)}) v on v.id = s.version_id`
}

function ofMode(sql: Sql | Tx, column: string, mode: Mode | undefined): Fragment {
  return mode === undefined ? sql`` : sql`and ${sql(column)} = ${mode}`
}

/** The openings of the days that lie wholly inside: `[first, last)`. */
export function wholeDays(from: Millis, to: Millis): readonly [Millis, Millis] {
  const first = Number.isFinite(from) ? floorTo(from + dayMs - 1, dayMs) : from
  const last = Number.isFinite(to) ? floorTo(to, dayMs) : to
  return [first, last]
}

/** What is left of the range at its ends, at most two pieces. */
export function cutDays(from: Millis, to: Millis): readonly (readonly [Millis, Millis])[] {
  if (from >= to) return []
  const [first, last] = wholeDays(from, to)
  if (first > last) return [[from, to]]
  const pieces: (readonly [Millis, Millis])[] = []
  if (from < first) pieces.push([from, first])
  if (last < to) pieces.push([last, to])
  return pieces
}

function daySums(row: Row): DaySums {
  return { coin: row.coin, family: row.family, version: row.number, ...scoreSums(row) }
}

export function scoreSums(row: SumsRow): ScoreSums {
  return {
    day: row.day,
    n: row.n,
    confusion: [row.confusion.slice(0, 3), row.confusion.slice(3, 6), row.confusion.slice(6, 9)],
    logLossSum: row.log_loss_sum,
    brierSum: row.brier_sum,
    calibration: bins.map((i) => ({
      n: row.bin_n[i] as number,
      confidence: row.bin_confidence[i] as number,
      right: row.bin_right[i] as number,
    })),
    profitSum: row.profit_sum,
    profitSquareSum: row.profit_square_sum,
    profitHigh: row.profit_high,
    profitLow: row.profit_low,
    profitFall: row.profit_fall,
    squaredErrorSum: row.squared_error_sum,
    absoluteErrorSum: row.absolute_error_sum,
    actualSum: row.actual_sum,
    actualSquareSum: row.actual_square_sum,
    valueSum: row.value_sum,
    valueSquareSum: row.value_square_sum,
    valueActualSum: row.value_actual_sum,
    naiveSquaredErrorSum: row.naive_squared_error_sum,
    naiveAbsoluteErrorSum: row.naive_absolute_error_sum,
  }
}
