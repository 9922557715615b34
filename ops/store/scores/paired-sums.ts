/**
 * Two versions of a lane on the very same candles: sums by UTC day over those that both answered and neither was trained
 * on, whatever the mode. From rows, because which candles those are is not known by day; half a year of two versions is
 * a second's work, and a shadow's days are a few milliseconds'.
 */
import type { Version } from '../../../models/version.ts'
import type { Fragment, Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import { matching } from '../reads/read-predictions.ts'
import type { PairedSums, ScoreFilter } from '../reads/reads.ts'
import { type SumsRow, scoredRows, scoreSums, sums } from './day-sums.ts'

export async function readPairedSums(
  sql: Sql,
  challenger: Version,
  incumbent: Version,
  {
    from = Number.NEGATIVE_INFINITY,
    to = Number.POSITIVE_INFINITY,
  }: Pick<ScoreFilter, 'from' | 'to'>,
): Promise<PairedSums> {
  return await faulted(() =>
    // One snapshot: a candle that one of them answers in between would be in one half alone.
    sql.begin('isolation level repeatable read read only', async (tx) => {
      // Rows that came a moment ago are not in the statistics yet: taken for one row, each is looked for among all others,
      // and 20,000 candles took two minutes in the place of a third of a second.
      await tx`set local enable_nestloop = off`
      const of = async (one: Version, other: Version) => {
        const shared = sharedRows(tx, one, other, from, to)
        const rows = await tx<SumsRow[]>`
          select day, ${sums(tx)} from ${scoredRows(tx, shared)} r group by version_id, day, mode order by day`
        return rows.map(scoreSums)
      }
      const shared = sharedRows(tx, challenger, incumbent, from, to)
      const [times] = await tx<{ p50: number | null; p95: number | null }[]>`
        select percentile_cont(0.5) within group (order by p.infer_ms)::float8 as p50,
          percentile_cont(0.95) within group (order by p.infer_ms)::float8 as p95 ${shared}`
      const { p50 = null, p95 = null } = times ?? {}
      return {
        challenger: await of(challenger, incumbent),
        incumbent: await of(incumbent, challenger),
        inferenceMs: p50 === null || p95 === null ? null : { p50, p95 },
      }
    }),
  )
}

function sharedRows(
  tx: Sql | Tx,
  one: Version,
  other: Version,
  from: number,
  to: number,
): Fragment {
  return tx`
    from (${matching(tx, one)}) v
    cross join (${matching(tx, other)}) w
    join prediction p on p.version_id = v.id and p.mode <> 'in_sample'
    join outcome o on o.version_id = p.version_id and o.open_at = p.open_at
    join prediction q on q.version_id = w.id and q.open_at = p.open_at and q.mode <> 'in_sample'
    join outcome r on r.version_id = q.version_id and r.open_at = q.open_at
    where p.open_at >= ${from} and p.open_at < ${to} and o.open_at >= ${from} and o.open_at < ${to}
      and q.open_at >= ${from} and q.open_at < ${to} and r.open_at >= ${from} and r.open_at < ${to}`
}
