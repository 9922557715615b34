/**
 * `LaneJournal` on PostgreSQL. Every write is one transaction that first makes sure that this daemon still holds the
 * fleet's lease, so a daemon that was thought dead moves no pointer once another has taken over.
 */
import type { Verdict } from '../../../models/judging/verdict.ts'
import { type Lane, versionName } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import type {
  LaneJournal,
  Order,
  Ordered,
  Stage,
  Swap,
} from '../../../supervisor/fleet/lane-journal.ts'
import type { Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import { checkTerm, type Lease } from '../lease.ts'
import type { Names } from '../names.ts'
import { transact } from '../transact.ts'
import { pruneArchive } from './archive.ts'
import { cutOver, putAway, servesAlready, stepBack, type Written } from './cut.ts'
import { readRecords, readSwaps } from './journal-reads.ts'
import { holdersOf, lockLane, newestOf } from './pointers.ts'
import { auditSwap } from './swap-audit.ts'

export interface JournalNeeds {
  readonly sql: Sql
  readonly names: Names
  readonly intervalMs: number
  readonly lease: Pick<Lease, 'name' | 'term'>
}

export function openJournal({ sql, names, intervalMs, lease }: JournalNeeds): LaneJournal {
  const fenced = <T>(write: (tx: Tx) => Promise<T>): Promise<T> =>
    transact(sql, async (tx) => {
      await checkTerm(tx, lease, false)
      return write(tx)
    })
  const swapOf = async (id: number): Promise<Swap> => {
    const [swap] = await faulted(() => readSwaps(sql, { id }))
    if (!swap) throw new Fault('swap.unknown', `there is no swap ${id}`)
    return swap
  }
  const ordered = async ({ id, isNew, overtaken }: Written): Promise<Ordered> => {
    const gone =
      overtaken.length === 0 ? [] : await faulted(() => readSwaps(sql, { ids: overtaken }))
    return { ...(await swapOf(id)), isNew, overtaken: gone.toReversed() }
  }
  const recordOf = async (lane: Lane) => {
    const laneId = await names.lane(lane)
    const [record] = await faulted(() => readRecords(sql, laneId))
    if (!record) throw new Fault('lane.unknown', `there is no lane ${lane.coin} ${lane.family}`)
    return record
  }
  return {
    lanes: () => faulted(() => readRecords(sql)),
    lane: recordOf,
    open: async (order) => {
      const laneId = await names.lane(order.to)
      const toId = await names.version(order.to)
      return ordered(await fenced((tx) => openSwap(tx, laneId, toId, order)))
    },
    begin: async (swap, candleAt) => {
      await fenced(async (tx) => {
        const [known] = await tx<{ lane_id: number }[]>`select lane_id from swap where id = ${swap}`
        if (!known) return
        // The lane before its swaps, as whoever orders another does.
        await lockLane(tx, known.lane_id)
        const from = newestOf(await holdersOf(tx, known.lane_id))
        const [begun] = await tx<{ to_id: number; serves: boolean }[]>`
          update swap set state = 'running', candle_at = ${candleAt}, from_id = ${from}
          where id = ${swap} and state = 'waiting' returning to_id, to_id is not distinct from ${from}::int as serves`
        if (begun?.serves) await endSwap(tx, swap, 'done', servesAlready, intervalMs)
        else if (begun) await writeStage(tx, swap, begun.to_id, 'announced', candleAt, null)
      })
      return swapOf(swap)
    },
    write: async (swap, version, stage, candleAt, reason) => {
      const versionId = await names.version(version)
      return fenced((tx) => writeStage(tx, swap, versionId, stage, candleAt, reason ?? null))
    },
    note: async (version, stage, reason) => {
      const versionId = await names.version(version)
      await fenced(async (tx) => {
        const changed = await tx`
          update version set state = ${stage} where id = ${versionId} and state <> ${stage}`
        if (changed.count > 0)
          await tx`
            insert into transition (version_id, stage, reason) values (${versionId}, ${stage}, ${reason})`
      })
    },
    judged: async (swap, verdict, candleAt) => {
      await fenced((tx) => writeVerdict(tx, swap, verdict, candleAt))
      return swapOf(swap)
    },
    cut: async (swap, at) => {
      await fenced((tx) => cutOver(tx, swap, at))
      return swapOf(swap)
    },
    goBack: async (how) => {
      const laneId = await names.lane(how.lane)
      return ordered(await fenced((tx) => stepBack(tx, laneId, how)))
    },
    archive: async (version, reason) => {
      const versionId = await names.version(version)
      await fenced((tx) => archiveVersion(tx, versionId, reason))
    },
    prune: async (lane) => {
      const laneId = await names.lane(lane)
      return await fenced(async (tx) => {
        await lockLane(tx, laneId)
        return pruneArchive(tx, laneId)
      })
    },
    end: async (swap, state, reason) => {
      await fenced((tx) => endSwap(tx, swap, state, reason, intervalMs))
      return swapOf(swap)
    },
  }
}

async function openSwap(tx: Tx, laneId: number, toId: number, order: Order): Promise<Written> {
  const { askedBy, revision } = order
  await lockLane(tx, laneId)
  const [wished] = await tx<{ id: number }[]>`
    select id from swap
    where lane_id = ${laneId} and asked_by = 'registry' and alias_revision = ${revision} and ${askedBy} = 'registry'`
  if (wished) return { id: wished.id, isNew: false, overtaken: [] }
  const open = await tx<{ id: number; to_id: number; asked_by: string; state: string }[]>`
    select id, to_id, asked_by, state from swap
    where lane_id = ${laneId} and state in ('waiting', 'running') and cut_at is null order by id`
  const last = open.at(-1)
  // The registry's is another wish: the gate may refuse it.
  if (last?.to_id === toId && last.asked_by === 'operator' && askedBy === 'operator') {
    await tx`update swap set alias_revision = greatest(alias_revision, ${revision}) where id = ${last.id}`
    return { id: last.id, isNew: false, overtaken: [] }
  }
  const newest = newestOf(await holdersOf(tx, laneId))
  const isMoving = open.some((it) => it.state === 'running')
  const { state, reason } = await fateOf(tx, toId, isMoving ? null : newest, order)
  const [made] = await tx<{ id: number }[]>`
    insert into swap (lane_id, generation, alias_revision, kind, asked_by, from_id, to_id, state, reason, ended_at)
    select ${laneId}, coalesce(max(generation), 0) + 1, greatest(coalesce(max(alias_revision), 0), ${revision}),
      'swap', ${askedBy}, ${newest}, ${toId}, ${state}, ${reason},
      case when ${state !== 'waiting'} then clock_timestamp() end
    from swap where lane_id = ${laneId} returning id`
  const { id } = made as { id: number }
  const overtaken = await tx<{ id: number; to_id: number }[]>`
    update swap set state = 'overtaken', ended_at = clock_timestamp(), reason = ${`swap ${id} came after it`}
    where lane_id = ${laneId} and state = 'waiting' and id < ${id} returning id, to_id`
  for (const it of overtaken)
    if (it.to_id !== toId) await putAway(tx, it.id, it.to_id, `swap ${id} came after it`)
  return { id, isNew: true, overtaken: overtaken.map((it) => it.id) }
}

/**
 * A person who orders what cannot be is told so; the registry's wish is written down as refused. `newest` is null where
 * another swap is about to change it.
 */
async function fateOf(
  tx: Tx,
  toId: number,
  newest: number | null,
  { to, askedBy }: Order,
): Promise<{ readonly state: Swap['state']; readonly reason: string | null }> {
  if (newest === toId) return { state: 'done', reason: servesAlready }
  const [gone] = await tx`select from version where id = ${toId} and removed_at is not null`
  if (!gone) return { state: 'waiting', reason: null }
  const reason = `${versionName(to)} cannot serve: its artifact is not kept any more`
  if (askedBy === 'operator') throw new Fault('swap.state', reason)
  return { state: 'rejected', reason }
}

/** Whoever holds a slot serves, whatever else is tried with it. */
async function writeStage(
  tx: Tx,
  swapId: number,
  versionId: number,
  stage: Stage,
  candleAt: number,
  reason: string | null,
): Promise<boolean> {
  const written = await tx`
    insert into transition (swap_id, version_id, stage, candle_at, reason)
    values (${swapId}, ${versionId}, ${stage}, ${candleAt}, ${reason}) on conflict do nothing`
  await tx`
    update version set state = ${stage}
    where id = ${versionId}
      and not exists (select from pointer where version_id = ${versionId} and until_at is null)`
  if (stage === 'backfilled')
    await tx`
      update version set backfilled_to = greatest(backfilled_to, ${candleAt}::timestamptz) where id = ${versionId}`
  return written.count > 0
}

/** A person's order is no judgement: that it let the version through stands on the swap, and what the gate said stays. */
async function writeVerdict(
  tx: Tx,
  swapId: number,
  verdict: Verdict,
  candleAt: number,
): Promise<void> {
  const text = JSON.stringify(verdict)
  const [swap] = await tx<{ to_id: number; asked_by: string; judged: boolean }[]>`
    select to_id, asked_by, exists (
      select from transition n where n.swap_id = swap.id and n.stage = 'shadowing') as judged
    from swap where id = ${swapId} for no key update`
  if (!swap) throw new Fault('swap.unknown', `there is no swap ${swapId}`)
  if (swap.asked_by !== 'operator')
    await tx`update version set verdict = ${text}::text::jsonb where id = ${swap.to_id}`
  if (swap.judged) await tx`update swap set renewed = ${text}::text::jsonb where id = ${swapId}`
  else {
    await tx`update swap set verdict = ${text}::text::jsonb where id = ${swapId}`
    await writeStage(tx, swapId, swap.to_id, 'judged', candleAt, verdict.verdict)
  }
}

async function archiveVersion(tx: Tx, versionId: number, reason: string | null): Promise<void> {
  const [version] = await tx<{ lane_id: number; swap_id: number | null }[]>`
    select v.lane_id, (select max(n.swap_id) from transition n where n.version_id = v.id and n.stage = 'draining') as swap_id
    from version v where v.id = ${versionId}`
  if (!version) return
  await lockLane(tx, version.lane_id)
  const away = await tx`
    update version set state = 'archived', archived_at = clock_timestamp()
    where id = ${versionId} and state not in ('archived', 'rejected')
      and not exists (select from pointer where version_id = ${versionId} and until_at is null)`
  if (away.count > 0)
    await tx`
      insert into transition (swap_id, version_id, stage, reason)
      values (${version.swap_id}, ${versionId}, 'archived', ${reason}) on conflict do nothing`
}

async function endSwap(
  tx: Tx,
  swapId: number,
  state: 'done' | 'rejected' | 'overtaken',
  reason: string | null,
  intervalMs: number,
): Promise<void> {
  const [swap] = await tx<
    { lane_id: number; to_id: number; candle_at: number | null; cut_at: number | null }[]
  >`
    select lane_id, to_id, candle_at, cut_at from swap
    where id = ${swapId} and state in ('waiting', 'running') for no key update`
  if (!swap) return
  const { cut_at: cutAt } = swap
  const audit =
    cutAt === null
      ? undefined
      : await auditSwap(
          tx,
          swap.lane_id,
          Math.min(swap.candle_at ?? cutAt, cutAt - intervalMs),
          cutAt + intervalMs,
        )
  await tx`
    update swap set state = ${state}, ended_at = clock_timestamp(), reason = coalesce(${reason}, reason),
      missed = ${audit?.missed ?? null}, twice = ${audit?.twice ?? null},
      longest_wait_ms = ${audit?.longest_wait_ms ?? null}
    where id = ${swapId}`
  if (state === 'rejected') await rejectVersion(tx, swapId, swap.to_id, reason)
  else if (state === 'overtaken') await putAway(tx, swapId, swap.to_id, reason ?? 'overtaken')
}

/** A version that serves elsewhere in its lane is not rejected by failing to move. */
async function rejectVersion(
  tx: Tx,
  swapId: number,
  versionId: number,
  reason: string | null,
): Promise<void> {
  await tx`
    insert into transition (swap_id, version_id, stage, reason)
    values (${swapId}, ${versionId}, 'rejected', ${reason}) on conflict do nothing`
  await tx`
    update version set state = 'rejected', archived_at = clock_timestamp()
    where id = ${versionId} and state <> 'quarantined'
      and not exists (select from pointer where version_id = ${versionId} and until_at is null)`
}
