/** A lane's written history as it is read: what is not over, and every swap with its transitions. */
import type { Verdict } from '../../../models/judging/verdict.ts'
import { type Lane, laneName, type Pointer, type Version } from '../../../models/version.ts'
import type { Coin } from '../../../streams/coin.ts'
import type { Millis } from '../../../streams/time.ts'
import type { LaneRecord, Stage, Swap, Transition } from '../../../supervisor/fleet/lane-journal.ts'
import type { Sql, Tx } from '../connection.ts'
import { pageOf, readCursor } from '../reads/page.ts'
import type { StoreReads, Tenure } from '../reads/reads.ts'

export interface SwapFilter {
  readonly laneId?: number
  readonly coin?: Coin | undefined
  readonly family?: string | undefined
  readonly id?: number
  readonly ids?: readonly number[]
  /** Before this one. */
  readonly before?: number | undefined
  readonly isOpen?: boolean
  readonly limit?: number
}

/** Newest first. */
export async function readSwaps(sql: Sql | Tx, filter: SwapFilter): Promise<readonly Swap[]> {
  const { laneId, coin, family, id, ids, before, isOpen, limit } = filter
  const rows = await sql<SwapRow[]>`
    select s.id, c.symbol as coin, l.family, s.kind, s.asked_by, f.number as from_number, t.number as to_number,
      s.generation, s.state, s.reason, s.started_at, s.cut_at, s.ended_at, s.verdict, s.renewed, s.missed, s.twice,
      s.longest_wait_ms
    from swap s join lane l on l.id = s.lane_id join coin c on c.id = l.coin_id
    join version t on t.id = s.to_id left join version f on f.id = s.from_id
    where true
      ${laneId === undefined ? sql`` : sql`and s.lane_id = ${laneId}`}
      ${coin === undefined ? sql`` : sql`and c.symbol = ${coin}`}
      ${family === undefined ? sql`` : sql`and l.family = ${family}`}
      ${id === undefined ? sql`` : sql`and s.id = ${id}`}
      ${ids === undefined ? sql`` : sql`and s.id in ${sql(ids)}`}
      ${before === undefined ? sql`` : sql`and s.id < ${before}`}
      ${isOpen ? sql`and s.state in ('waiting', 'running')` : sql``}
    order by s.id desc ${limit === undefined ? sql`` : sql`limit ${limit}`}`
  if (rows.length === 0) return []
  const transitions = await sql<(TransitionRow & { swap_id: number })[]>`
    select n.swap_id, v.number, n.stage, n.at, n.candle_at, n.reason
    from transition n join version v on v.id = n.version_id
    where n.swap_id in ${sql(rows.map((row) => row.id))} order by n.id`
  return rows.map((row) => {
    const lane = { coin: row.coin, family: row.family }
    const of = transitions.filter((it) => it.swap_id === row.id)
    return swapOf(
      lane,
      row,
      of.map((it) => transitionOf(lane, it)),
    )
  })
}

export async function readSwapPage(
  sql: Sql,
  query: Parameters<StoreReads['swaps']>[0],
): ReturnType<StoreReads['swaps']> {
  const { coin, family, limit } = query
  const [before] = readCursor<[number]>(query.cursor, ['number']) ?? []
  const swaps = await readSwaps(sql, { coin, family, before, limit: limit + 1 })
  return pageOf(
    swaps,
    limit,
    (swap) => swap,
    (swap) => [swap.id],
  )
}

/** What each lane is to have as its newest, by the newest wish that was not refused; and the swap that is under way. */
export async function readWishes(sql: Sql): ReturnType<StoreReads['wishes']> {
  const rows = await sql<(Lane & { desired: number | null; swapping: number | null })[]>`
    select c.symbol as coin, l.family,
      (
        select v.number from swap s join version v on v.id = s.to_id
        where s.lane_id = l.id and s.state in ('waiting', 'running', 'done')
        order by s.generation desc limit 1) as desired,
      (
        select min(s.id)::int from swap s
        where s.lane_id = l.id and s.state in ('waiting', 'running')) as swapping
    from lane l join coin c on c.id = l.coin_id`
  return [...rows]
}

/** All that was ever written of one version, in order. */
export async function readJournal(sql: Sql, version: Version): Promise<readonly Transition[]> {
  const rows = await sql<TransitionRow[]>`
    select v.number, n.stage, n.at, n.candle_at, n.reason
    from transition n join version v on v.id = n.version_id join lane l on l.id = v.lane_id
    join coin c on c.id = l.coin_id
    where c.symbol = ${version.coin} and l.family = ${version.family} and v.number = ${version.version}
    order by n.id`
  return rows.map((row) => transitionOf({ coin: version.coin, family: version.family }, row))
}

