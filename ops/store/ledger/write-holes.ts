/** Holes into the ledger: one where a slot's version has not answered, none where it has. */
import { type Hole, healableReasons } from '../../../models/prediction.ts'
import { numberColumn, textColumn } from '../columns.ts'
import type { Tx } from '../connection.ts'

export interface HoleRow {
  readonly laneId: number
  readonly hole: Hole
}

/** A reason that stays replaces one that might have healed; what has healed stays healed. */
export async function writeHoles(tx: Tx, all: readonly HoleRow[]): Promise<void> {
  if (all.length === 0) return
  const byKey = new Map(all.map((it) => [`${it.laneId} ${it.hole.slot} ${it.hole.openAt}`, it]))
  const rows = [...byKey.values()]
  await tx`
    insert into hole (lane_id, slot, open_at, reason)
    select x.lane_id, x.slot::slot, instant(x.at), x.reason
    from unnest(${numberColumn(rows, (it) => it.laneId)}::int4[], ${textColumn(rows, (it) => it.hole.slot)}::text[],
      ${numberColumn(rows, (it) => it.hole.openAt)}::float8[], ${textColumn(rows, (it) => it.hole.reason)}::text[]
    ) as x (lane_id, slot, at, reason)
    where not exists (
      select from pointer q join prediction p on p.version_id = q.version_id and p.open_at = instant(x.at)
      where q.lane_id = x.lane_id and q.slot = x.slot::slot and q.from_at <= instant(x.at)
        and (q.until_at is null or q.until_at > instant(x.at)))
    on conflict (lane_id, slot, open_at) do update set reason = excluded.reason
    where hole.healed_at is null and hole.reason = any(${textColumn(healableReasons, (it) => it)}::text[])
      and hole.reason <> excluded.reason`
}
