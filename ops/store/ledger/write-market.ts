/** What the market said, into the ledger: candles, trades, gaps, feature rows, the engine's states and stream positions. */
import type { LedgerEntry } from '../../../actors/ledger.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import type { FeatureRow } from '../../../streams/features/row.ts'
import type { Gap } from '../../../streams/gap.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Trades } from '../../../streams/trade.ts'
import { booleanColumn, listLiteral, numberColumn, textColumn } from '../columns.ts'
import type { Sql, Tx } from '../connection.ts'

export interface CandleRow {
  readonly coinId: number
  readonly candle: Candle
}

/** A candle that is there gives way to a higher revision only. */
export async function writeCandles(tx: Tx, all: readonly CandleRow[]): Promise<void> {
  if (all.length === 0) return
  const rows = newest(all)
  await tx`
    insert into candle (${tx(candleColumns)})
    ${candleSource(tx, rows)}
    on conflict (coin_id, open_at) do update set
      open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume,
      quote_volume = excluded.quote_volume, taker_buy_volume = excluded.taker_buy_volume, trades = excluded.trades,
      revision = excluded.revision, state = excluded.state
    where candle.revision < excluded.revision`
}

/** Candles from the past, beside what is there: nothing is overwritten. Answers how many were new. */
export async function addCandles(tx: Sql | Tx, rows: readonly CandleRow[]): Promise<number> {
  const done = await tx`
    insert into candle (${tx(candleColumns)}) ${candleSource(tx, rows)} on conflict do nothing`
  return done.count
}

const candleColumns = [
  'open_at',
  'open',
  'high',
  'low',
  'close',
  'volume',
  'quote_volume',
  'taker_buy_volume',
  'trades',
  'coin_id',
  'revision',
  'state',
] as const

function candleSource(tx: Sql | Tx, rows: readonly CandleRow[]) {
  const column = (pick: (candle: Candle) => number): string =>
    numberColumn(rows, (row) => pick(row.candle))
  return tx`
    select instant(open_at), open, high, low, close, volume, quote_volume, taker_buy_volume, trades, coin_id, revision,
      state::candle_state
    from unnest(
      ${column((it) => it.openAt)}::float8[], ${column((it) => it.open)}::float8[],
      ${column((it) => it.high)}::float8[], ${column((it) => it.low)}::float8[],
      ${column((it) => it.close)}::float8[], ${column(volumeOf)}::float8[],
      ${column((it) => it.quoteVolume)}::float8[], ${column((it) => it.takerBuyVolume)}::float8[],
      ${column((it) => it.trades)}::float8[], ${numberColumn(rows, (row) => row.coinId)}::int4[],
      ${column((it) => it.revision)}::int4[], ${textColumn(rows, (row) => row.candle.state)}::text[]
    ) as c (${tx(candleColumns)})`
}

/** Nobody knows what was traded in a candle that is missing; the column holds numbers only, and the state says it. */
function volumeOf({ state, volume }: Candle): number {
  return state === 'missing' ? 0 : volume
}

/** One statement may not write a row twice. */
function newest(rows: readonly CandleRow[]): readonly CandleRow[] {
  const byKey = new Map<string, CandleRow>()
  for (const row of rows) {
    const key = `${row.coinId} ${row.candle.openAt}`
    const known = byKey.get(key)
    if (!known || known.candle.revision <= row.candle.revision) byKey.set(key, row)
  }
  return byKey.size === rows.length ? rows : [...byKey.values()]
}

/**
 * Outcomes that stand on a corrected candle, at either end of the horizon, are looked at again. Versions are locked in the
 * order of their numbers, as everywhere: after the streams' positions, and before their predictions.
 */
export async function reopenOutcomes(tx: Tx, all: readonly CandleRow[]): Promise<void> {
  const rows = all.filter((row) => row.candle.revision > 0)
  if (rows.length === 0) return
  const corrected = tx`
    select coin_id, instant(at) as at
    from unnest(${numberColumn(rows, (row) => row.coinId)}::int4[],
      ${numberColumn(rows, (row) => row.candle.openAt)}::float8[]) as c (coin_id, at)`
  await tx`
    with behind as materialized (
      select v.id, x.at - v.horizon_ms * interval '1 millisecond' as at
      from version v join lane l on l.id = v.lane_id
      join (select coin_id, min(at) as at from (${corrected}) c group by coin_id) x on x.coin_id = l.coin_id
      order by v.id for no key update of v)
    update version v set unresolved_from = least(v.unresolved_from, b.at) from behind b where v.id = b.id`
  // What looks at a path may now be unknown, and what is unknown is not written again over what was.
  await tx`
    delete from outcome o using version v, lane l, (${corrected}) x
    where o.version_id = v.id and l.id = v.lane_id and l.coin_id = x.coin_id
      and v.label_kind in ('scaled_threshold', 'triple_barrier', 'volatility')
      and o.open_at >= x.at - v.horizon_ms * interval '1 millisecond'
      and o.open_at <= x.at + coalesce(v.label_lookback_ms, v.horizon_ms) * interval '1 millisecond'`
}

/** Reading starts again at the stream's position, so what lies after it would come twice. */
export async function trimTrades(tx: Tx, coinId: number): Promise<void> {
  await tx`
    delete from trade t using stream_position p
    where p.coin_id = ${coinId} and t.coin_id = p.coin_id and t.at >= p.at`
}

export interface TradesOfCoin {
  readonly coinId: number
  readonly trades: Trades
}

/** A statement of more would hold tens of megabytes of text. */
const tradesMax = 50_000

