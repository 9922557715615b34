/**
 * How far into the past a version has answered, and what has come into that past since: candles before its first, and
 * those of gaps that have healed.
 */
import type { Version } from '../../../models/version.ts'
import { dayMs, type Millis } from '../../../streams/time.ts'
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Names } from '../names.ts'

export interface Stretch {
  readonly from: Millis
  readonly to: Millis
}

/** History as it was seen: from where on, and when, in market time. */
export interface Sight {
  readonly from: Millis
  readonly at: Millis
}

/** It begins to answer history that is there from `from` on; one that has begun before goes on. */
export async function beginBackfill(
  sql: Sql,
  names: Names,
  version: Version,
  { from, at }: Sight,
): Promise<void> {
  const versionId = await names.version(version)
  await faulted(
    () => sql`
      update version set backfilled_from = ${from}, backfilled_at = ${at}
      where id = ${versionId} and backfilled_to is null`,
  )
}

/** Between the two it has answered history: from as far back as it looked, up to where it has come. */
export async function backfilled(
  sql: Sql,
  names: Names,
  version: Version,
): Promise<{ readonly from: Millis | undefined; readonly to: Millis | undefined }> {
  const versionId = await names.version(version)
  const [found] = await faulted(
    () => sql<{ from: Millis | null; to: Millis | null }[]>`
      select backfilled_from as "from", backfilled_to as "to" from version where id = ${versionId}`,
  )
  return { from: found?.from ?? undefined, to: found?.to ?? undefined }
}

export async function noteBackfilled(
  sql: Sql,
  names: Names,
  version: Version,
  to: Millis,
): Promise<void> {
  const versionId = await names.version(version)
  await faulted(
    () => sql`
      update version set backfilled_to = greatest(backfilled_to, ${to}::timestamptz) where id = ${versionId}`,
  )
}

/** Those in a slot that have answered their history and have more of it now, of what is kept for `keepMs`. */
export async function versionsBehind(sql: Sql, keepMs: Millis): Promise<readonly Version[]> {
  const rows = await faulted(
    () => sql<Version[]>`
      with past as (
        select c.id, c.symbol, greatest(
          (select open_at from candle where coin_id = c.id order by open_at limit 1),
          (select open_at from candle where coin_id = c.id order by open_at desc limit 1)
            + (m.interval_ms - ${keepMs}) * interval '1 millisecond') as first_at
        from coin c cross join market m
      )
      select c.symbol as coin, l.family, v.number as version
      from version v join lane l on l.id = v.lane_id join past c on c.id = l.coin_id
      where v.backfilled_to is not null
        and exists (select from pointer q where q.version_id = v.id and q.until_at is null)
        and (v.backfilled_from is null or v.backfilled_from > c.first_at
          or exists (
            select from gap g
            where g.coin_id = c.id and g.healed_at >= v.backfilled_at and g.from_at < v.backfilled_to
              and g.to_at > c.first_at))
      order by v.id`,
  )
  return [...rows]
}

/** Whole days of its answered history, from `from` on, in which candles with trades have no answer. */
export async function owedHistory(
  sql: Sql,
  names: Names,
  version: Version,
  from: Millis,
): Promise<readonly Stretch[]> {
  const [coinId, versionId] = [await names.coin(version.coin), await names.version(version)]
  const days = await faulted(
    () => sql<{ day: Millis }[]>`
      select distinct date_trunc('day', c.open_at, 'UTC') as day
      from version v join candle c on c.coin_id = ${coinId} and c.open_at >= ${from} and c.open_at < v.backfilled_to
      left join prediction p on p.version_id = v.id and p.open_at = c.open_at
      where v.id = ${versionId} and c.state in ('final', 'corrected') and p.version_id is null
      order by day`,
  )
  const stretches: Stretch[] = []
  for (const { day } of days) {
    const last = stretches.at(-1)
    if (last?.to === day) stretches[stretches.length - 1] = { ...last, to: day + dayMs }
    else stretches.push({ from: day, to: day + dayMs })
  }
  return stretches
}

/** Everything in it that was there then has been answered, or cannot be. */
export async function noteCaughtUp(
  sql: Sql,
  names: Names,
  version: Version,
  { from, at }: Sight,
): Promise<void> {
  const versionId = await names.version(version)
  await faulted(
    () => sql`
      update version set backfilled_from = ${from}, backfilled_at = ${at} where id = ${versionId}`,
  )
}
