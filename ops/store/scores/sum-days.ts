/**
 * Closes whole days: their sums and their coverage, made in the transaction that moves a version's mark past them, from
 * the rows as they are then. Making them again changes nothing.
 */
import { dayMs, floorTo, type Millis } from '../../../streams/time.ts'
import { numberColumn } from '../columns.ts'
import type { Tx } from '../connection.ts'
import { scoredRows, sumNames, sums } from './day-sums.ts'

/** A version's mark, and to where it moves. */
export interface Passed {
  readonly id: number
  readonly mark: Millis
  readonly to: Millis
}

interface Days {
  readonly id: number
  readonly first: Millis
  readonly until: Millis
}

/**
 * The days that a version's mark passes. In-sample rows are in no sum. The day in which the mark comes to lie is summed by
 * whoever reads it: making it again every minute would cost a day's rows per version.
 */
export async function sumDays(tx: Tx, coinId: number, all: readonly Passed[]): Promise<void> {
  const due = all
    .map(({ id, mark, to }) => ({ id, first: floorTo(mark, dayMs), until: floorTo(to, dayMs) }))
    .filter((it) => it.first < it.until)
  if (due.length === 0) return
  const first = Math.min(...due.map((it) => it.first))
  const until = Math.max(...due.map((it) => it.until))
  const columns = tx.unsafe(sumNames.join(', '))
  const rows = scoredRows(
    tx,
    tx`
      from unnest(${numberColumn(due, (it) => it.id)}::int4[], ${numberColumn(due, (it) => it.first)}::float8[],
        ${numberColumn(due, (it) => it.until)}::float8[]) as d (id, first, until)
      join prediction p on p.version_id = d.id and p.open_at >= instant(d.first) and p.open_at < instant(d.until)
      join outcome o on o.version_id = p.version_id and o.open_at = p.open_at
      where p.mode <> 'in_sample' and p.open_at >= ${first} and p.open_at < ${until}
        and o.open_at >= ${first} and o.open_at < ${until}`,
  )
  await tx`
    insert into score_day (version_id, day, mode, ${columns})
    select version_id, day, mode, ${sums(tx)} from ${rows} r group by version_id, day, mode
    on conflict (version_id, day, mode) do update set
      (${columns}) = row (${tx.unsafe(sumNames.map((name) => `excluded.${name}`).join(', '))})`
  await coverDays(tx, coinId, due, first, until)
}

/** A day without any prediction counts too: nothing of it was answered. */
async function coverDays(
  tx: Tx,
  coinId: number,
  due: readonly Days[],
  first: Millis,
  until: Millis,
): Promise<void> {
  await tx`
    insert into coverage_day (version_id, day, candles, answered)
    select d.id, t.day, k.candles - a.in_sample, a.answered
    from unnest(${numberColumn(due, (it) => it.id)}::int4[], ${numberColumn(due, (it) => it.first)}::float8[],
      ${numberColumn(due, (it) => it.until)}::float8[]) as d (id, first, until)
    cross join lateral generate_series(instant(d.first), instant(d.until) - interval '1 day', interval '1 day') t (day)
    cross join lateral (
      select count(*) filter (where p.mode <> 'in_sample')::int as answered,
        count(*) filter (where p.mode = 'in_sample')::int as in_sample
      from prediction p where p.version_id = d.id and p.open_at >= t.day and p.open_at < t.day + interval '1 day'
        and p.open_at >= ${first} and p.open_at < ${until}) a
    cross join lateral (
      select count(*)::int as candles from candle k
      where k.coin_id = ${coinId} and k.state in ('final', 'corrected')
        and k.open_at >= greatest(t.day, (select min(f.open_at) from prediction f where f.version_id = d.id))
        and k.open_at < t.day + interval '1 day' and k.open_at >= ${first} and k.open_at < ${until}) k
    on conflict (version_id, day) do update set candles = excluded.candles, answered = excluded.answered`
}