/** A slot changes with the transitions of the swap whose cut is at that candle. */
export async function readTenures(sql: Sql, version: Version): Promise<readonly Tenure[]> {
  const rows = await sql<Tenure[]>`
    with moved as (
      select s.lane_id, s.cut_at, max(n.at) as at from swap s join transition n on n.swap_id = s.id
      where n.stage = 'serving' and n.candle_at = s.cut_at group by s.lane_id, s.cut_at
    )
    select q.slot, q.from_at as "from", q.until_at as "until", e.at as "enteredAt", o.at as "leftAt"
    from pointer q join version v on v.id = q.version_id join lane l on l.id = v.lane_id
    join coin c on c.id = l.coin_id
    left join moved e on e.lane_id = l.id and e.cut_at = q.from_at
    left join moved o on o.lane_id = l.id and o.cut_at = q.until_at
    where c.symbol = ${version.coin} and l.family = ${version.family} and v.number = ${version.version}
    order by q.from_at, q.slot`
  return [...rows]
}

/** Of one lane, or of all that have a version. */
export async function readRecords(sql: Sql, laneId?: number): Promise<readonly LaneRecord[]> {
  const only = (column: string) =>
    laneId === undefined ? sql`true` : sql`${sql(column)} = ${laneId}`
  const [lanes, pointers, states, swaps] = await Promise.all([
    sql<LaneRow[]>`
      select l.id, c.symbol as coin, l.family,
        coalesce((select max(s.alias_revision) from swap s where s.lane_id = l.id), 0) as handled,
        (
          select v.number from swap s
          join version v on v.id = coalesce(s.before_cut[3], s.before_cut[2], s.before_cut[1])
          where s.lane_id = l.id and s.before_cut[1] is not null and s.undone_by is null
            and v.state <> 'quarantined' and v.removed_at is null
          order by s.id desc limit 1) as fall_back_to
      from lane l join coin c on c.id = l.coin_id where ${only('l.id')}`,
    sql<(Omit<Pointer, keyof Lane> & { lane_id: number })[]>`
      select q.lane_id, v.number as version, q.slot, q.from_at as "from", q.until_at as "until"
      from pointer q join version v on v.id = q.version_id where ${only('q.lane_id')}
      order by q.slot, q.from_at`,
    sql<{ lane_id: number; number: number; state: Stage }[]>`
      select lane_id, number, state from version
      where state not in ('archived', 'rejected') and ${only('lane_id')} order by number`,
    readSwaps(sql, { isOpen: true, ...(laneId === undefined ? {} : { laneId }) }),
  ])
  const openOf = Map.groupBy(swaps.toReversed(), (it) => laneName(it.lane))
  const pointersOf = Map.groupBy(pointers, (it) => it.lane_id)
  const statesOf = Map.groupBy(states, (it) => it.lane_id)
  return lanes.map(({ id, coin, family, handled, fall_back_to: good }) => {
    const lane = { coin, family }
    return {
      lane,
      pointers: (pointersOf.get(id) ?? []).map(({ lane_id: _, ...it }) => ({ ...lane, ...it })),
      swaps: openOf.get(laneName(lane)) ?? [],
      stages: (statesOf.get(id) ?? []).map(({ number, state }) => ({
        version: { ...lane, version: number },
        stage: state,
      })),
      handled,
      fallBackTo: good === null ? null : { ...lane, version: good },
    }
  })
}

interface LaneRow extends Lane {
  readonly id: number
  readonly handled: number
  readonly fall_back_to: number | null
}

interface TransitionRow {
  readonly number: number
  readonly stage: Stage
  readonly at: Millis
  readonly candle_at: Millis | null
  readonly reason: string | null
}

interface SwapRow extends Lane {
  readonly id: number
  readonly kind: Swap['kind']
  readonly asked_by: Swap['askedBy']
  readonly from_number: number | null
  readonly to_number: number
  readonly generation: number
  readonly state: Swap['state']
  readonly reason: string | null
  readonly started_at: Millis
  readonly cut_at: Millis | null
  readonly ended_at: Millis | null
  readonly verdict: Verdict | null
  readonly renewed: Verdict | null
  readonly missed: number | null
  readonly twice: number | null
  readonly longest_wait_ms: number | null
}

function transitionOf(lane: Lane, row: TransitionRow): Transition {
  const { number, stage, at, candle_at: candleAt, reason } = row
  return { version: { ...lane, version: number }, stage, at, candleAt, reason }
}

function swapOf(lane: Lane, row: SwapRow, transitions: readonly Transition[]): Swap {
  return {
    id: row.id,
    lane,
    kind: row.kind,
    askedBy: row.asked_by,
    from: row.from_number === null ? null : { ...lane, version: row.from_number },
    to: { ...lane, version: row.to_number },
    generation: row.generation,
    state: row.state,
    reason: row.reason,
    startedAt: row.started_at,
    cutAt: row.cut_at,
    endedAt: row.ended_at,
    transitions,
    verdict: row.verdict,
    renewed: row.renewed,
    missed: row.missed,
    twice: row.twice,
    longestWaitMs: row.longest_wait_ms,
  }
}
