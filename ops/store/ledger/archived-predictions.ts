/**
 * What versions said that serve no more, taken off the ledger before the parts it lies in: predictions, outcomes and holes
 * of whole days, a month in one transaction. The sums of those days stay, so a version's record can be read for ever.
 */
import { dayMs, type Millis } from '../../../streams/time.ts'
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'

const stepMs: Millis = 31 * dayMs

/** `before` begins a day. */
export async function dropArchivedBefore(sql: Sql, before: Millis): Promise<void> {
  const versions = await faulted(
    () => sql<{ id: number; first: Millis | null }[]>`
      select v.id, (select open_at from prediction p where p.version_id = v.id order by open_at limit 1) as first
      from version v where v.state in ('archived', 'rejected') and v.kept_from < ${before} order by v.id`,
  )
  for (const { id, first } of versions)
    for (let from = first ?? before, to = 0; to < before; from = to) {
      to = Math.min(before, from + stepMs)
      await faulted(() => dropStretch(sql, id, from, to))
    }
}

async function dropStretch(sql: Sql, id: number, from: Millis, to: Millis): Promise<void> {
  await sql.begin(async (tx) => {
    // Whoever resolves outcomes holds the version, too: neither sees half of what the other does.
    const [version] = await tx`
      update version set kept_from = greatest(kept_from, ${to}::timestamptz)
      where id = ${id} and state in ('archived', 'rejected') returning id`
    if (!version) return
    await tx`delete from prediction where version_id = ${id} and open_at >= ${from} and open_at < ${to}`
    await tx`delete from outcome where version_id = ${id} and open_at >= ${from} and open_at < ${to}`
    await tx`
      delete from hole h using pointer q
      where q.version_id = ${id} and h.lane_id = q.lane_id and h.slot = q.slot and h.open_at >= q.from_at
        and (q.until_at is null or h.open_at < q.until_at) and h.open_at < ${to}`
  })
}
