/**
 * The archive of a lane: the ten versions that left their slots last are kept with their artifacts and can come back, and
 * so are the ten that were rejected last. Of older ones, predictions and history stay, and the bytes go, unless a version
 * that is kept has the same. What holds a slot or held one when its lane left, is on its way to one, or is what one step
 * back leads to, is kept at any age.
 */
import type { Tx } from '../connection.ts'

const keptMax = 10

/** The lane's row is to be locked. Answers the sha256 of the artifacts that nobody needs any more. */
export async function pruneArchive(tx: Tx, laneId: number): Promise<readonly string[]> {
  const removed = await tx<{ artifact: string }[]>`
    update version v set removed_at = clock_timestamp()
    from (
      select id, row_number() over (partition by state order by archived_at desc nulls last, id desc) as age from version
      where lane_id = ${laneId} and state in ('archived', 'rejected') and removed_at is null) a
    where a.id = v.id and a.age > ${keptMax}
      and not exists (select from pointer q where q.version_id = v.id and q.until_at is null)
      and not exists (select from lane l where l.id = v.lane_id and v.id = any(l.left_with))
      and not exists (select from alias w where w.version_id = v.id)
      and not exists (select from swap s where s.to_id = v.id and s.state in ('waiting', 'running'))
      and not exists (
        select from (
          select before_cut from swap
          where lane_id = ${laneId} and before_cut is not null and undone_by is null
          order by id desc limit 1) b
        where v.id = any(b.before_cut))
    returning v.artifact`
  if (removed.length === 0) return []
  const artifacts = removed.map((it) => it.artifact)
  // Of two lanes that let go of the same artifact at once, the second is to see that the first has.
  await tx`
    select from artifact_file where sha256 in ${tx(artifacts)} and name = 'manifest.json'
    order by sha256, part for update`
  const gone = await tx<{ artifact: string }[]>`
    select distinct r.artifact from version r
    where r.artifact in ${tx(artifacts)}
      and not exists (select from version k where k.artifact = r.artifact and k.removed_at is null)`
  for (const { artifact } of gone) await tx`delete from artifact_file where sha256 = ${artifact}`
  return gone.map((it) => it.artifact)
}

/** A version that came in as refused. The same bytes may be known in the lane from before, and stay what they are then. */
export async function refuseVersion(tx: Tx, versionId: number, reason: string): Promise<void> {
  const refused = await tx`
    update version set state = 'rejected', archived_at = clock_timestamp()
    where id = ${versionId} and state = 'announced'
      and not exists (select from pointer where version_id = ${versionId} and until_at is null)
      and not exists (select from swap where to_id = ${versionId} and state in ('waiting', 'running'))`
  if (refused.count > 0)
    await tx`
      insert into transition (version_id, stage, reason) values (${versionId}, 'rejected', ${reason})`
}
