/** Predictions as others may see them, with the slot that their version held at that candle. */
import type { Mode, Signal } from '../../../models/prediction.ts'
import type { Slot, Version } from '../../../models/version.ts'
import type { Coin } from '../../../streams/coin.ts'
import { durationText, type Millis } from '../../../streams/time.ts'
import type { Fragment, Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import { type Page, pageOf, readCursor } from './page.ts'
import type { OutcomeRead, PredictionRead, StoreReads } from './reads.ts'

type Query = Parameters<StoreReads['predictions']>[0]

/** Each version's newest rows are taken from its own index and merged, whatever the filter. */
export async function readPredictions(sql: Sql, query: Query): Promise<Page<PredictionRead>> {
  const [at, id] = readCursor<[number, number]>(query.cursor, ['number', 'number']) ?? [
    Number.POSITIVE_INFINITY,
    0,
  ]
  const { from, to, mode, slot, limit } = query
  const rows = await faulted(
    () => sql<PredictionRow[]>`
      select ${columns(sql, slot)}
      from (${matching(sql, query)}) v
      cross join lateral (
        select * from prediction p
        where p.version_id = v.id
          and (p.open_at < ${at}::timestamptz
            or p.open_at = ${at}::timestamptz and p.version_id < ${id})
          ${from === undefined ? sql`` : sql`and p.open_at >= ${from}`}
          ${to === undefined ? sql`` : sql`and p.open_at < ${to}`}
          ${mode === undefined ? sql`` : sql`and p.mode = ${mode}`}
          ${slot === undefined ? sql`` : sql`and exists (select from pointer q where q.slot = ${slot} and ${held(sql)})`}
        order by p.open_at desc limit ${limit + 1}) p
      cross join market m
      join feature_set f on f.id = p.set_id
      order by p.open_at desc, p.version_id desc limit ${limit + 1}`,
  )
  return pageOf(rows, limit, predictionRead, (row) => [row.open_at, row.version_id])
}

export async function readPrediction(
  sql: Sql,
  version: Version,
  openAt: Millis,
): Promise<(PredictionRead & { readonly outcome: OutcomeRead | null }) | undefined> {
  const [row] = await faulted(
    () => sql<(PredictionRow & OutcomeRow)[]>`
      select ${columns(sql, undefined)}, o.resolved_at, o.return, o.label, o.correct, o.profit
      from (${matching(sql, version)}) v
      join prediction p on p.version_id = v.id
      cross join market m
      join feature_set f on f.id = p.set_id
      left join outcome o on o.version_id = p.version_id and o.open_at = p.open_at
      where p.open_at = ${openAt}`,
  )
  return row && { ...predictionRead(row), outcome: outcomeRead(row) }
}

/**
 * Every slot as it was given last, which may be from a candle on that has not closed yet: until then its version's newest
 * answer is one from the shadow or from history.
 */
export async function readSignals(sql: Sql): ReturnType<StoreReads['signals']> {
  const rows = await faulted(
    () => sql<(PredictionRow | (Omit<PredictionRow, 'open_at'> & { readonly open_at: null }))[]>`
      select ${columns(sql, undefined)}, h.slot
      from pointer h
      join (${matching(sql, {})}) v on v.id = h.version_id
      left join lateral (
        select * from prediction p where p.version_id = h.version_id
        order by p.open_at desc limit 1) p on true
      cross join market m
      left join feature_set f on f.id = p.set_id
      where h.until_at is null
      order by v.coin, v.family, h.slot`,
  )
  return rows.map((row) => ({
    coin: row.coin,
    family: row.family,
    version: row.number,
    slot: row.slot as Slot,
    newest: row.open_at === null ? null : predictionRead(row),
  }))
}

export async function readPredictionTotal(
  sql: Sql,
): Promise<{ readonly written: number; readonly first_at: Millis | null }> {
  const [total] = await faulted(
    () => sql<{ written: number; first_at: Millis | null }[]>`
      select written, first_at from prediction_total`,
  )
  return total ?? { written: 0, first_at: null }
}

/** The versions that a filter means. */
export function matching(
  sql: Sql | Tx,
  filter: {
    readonly coin?: Coin | undefined
    readonly family?: string | undefined
    readonly version?: number | undefined
  },
): Fragment {
  const { coin, family, version } = filter
  return sql`
    select v.id, c.symbol as coin, l.family, v.number, v.horizon_ms,
      date_trunc('day', v.unresolved_from, 'UTC') as open_day
    from version v join lane l on l.id = v.lane_id join coin c on c.id = l.coin_id
    where true
      ${coin === undefined ? sql`` : sql`and c.symbol = ${coin}`}
      ${family === undefined ? sql`` : sql`and l.family = ${family}`}
      ${version === undefined ? sql`` : sql`and v.number = ${version}`}`
}

/** A pointer `q` that covers the prediction `p`. */
function held(sql: Sql): Fragment {
  return sql`q.version_id = p.version_id and q.from_at <= p.open_at
    and (q.until_at is null or q.until_at > p.open_at)`
}

/** A version that held two slots is shown in the one that was asked for, else in the first. */
function columns(sql: Sql, slot: Slot | undefined): Fragment {
  return sql`
    p.version_id, p.open_at, p.made_at, p.epoch, p.sell, p.hold, p.buy, p.value, p.wait_ms, p.infer_ms, p.mode, p.signal,
    encode(p.input_hash, 'hex') as input_hash, encode(p.trace_id, 'hex') as trace_id, p.flags,
    v.coin, v.family, v.number, v.horizon_ms, m.interval_ms, f.hash as feature_set,
    ${slot === undefined ? sql`(select min(q.slot) from pointer q where ${held(sql)})` : sql`${slot}::slot`} as slot`
}

interface PredictionRow {
  readonly version_id: number
  readonly open_at: Millis
  readonly made_at: Millis
  readonly epoch: number
  readonly sell: number | null
  readonly hold: number | null
  readonly buy: number | null
  readonly value: number | null
  readonly wait_ms: number
  readonly infer_ms: number
  readonly mode: Mode
  readonly signal: Signal | null
  readonly input_hash: string
  readonly trace_id: string
  readonly flags: readonly string[] | null
  readonly coin: Coin
  readonly family: string
  readonly number: number
  readonly horizon_ms: Millis
  readonly interval_ms: Millis
  readonly feature_set: string
  readonly slot: Slot | null
}

function predictionRead(row: PredictionRow): PredictionRead {
  const { sell, hold, buy } = row
  return {
    coin: row.coin,
    family: row.family,
    version: row.number,
    slot: row.slot,
    openAt: row.open_at,
    closeAt: row.open_at + row.interval_ms,
    horizon: durationText(row.horizon_ms),
    mode: row.mode,
    signal: row.signal,
    probabilities: sell === null || hold === null || buy === null ? null : { sell, hold, buy },
    value: row.value,
    madeAt: row.made_at,
    waitMs: row.wait_ms,
    inferMs: row.infer_ms,
    featureSet: row.feature_set,
    inputHash: row.input_hash,
    traceId: row.trace_id,
    epoch: row.epoch,
    flags: row.flags ?? [],
  }
}

interface OutcomeRow {
  readonly resolved_at: Millis | null
  readonly return: number
  readonly label: Signal | null
  readonly correct: boolean | null
  readonly profit: number | null
}

function outcomeRead(row: OutcomeRow): OutcomeRead | null {
  if (row.resolved_at === null) return null
  const { resolved_at: resolvedAt, label, correct, profit } = row
  return { resolvedAt, return: row.return, label, correct, profit }
}