/** Of all coins together: each brings some with every batch, and a statement each took longer than the rows themselves. */
export async function writeTrades(tx: Tx, all: readonly TradesOfCoin[]): Promise<void> {
  const sent: Promise<unknown>[] = []
  let from = 0
  let rows = 0
  all.forEach(({ trades }, i) => {
    rows += trades.length
    if (rows < tradesMax && i < all.length - 1) return
    sent.push(insertTrades(tx, all.slice(from, i + 1)))
    from = i + 1
    rows = 0
  })
  await Promise.all(sent)
}

async function insertTrades(tx: Tx, all: readonly TradesOfCoin[]): Promise<void> {
  const column = (pick: (it: TradesOfCoin) => Float64Array | Int8Array | Int32Array): string =>
    `{${all.map((it) => pick(it).subarray(0, it.trades.length).join(',')).join(',')}}`
  await tx`
    insert into trade (coin_id, at, id, price, size, side)
    select coin_id, instant(at), id, price, size, side
    from unnest(${column(({ coinId, trades }) => new Int32Array(trades.length).fill(coinId))}::int4[],
      ${column(({ trades }) => trades.at)}::float8[], ${column(({ trades }) => trades.id)}::float8[],
      ${column(({ trades }) => trades.price)}::float8[], ${column(({ trades }) => trades.size)}::float8[],
      ${column(({ trades }) => trades.side)}::int2[]) as t (coin_id, at, id, price, size, side)`
}

export interface FeatureEntry {
  readonly coinId: number
  readonly setId: number
  readonly row: FeatureRow
}

export async function writeFeatures(tx: Tx, all: readonly FeatureEntry[]): Promise<void> {
  if (all.length === 0) return
  const rows = lastOf(all, (it) => `${it.coinId} ${it.setId} ${it.row.openAt}`)
  await tx`
    insert into feature (open_at, coin_id, set_id, whole, state, after_gap, values)
    select instant(open_at), coin_id, set_id, whole, state::candle_state, after_gap, list::float8[]
    from unnest(
      ${numberColumn(rows, (it) => it.row.openAt)}::float8[], ${numberColumn(rows, (it) => it.coinId)}::int4[],
      ${numberColumn(rows, (it) => it.setId)}::int4[], ${numberColumn(rows, (it) => it.row.whole)}::int4[],
      ${textColumn(rows, (it) => it.row.state)}::text[], ${booleanColumn(rows, (it) => it.row.after === 'gap')}::bool[],
      ${textColumn(rows, (it) => listLiteral(it.row.values))}::text[]
    ) as f (open_at, coin_id, set_id, whole, state, after_gap, list)
    on conflict (coin_id, open_at, set_id) do update set
      whole = excluded.whole, state = excluded.state, after_gap = excluded.after_gap, values = excluded.values`
}

export async function writeSnapshot(
  tx: Tx,
  coinId: number,
  setId: number,
  at: Millis,
  state: Uint8Array,
  isOrigin: boolean,
): Promise<void> {
  await tx`
    insert into engine_snapshot (coin_id, set_id, at, state, is_origin)
    values (${coinId}, ${setId}, ${at}, ${Buffer.from(state.buffer, state.byteOffset, state.byteLength)}, ${isOrigin})
    on conflict (coin_id, set_id, at) do update set state = excluded.state`
}

/** What has healed, or never will, closes every gap inside it; a part of a gap that has healed is a row of its own. */
export async function writeGap(
  tx: Tx,
  coinId: number,
  gap: Gap,
  fate: (LedgerEntry & { readonly type: 'gap' })['fate'],
  now: Millis,
): Promise<void> {
  const inside = tx`coin_id = ${coinId} and from_at >= ${gap.from} and to_at <= ${gap.to}`
  const healedAt = fate === 'healed' ? now : null
  if (fate === 'unhealable') {
    await tx`update gap set unhealable_at = ${now} where ${inside} and healed_at is null and unhealable_at is null`
    return
  }
  if (fate === 'healed') {
    const closed = await tx`
      update gap set healed_at = coalesce(healed_at, ${healedAt}), unhealable_at = null where ${inside}`
    if (closed.count > 0) return
  }
  await tx`
    insert into gap (coin_id, from_at, to_at, cause, healed_at)
    values (${coinId}, ${gap.from}, ${gap.to}, ${gap.cause}, ${healedAt})
    on conflict (coin_id, from_at, to_at) do nothing`
}

export interface PositionRow {
  readonly coinId: number
  readonly at: Millis
}

/** One statement for all: a market's coins close together, and a statement each took 30 ms for 200 of them. */
export async function writePositions(tx: Tx, all: readonly PositionRow[]): Promise<void> {
  if (all.length === 0) return
  const furthest = new Map<number, Millis>()
  for (const { coinId, at } of all)
    furthest.set(coinId, Math.max(at, furthest.get(coinId) ?? Number.NEGATIVE_INFINITY))
  const rows = [...furthest]
  await tx`
    insert into stream_position (coin_id, at)
    select coin_id, instant(at) from unnest(${numberColumn(rows, ([coinId]) => coinId)}::int4[],
      ${numberColumn(rows, ([, at]) => at)}::float8[]) as p (coin_id, at)
    on conflict (coin_id) do update set at = greatest(stream_position.at, excluded.at)`
}

function lastOf<T>(rows: readonly T[], key: (row: T) => string): readonly T[] {
  const byKey = new Map(rows.map((row) => [key(row), row]))
  return byKey.size === rows.length ? rows : [...byKey.values()]
}
