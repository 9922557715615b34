/** The smaller records of a market: feature rows, gaps, holes, pointers and versions. */
import type { HoleReason } from '../../../models/prediction.ts'
import type { Lane, Slot, Version } from '../../../models/version.ts'
import type { CandleState } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import { type PageQuery, pageOf, readCursor } from './page.ts'
import { matching } from './read-predictions.ts'
import type { ModelRead, StoreReads } from './reads.ts'

export async function readFeatures(
  sql: Sql,
  coin: Coin,
  query: PageQuery,
): ReturnType<StoreReads['features']> {
  interface Row {
    readonly open_at: Millis
    readonly hash: string
    readonly names: readonly string[] | null
    readonly state: CandleState
    readonly whole: number
    readonly after_gap: boolean
    readonly values: readonly number[]
    readonly set_id: number
  }
  const [at, id] = readCursor<[number, number]>(query.cursor, ['number', 'number']) ?? [
    Number.POSITIVE_INFINITY,
    0,
  ]
  const rows = await faulted(
    () => sql<Row[]>`
      select x.open_at, x.state, x.whole, x.after_gap, x.values, x.set_id, s.hash, s.names
      from feature x join coin c on c.id = x.coin_id join feature_set s on s.id = x.set_id
      where c.symbol = ${coin} and x.open_at <= ${at}::timestamptz
        and (x.open_at < ${at}::timestamptz or x.set_id < ${id})
        ${range(sql, 'x.open_at', query)}
      order by x.open_at desc, x.set_id desc limit ${query.limit + 1}`,
  )
  return pageOf(
    rows,
    query.limit,
    (row) => ({
      openAt: row.open_at,
      hash: row.hash,
      flags: [
        ...(row.state === 'final' ? [] : [row.state]),
        ...(row.after_gap ? ['after_gap'] : []),
      ],
      values: Object.fromEntries(
        row.values.map((value, i) => [
          row.names?.[i] ?? `column_${i}`,
          Number.isFinite(value) ? value : null,
        ]),
      ),
    }),
    (row) => [row.open_at, row.set_id],
  )
}

export async function readGaps(
  sql: Sql,
  query: Parameters<StoreReads['gaps']>[0],
): ReturnType<StoreReads['gaps']> {
  interface Row {
    readonly coin_id: number
    readonly coin: Coin
    readonly from_at: Millis
    readonly to_at: Millis
    readonly cause: string
    readonly healed_at: Millis | null
    readonly unhealable_at: Millis | null
  }
  const [at, id, end] = readCursor<[number, number, number]>(query.cursor, [
    'number',
    'number',
    'number',
  ]) ?? [Number.POSITIVE_INFINITY, 0, 0]
  const rows = await faulted(
    () => sql<Row[]>`
      select g.coin_id, c.symbol as coin, g.from_at, g.to_at, g.cause, g.healed_at, g.unhealable_at
      from gap g join coin c on c.id = g.coin_id
      where (g.from_at, g.coin_id, g.to_at) < (${at}::timestamptz, ${id}::int, ${end}::timestamptz)
        ${range(sql, 'g.from_at', query)}
        ${query.coin === undefined ? sql`` : sql`and c.symbol = ${query.coin}`}
      order by g.from_at desc, g.coin_id desc, g.to_at desc limit ${query.limit + 1}`,
  )
  return pageOf(
    rows,
    query.limit,
    (row) => ({
      coin: row.coin,
      from: row.from_at,
      to: row.to_at,
      cause: row.cause,
      healedAt: row.healed_at,
      unhealableAt: row.unhealable_at,
    }),
    (row) => [row.from_at, row.coin_id, row.to_at],
  )
}

export async function readGapCounts(sql: Sql): ReturnType<StoreReads['gapCounts']> {
  const [counts] = await faulted(
    () => sql<{ open: number; unhealable: number }[]>`
      select count(*) filter (where unhealable_at is null) as open, count(unhealable_at) as unhealable
      from gap where healed_at is null`,
  )
  return { open: counts?.open ?? 0, unhealable: counts?.unhealable ?? 0 }
}

