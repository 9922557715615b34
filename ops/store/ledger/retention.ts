/**
 * What is kept for how long, decided in market time: a tape that plays faster ages faster. Whole parts go, once the
 * youngest row they can hold is older than the age of their table.
 */
import { dayMs, type Millis } from '../../../streams/time.ts'
import { faulted } from '../faults.ts'
import type { Store } from '../store.ts'
import { dropRunsBefore } from '../training/training-runs.ts'
import { dropPart, listParts, type Part, type PartedTable } from './parts.ts'

export interface Keep {
  readonly trades: Millis
  readonly candles: Millis
  readonly features: Millis
  readonly predictions: Millis
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

/** Answers the names of the parts that went. `marketNow` is that of the coin that is furthest behind. */
export async function retain(
  { sql, parts }: Pick<Store, 'sql' | 'parts'>,
  keep: Keep,
  marketNow: Millis,
): Promise<readonly string[]> {
  const old = partsToDrop(await listParts(sql), keep, marketNow)
  for (const part of old) await dropPart(sql, part)
  if (old.length > 0) parts.forget()
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
