/**
 * The slots of a lane that is not followed for a while. They end where their versions stopped answering, which says nothing
 * of what the lane had in the end; that is written down as it leaves, and is what it has when it comes back.
 */
import { type Lane, slots } from '../../../models/version.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Sql } from '../connection.ts'
import type { Names } from '../names.ts'
import { transact } from '../transact.ts'
import { arrayOf, giveSlot, type Holders, holdersOf, lockLane, newestOf } from './pointers.ts'

/**
 * Nobody holds the lane's slots from `from` on: it is not followed any longer, and not audited either. What the version in a
 * slot did not come to answer before is nobody's, too; a slot that was never answered was never held.
 */
export async function closeSlots(sql: Sql, names: Names, lane: Lane, from: Millis): Promise<void> {
  const laneId = await names.lane(lane)
  await transact(sql, async (tx) => {
    await lockLane(tx, laneId)
    const holders = await holdersOf(tx, laneId)
    if (newestOf(holders) === null) return
    await tx`update lane set left_with = ${arrayOf(holders)}::int[] where id = ${laneId}`
    const held = await tx<{ id: number; from_at: Millis; answered_to: Millis | null }[]>`
      select q.id, q.from_at, (select interval_ms * interval '1 millisecond' from market) + greatest(
          (select max(open_at) from prediction p where p.version_id = q.version_id and p.open_at >= q.from_at),
          (select max(open_at) from hole h
            where h.lane_id = q.lane_id and h.slot = q.slot and h.open_at >= q.from_at)) as answered_to
      from pointer q where q.lane_id = ${laneId} and (q.until_at is null or q.until_at > ${from}) for update of q`
    for (const { id, from_at, answered_to } of held) {
      const until = Math.min(from, answered_to ?? from_at)
      if (until <= from_at) await tx`delete from pointer where id = ${id}`
      else await tx`update pointer set until_at = ${until} where id = ${id}`
    }
  })
}

/**
 * From `from` on the slots hold what the lane left with, less what is quarantined or whose artifact is not kept; where that
 * takes the pinned version, the oldest that is left is pinned. `none` where none is, `unknown` where it is not written what
 * the lane had.
 */
export async function reopenSlots(
  sql: Sql,
  names: Names,
  lane: Lane,
  from: Millis,
): Promise<'given' | 'none' | 'unknown'> {
  const laneId = await names.lane(lane)
  return transact(sql, async (tx) => {
    await lockLane(tx, laneId)
    const [left] = await tx<Record<'v1' | 'v2' | 'v3', number | null>[]>`
      select left_with[1] as v1, left_with[2] as v2, left_with[3] as v3 from lane
      where id = ${laneId} and left_with is not null`
    if (!left) return 'unknown'
    await tx`update lane set left_with = null where id = ${laneId}`
    const well = await tx<{ id: number }[]>`
      select id from version
      where id in (${left.v1}, ${left.v2}, ${left.v3}) and state <> 'quarantined' and removed_at is null`
    const [v1, v2, v3] = [left.v1, left.v2, left.v3].map(
      (it) => well.find(({ id }) => id === it)?.id ?? null,
    ) as [number | null, number | null, number | null]
    const first = v1 ?? v2 ?? v3
    if (first === null) return 'none'
    const holders: Holders = [first, v2, v3]
    for (const [i, slot] of slots.entries())
      await giveSlot(tx, laneId, slot, holders[i] ?? null, from)
    await tx`
      update version set state = 'serving', archived_at = null where id in (${first}, ${v2}, ${v3})`
    return 'given'
  })
}