export async function readHoles(
  sql: Sql,
  query: Parameters<StoreReads['holes']>[0],
): ReturnType<StoreReads['holes']> {
  interface Row {
    readonly lane_id: number
    readonly coin: Coin
    readonly family: string
    readonly slot: Slot
    readonly open_at: Millis
    readonly reason: HoleReason
    readonly healed_at: Millis | null
  }
  const [at, id, slot] = readCursor<[number, number, string]>(query.cursor, [
    'number',
    'number',
    'string',
  ]) ?? [Number.POSITIVE_INFINITY, 0, 'v1']
  const rows = await faulted(
    () => sql<Row[]>`
      select h.lane_id, c.symbol as coin, l.family, h.slot, h.open_at, h.reason, h.healed_at
      from hole h join lane l on l.id = h.lane_id join coin c on c.id = l.coin_id
      where h.open_at <= ${at}::timestamptz
        and (h.open_at, h.lane_id, h.slot::text) < (${at}::timestamptz, ${id}::int, ${slot})
        ${range(sql, 'h.open_at', query)}
        ${query.coin === undefined ? sql`` : sql`and c.symbol = ${query.coin}`}
        ${query.family === undefined ? sql`` : sql`and l.family = ${query.family}`}
      order by h.open_at desc, h.lane_id desc, h.slot desc limit ${query.limit + 1}`,
  )
  return pageOf(
    rows,
    query.limit,
    ({ coin, family, slot: of, open_at, reason, healed_at }) => ({
      coin,
      family,
      slot: of,
      openAt: open_at,
      reason,
      healedAt: healed_at,
    }),
    (row) => [row.open_at, row.lane_id, row.slot],
  )
}

export async function readPointers(
  sql: Sql,
  lane: Lane | undefined,
): ReturnType<StoreReads['pointers']> {
  const rows = await faulted(
    () => sql<Awaited<ReturnType<StoreReads['pointers']>>[number][]>`
      select v.coin, v.family, v.number as version, q.slot, q.from_at as "from", q.until_at as "until"
      from pointer q join (${matching(sql, lane ?? {})}) v on v.id = q.version_id
      order by v.coin, v.family, q.slot, q.from_at desc`,
  )
  return [...rows]
}

export async function readHolders(sql: Sql): ReturnType<StoreReads['holders']> {
  const rows = await faulted(
    () => sql<Awaited<ReturnType<StoreReads['holders']>>[number][]>`
      select v.coin, v.family, v.number as version, q.slot, w.manifest #>> '{trained,to}' as "trainedTo"
      from pointer q join (${matching(sql, {})}) v on v.id = q.version_id join version w on w.id = v.id
      where q.until_at is null order by v.coin, v.family, q.slot`,
  )
  return [...rows]
}

export async function readModels(
  sql: Sql,
  filter: Partial<Version>,
): Promise<readonly ModelRead[]> {
  const rows = await faulted(
    () => sql<ModelRead[]>`
      select v.coin, v.family, v.number as version, w.sha256, w.state, w.manifest, w.metrics,
        w.registered_at as "registeredAt", w.verdict, w.backfilled_to as "backfilledTo",
        array(select q.slot::text from pointer q where q.version_id = v.id and q.until_at is null order by q.slot) as slots
      from (${matching(sql, filter)}) v join version w on w.id = v.id
      order by v.coin, v.family, v.number desc`,
  )
  return [...rows]
}

function range(sql: Sql, column: string, query: PageQuery) {
  const name = sql(column)
  return sql`
    ${query.from === undefined ? sql`` : sql`and ${name} >= ${query.from}`}
    ${query.to === undefined ? sql`` : sql`and ${name} < ${query.to}`}`
}
