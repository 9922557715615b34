/**
 * How much of what each version could have answered it did answer, and the class frequencies that it was trained with:
 * what its scores need beside the sums. Whole days before a mark come from `coverage_day`, later ones and those that a
 * range cuts from the rows, up to the mark.
 */
import { readFrequencies } from '../../../models/scores/no-skill.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import { matching } from '../reads/read-predictions.ts'
import type { CoverageRead, ScoreFilter } from '../reads/reads.ts'
import { cutDays, wholeDays } from './day-sums.ts'

interface Row {
  readonly coin: CoverageRead['coin']
  readonly family: string
  readonly number: number
  readonly frequencies: unknown
  readonly trials: unknown
  readonly candles: number
  readonly answered: number
}

export async function readCoverage(
  sql: Sql,
  filter: ScoreFilter,
): Promise<readonly CoverageRead[]> {
  const from = filter.from ?? Number.NEGATIVE_INFINITY
  const to = filter.to ?? Number.POSITIVE_INFINITY
  const [firstWhole, lastWhole] = wholeDays(from, to)
  const pieces = cutDays(from, to)
  const cut = (at: 0 | 1, i: number): Millis => pieces[i]?.[at] ?? Number.POSITIVE_INFINITY
  const rows = await faulted(
    () => sql<Row[]>`
      select v.coin, v.family, v.number, w.metrics->'frequencies' as frequencies, w.metrics->'trials' as trials,
        (coalesce(d.candles, 0) + r.candles)::int as candles, (coalesce(d.answered, 0) + r.answered)::int as answered
      from (${matching(sql, filter)}) v
      join version w on w.id = v.id
      join lane l on l.id = w.lane_id
      left join lateral (
        select sum(s.candles) as candles, sum(s.answered) as answered from coverage_day s
        where s.version_id = v.id and s.day >= ${firstWhole} and s.day < ${lastWhole} and s.day < v.open_day) d on true
      cross join lateral (
        select coalesce(sum(k.candles - a.in_sample), 0) as candles, coalesce(sum(a.answered), 0) as answered
        from (values (greatest(v.open_day, ${from}::timestamptz), least(w.unresolved_from, ${to}::timestamptz)),
            (${cut(0, 0)}::timestamptz, least(v.open_day, ${cut(1, 0)}::timestamptz)),
            (${cut(0, 1)}::timestamptz, least(v.open_day, ${cut(1, 1)}::timestamptz))) as piece (since, until)
        cross join lateral (
          select count(*) filter (where p.mode <> 'in_sample') as answered,
            count(*) filter (where p.mode = 'in_sample') as in_sample
          from prediction p
          where p.version_id = v.id and p.open_at >= piece.since and p.open_at < piece.until) a
        cross join lateral (
          select count(*) as candles from candle k
          where k.coin_id = l.coin_id and k.state in ('final', 'corrected') and k.open_at < piece.until
            and k.open_at >= greatest(
              piece.since, (select min(f.open_at) from prediction f where f.version_id = v.id))) k
        where piece.since < piece.until and w.unresolved_from > '-infinity') r
      order by v.coin, v.family, v.number`,
  )
  return rows.map(({ coin, family, number, frequencies, trials, candles, answered }) => ({
    coin,
    family,
    version: number,
    candles,
    answered,
    frequencies: readFrequencies({ frequencies }),
    trials: typeof trials === 'number' && trials >= 1 ? trials : 1,
  }))
}
