/**
 * The two transactions that move a lane's pointers: the cut to a new version, and the step back. Both are for a candle
 * that is not in the ledger yet, and either happens whole or not at all.
 */
import { type Lane, slots } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import type { GoingBack } from '../../../supervisor/fleet/lane-journal.ts'
import type { Tx } from '../connection.ts'
import {
  arrayOf,
  giveSlot,
  type Holders,
  holdersOf,
  holdMarket,
  lockLane,
  newestOf,
} from './pointers.ts'

export const servesAlready = 'it serves already'

/** Does nothing where it has been done. */
export async function cutOver(tx: Tx, swapId: number, at: Millis): Promise<void> {
  const [swap] = await tx<SwapRow[]>`
    select lane_id, from_id, to_id, state, cut_at from swap where id = ${swapId}`
  if (!swap) throw new Fault('swap.unknown', `there is no swap ${swapId}`)
  await lockLane(tx, swap.lane_id)
  const [now] = await tx<SwapRow[]>`
    select lane_id, from_id, to_id, state, cut_at from swap where id = ${swapId} for no key update`
  if (now?.cut_at !== null) return
  if (now.state !== 'running')
    throw new Fault('swap.state', `swap ${swapId} is ${now.state}, so it is not to be cut`)
  await holdMarket(tx, swap.lane_id, at)
  const before = await holdersOf(tx, swap.lane_id)
  if (newestOf(before) !== now.from_id)
    throw new Fault('swap.moved', `the slots have moved since swap ${swapId} began`)
  if (now.to_id === now.from_id) throw new Fault('swap.serves', servesAlready)
  const after: Holders = before[0] === null ? [now.to_id, null, null] : shift(before, now.to_id)
  await give(tx, swap.lane_id, before, after, at)
  await tx`update swap set cut_at = ${at}, before_cut = ${arrayOf(before)}::int[] where id = ${swapId}`
  await tellStages(tx, swapId, before, after, now.to_id, at)
}

function shift([v1, v2, v3]: Holders, to: number): Holders {
  return [v1, v3 ?? v2 ?? v1, to]
}

/** A swap, and those that it has overtaken, by their ids. */
export interface Written {
  readonly id: number
  readonly isNew: boolean
  readonly overtaken: readonly number[]
}

/** Answers the swap that records it. */
export async function stepBack(tx: Tx, laneId: number, how: GoingBack): Promise<Written> {
  const { kind, at, reason, revision } = how
  await lockLane(tx, laneId)
  await holdMarket(tx, laneId, at)
  const before = await holdersOf(tx, laneId)
  const undoable = await stepsOf(tx, laneId)
  const steps = kind === 'rollback' ? undoable.slice(0, 1) : untilGood(undoable)
  const had = steps.at(-1)?.before ?? before
  const to = newestOf(had)
  const stopped = kind === 'rollback' ? await stopOpenSwaps(tx, laneId) : []
  if (to === null || (steps.length === 0 && (kind === 'fallback' || stopped.length === 0)))
    throw new Fault('rollback.state', `${nameOf(how.lane)} has nothing to go back to`)
  const target = await leaveOutRemoved(tx, had)
  const [made] = await tx<{ id: number }[]>`
    insert into swap (lane_id, generation, alias_revision, kind, asked_by, from_id, to_id, state, reason, candle_at, cut_at)
    select ${laneId}, coalesce(max(generation), 0) + 1, greatest(coalesce(max(alias_revision), 0), ${revision}),
      ${kind}, ${kind === 'rollback' ? 'operator' : 'fleet'}, ${newestOf(before)}, ${to}, 'running', ${reason}, ${at}, ${at}
    from swap where lane_id = ${laneId} returning id`
  const { id } = made as { id: number }
  // What was on its way to take over from the one that fell goes on, and takes over from the one before it.
  if (kind === 'fallback')
    await tx`update swap set from_id = ${to} where lane_id = ${laneId} and state = 'running' and cut_at is null`
  for (const step of steps) await tx`update swap set undone_by = ${id} where id = ${step.id}`
  await give(tx, laneId, before, target, at)
  await tellStages(tx, id, before, target, to, at)
  // Whoever was told that it is late asks again: all the way to here it may have waited for the store.
  if (how.signal?.aborted)
    throw new Fault(
      'rollback.late',
      `nobody waits for the rollback of ${nameOf(how.lane)} any more`,
    )
  return { id, isNew: true, overtaken: stopped }
}

interface Step {
  readonly id: number
  readonly before: Holders
  /** What would be the newest again stands in quarantine. */
  readonly isBad: boolean
}

