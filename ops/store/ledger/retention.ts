/**
 * What is kept for how long, decided in market time: a tape that plays faster ages faster. Whole parts go, once the
 * youngest row they can hold is older than the age of their table; of versions that serve no more, whole days go before.
 * What went is written down with the versions it was of.
 */
import { dayMs, floorTo, type Millis } from '../../../streams/time.ts'
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Store } from '../store.ts'
import { dropRunsBefore } from '../training/training-runs.ts'
import { dropArchivedBefore } from './archived-predictions.ts'
import { dropPart, listParts, type Part, type PartedTable } from './parts.ts'

export interface Keep {
  readonly trades: Millis
  readonly candles: Millis
  readonly features: Millis
  readonly predictions: Millis
  /** Of versions that are archived or were rejected. Their scores by day stay. */
  readonly archivedPredictions: Millis
  readonly trainingEvents: Millis
}

export function partsToDrop(
  parts: readonly Part[],
  keep: Keep,
  marketNow: Millis,
): readonly Part[] {
  return parts.filter((part) => part.to <= marketNow - keep[agesLike[part.table]])
}

/** Holes and outcomes say nothing without their predictions. */
const agesLike: Readonly<Record<PartedTable, keyof Keep>> = {
  trade: 'trades',
  candle: 'candles',
  feature: 'features',
  prediction: 'predictions',
  hole: 'predictions',
  outcome: 'predictions',
}

/** How long dead letters and ended lives are of use, on the wall. */
const recordsKeptMs = 30 * dayMs
/** The engine starts from a daily snapshot at or before the stretch it computes. */
const snapshotsKept = 400

/**
 * Answers the names of the parts that went. `feedNow` is that of the coin that is furthest behind; a live one goes by the
 * machine's clock, which may have been set days ahead, so nothing ages past what the market itself has told.
 */
export async function retain(
  { sql, parts }: Pick<Store, 'sql' | 'parts'>,
  keep: Keep,
  feedNow: Millis,
): Promise<readonly string[]> {
  const marketNow = Math.min(feedNow, await newestTraded(sql))
  const old = partsToDrop(await listParts(sql), keep, marketNow)
  await noteGone(sql, old)
  for (const part of old) await dropPart(sql, part)
  if (old.length > 0) parts.forget()
  await dropArchivedBefore(sql, floorTo(marketNow - keep.archivedPredictions, dayMs))
  await dropRunsBefore(sql, marketNow - keep.trainingEvents)
  await faulted(async () => {
    await sql`
      delete from dead_letter where at < clock_timestamp() - ${recordsKeptMs}::float8 * interval '1 millisecond'`
    await sql`
      delete from incarnation where ended_at < clock_timestamp() - ${recordsKeptMs}::float8 * interval '1 millisecond'`
    await sql`
      delete from engine_snapshot s using (
        select coin_id, set_id, at, row_number() over (partition by coin_id, set_id order by at desc) as age
        from engine_snapshot) o
      where o.age > ${snapshotsKept} and s.coin_id = o.coin_id and s.set_id = o.set_id and s.at = o.at`
  })
  return old.map((part) => part.name)
}

/** Opening of the newest candle with trades: one without any, or that is missing, closes by the clock alone. */
async function newestTraded(sql: Sql): Promise<Millis> {
  const [newest] = await faulted(
    () => sql<{ at: Millis | null }[]>`
      select max(k.open_at) as at from coin c cross join lateral (
        select open_at from candle
        where coin_id = c.id and state in ('final', 'corrected') order by open_at desc limit 1) k`,
  )
  return newest?.at ?? 0
}

/** A prediction without its candle proves as little as a candle without its prediction. */
async function noteGone(sql: Sql, old: readonly Part[]): Promise<void> {
  const ends = old.filter(({ table }) => table === 'candle' || table === 'prediction')
  if (ends.length === 0) return
  const goneTo = Math.max(...ends.map(({ to }) => to))
  await faulted(() => sql`update version set kept_from = ${goneTo} where kept_from < ${goneTo}`)
}
