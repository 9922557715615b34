/**
 * The archive of a lane: the ten versions that left their slots last are kept with their artifacts and can come back, and
 * so are the ten that were rejected last. Of older ones, predictions and history stay, and the bytes go, unless a version
 * that is kept has the same.
 */
import type { Tx } from '../connection.ts'

const keptMax = 10

/** Answers the sha256 of the artifacts that nobody needs any more. */
export async function pruneArchive(tx: Tx, laneId: number): Promise<readonly string[]> {
  const removed = await tx<{ artifact: string }[]>`
    update version v set removed_at = clock_timestamp()
    from (
      select id, row_number() over (partition by state order by archived_at desc, id desc) as age from version
      where lane_id = ${laneId} and state in ('archived', 'rejected') and removed_at is null) a
    where a.id = v.id and a.age > ${keptMax} returning v.artifact`
  if (removed.length === 0) return []
  const gone = await tx<{ artifact: string }[]>`
    select distinct r.artifact from version r
    where r.artifact in ${tx(removed.map((it) => it.artifact))}
      and not exists (select from version k where k.artifact = r.artifact and k.removed_at is null)`
  for (const { artifact } of gone) await tx`delete from artifact_file where sha256 = ${artifact}`
  return gone.map((it) => it.artifact)
}