/** Newest first. A lane's very first version has nothing before it. */
async function stepsOf(tx: Tx, laneId: number): Promise<readonly Step[]> {
  const rows = await tx<StepRow[]>`
    select s.id, s.before_cut[1] as v1, s.before_cut[2] as v2, s.before_cut[3] as v3,
      coalesce(v.state = 'quarantined' or v.removed_at is not null, false) as is_bad
    from swap s left join version v on v.id = coalesce(s.before_cut[3], s.before_cut[2], s.before_cut[1])
    where s.lane_id = ${laneId} and s.before_cut is not null and s.undone_by is null and s.before_cut[1] is not null
    order by s.id desc`
  return rows.map(({ id, v1, v2, v3, is_bad }) => ({ id, before: [v1, v2, v3], isBad: is_bad }))
}

interface StepRow {
  readonly id: number
  readonly v1: number | null
  readonly v2: number | null
  readonly v3: number | null
  readonly is_bad: boolean
}

/** As many steps as it takes to stand on a version that is well; none where there is no such. */
function untilGood(steps: readonly Step[]): readonly Step[] {
  const good = steps.findIndex((step) => !step.isBad)
  return good < 0 ? [] : steps.slice(0, good + 1)
}

async function give(
  tx: Tx,
  laneId: number,
  before: Holders,
  after: Holders,
  at: Millis,
): Promise<void> {
  for (const [i, slot] of slots.entries())
    if (before[i] !== after[i]) await giveSlot(tx, laneId, slot, after[i] ?? null, at)
}

/** What serves and what drains from now on, in the same transaction as the pointers. */
async function tellStages(
  tx: Tx,
  swapId: number,
  before: Holders,
  after: Holders,
  to: number,
  at: Millis,
): Promise<void> {
  const ids = (holders: Holders): Set<number> => new Set(holders.filter((id) => id !== null))
  const [held, holds] = [ids(before), ids(after)]
  for (const id of held) if (!holds.has(id)) await tellStage(tx, swapId, id, 'draining', at)
  for (const id of holds)
    if (id === to || !held.has(id)) await tellStage(tx, swapId, id, 'serving', at)
}

async function tellStage(
  tx: Tx,
  swapId: number,
  versionId: number,
  stage: 'serving' | 'draining',
  at: Millis,
): Promise<void> {
  await tx`
    insert into transition (swap_id, version_id, stage, candle_at) values (${swapId}, ${versionId}, ${stage}, ${at})
    on conflict do nothing`
  await tx`
    update version set state = ${stage}, archived_at = null
    where id = ${versionId} and (state <> 'quarantined' or ${stage} = 'serving')`
}

/** What had not cut yet gives way; its version is archived, not rejected. */
async function stopOpenSwaps(tx: Tx, laneId: number): Promise<readonly number[]> {
  const reason = 'a rollback came first'
  const stopped = await tx<{ id: number; to_id: number }[]>`
    update swap set state = 'overtaken', ended_at = clock_timestamp(), reason = ${reason}
    where lane_id = ${laneId} and cut_at is null and state in ('waiting', 'running') returning id, to_id`
  for (const { id, to_id } of stopped) await putAway(tx, id, to_id, reason)
  return stopped.map(({ id }) => id)
}

/** A challenger that will not serve now: it stays for another day. Whoever holds a slot goes on as it is. */
export async function putAway(
  tx: Tx,
  swapId: number,
  versionId: number,
  reason: string,
): Promise<void> {
  const away = await tx`
    update version set state = 'archived', archived_at = clock_timestamp()
    where id = ${versionId} and state not in ('archived', 'rejected', 'serving', 'draining', 'quarantined')
      and not exists (select from pointer where version_id = ${versionId} and until_at is null)`
  if (away.count === 0) return
  await tx`
    insert into transition (swap_id, version_id, stage, reason) values (${swapId}, ${versionId}, 'archived', ${reason})
    on conflict do nothing`
}

/**
 * Only what is to be the newest has to be kept still, so that whoever stands on a version that is well can be gone back to:
 * the oldest of those that are left is pinned, and is in v2 where the previous one is gone.
 */
async function leaveOutRemoved(tx: Tx, holders: Holders): Promise<Holders> {
  const ids = holders.filter((id) => id !== null)
  const removed = await tx<{ id: number; number: number }[]>`
    select id, number from version where id in ${tx(ids)} and removed_at is not null`
  const newest = removed.find(({ id }) => id === newestOf(holders))
  if (newest)
    throw new Fault(
      'rollback.state',
      `the artifact of version ${newest.number} is not kept any more`,
    )
  const isKept = (id: number | null): boolean => !removed.some((it) => it.id === id)
  const [v1, v2, v3] = holders
  const first = ids.find(isKept) ?? null
  return [isKept(v1) ? v1 : first, isKept(v2) ? v2 : first, v3]
}

interface SwapRow {
  readonly lane_id: number
  readonly from_id: number | null
  readonly to_id: number
  readonly state: string
  readonly cut_at: Millis | null
}

function nameOf({ coin, family }: Lane): string {
  return `${coin} ${family}`
}
