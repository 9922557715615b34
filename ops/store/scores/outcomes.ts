/**
 * What the market did over each prediction's horizon, resolved from the candles in the ledger once the candle at its end
 * is there, never before. Making it again changes nothing, unless a candle was corrected: then the higher revision
 * counts. The sums of whole days are made in the same transaction.
 */
import type { Coin } from '../../../streams/coin.ts'
import { dayMs, type Millis } from '../../../streams/time.ts'
import { numberColumn } from '../columns.ts'
import type { Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Store } from '../store.ts'
import { sumDays } from './sum-days.ts'

/** One version's openings that are due: `[from, to)`; nothing before its mark is. */
interface Due {
  readonly id: number
  readonly mark: Millis
  readonly from: Millis
  readonly to: Millis
}

/** What one transaction takes on; a version's backlog of half a year is six of them. */
const stepMs = 31 * dayMs

/** Answers how many outcomes are new or changed. `fee` is what one trade costs, as a share of its value. */
export async function resolveOutcomes(
  store: Pick<Store, 'sql' | 'names' | 'parts' | 'intervalMs'>,
  coin: Coin,
  fee: number,
): Promise<number> {
  const coinId = await store.names.coin(coin)
  let resolved = 0
  for (let again = true; again; ) {
    const ahead = await faulted(() => dueVersions(store.sql, coinId, false))
    if (ahead.length === 0) break
    await ensureParts(store, ahead)
    const step = await faulted(() =>
      store.sql.begin(async (tx) => {
        const due = await dueVersions(tx, coinId, true)
        if (due.length === 0) return { written: 0, isLast: true }
        const written = await writeOutcomes(tx, coinId, due, store.intervalMs, fee)
        await sumDays(tx, coinId, due)
        await tx`
          update version v set unresolved_from = instant(d.until)
          from unnest(${numberColumn(due, (it) => it.id)}::int4[],
            ${numberColumn(due, (it) => it.to)}::float8[]) as d (id, until)
          where v.id = d.id`
        return { written: written.length, isLast: false }
      }),
    )
    resolved += step.written
    again = !step.isLast
  }
  return resolved
}

async function ensureParts(store: Pick<Store, 'parts'>, due: readonly Due[]): Promise<void> {
  const days: Millis[] = []
  for (const { from, to } of due) for (let at = from; at < to + dayMs; at += dayMs) days.push(at)
  await store.parts.ensure('outcome', days)
}

/** Locked, so that whoever adds predictions behind the mark waits and then moves it back. */
async function dueVersions(
  sql: Sql | Tx,
  coinId: number,
  isLocked: boolean,
): Promise<readonly Due[]> {
  interface Row {
    readonly id: number
    readonly horizon_ms: Millis
    readonly unresolved_from: Millis
    readonly first: Millis | null
    readonly newest: Millis | null
  }
  const rows = await sql<Row[]>`
    select v.id, v.horizon_ms, v.unresolved_from,
      (select open_at from prediction p where p.version_id = v.id and p.open_at >= v.unresolved_from
        order by open_at limit 1) as first,
      (select open_at from candle k where k.coin_id = ${coinId} order by open_at desc limit 1) as newest
    from version v join lane l on l.id = v.lane_id
    where l.coin_id = ${coinId}
    order by v.id ${isLocked ? sql`for no key update of v` : sql``}`
  return rows.flatMap(({ id, horizon_ms, unresolved_from, first, newest }) => {
    if (first === null || newest === null) return []
    // The candle that opens a horizon later closes when the horizon has passed.
    const to = Math.min(newest - horizon_ms + 1, first + stepMs)
    const mark = Number.isFinite(unresolved_from) ? unresolved_from : first
    return first < to ? [{ id, mark, from: first, to }] : []
  })
}

interface Written {
  readonly version_id: number
  readonly open_at: Millis
}

/**
 * A close is the last known one where the candle is empty, and unknown where it is missing: then there is no outcome, until
 * a correction brings it. Volatility is the root of the summed squares of the log returns from candle to candle.
 */
async function writeOutcomes(
  tx: Tx,
  coinId: number,
  due: readonly Due[],
  intervalMs: Millis,
  fee: number,
): Promise<readonly Written[]> {
  const from = Math.min(...due.map((it) => it.from))
  const to = Math.max(...due.map((it) => it.to))
  const horizon = tx`v.horizon_ms * interval '1 millisecond'`
  return await tx<Written[]>`
    insert into outcome as o (open_at, resolved_at, return, actual, naive, profit, version_id, revision, label, correct)
    select r.open_at, r.resolved_at, r.return, r.actual, r.naive,
      case r.signal when 'buy' then r.return - 2 * ${fee}::float8 when 'sell' then -r.return - 2 * ${fee}::float8
        when 'hold' then 0 end,
      r.version_id, r.revision, r.label, r.signal = r.label
    from (
      select p.open_at, p.version_id, p.signal, e.open_at + ${intervalMs}::float8 * interval '1 millisecond' as resolved_at,
        case when v.label_kind in ('scaled_threshold', 'triple_barrier', 'volatility')
          then revision_of(v, ${coinId}, p.open_at) else b.revision + e.revision end as revision, x.return,
        case v.label_kind when 'volatility' then volatility(${coinId}, p.open_at, p.open_at + ${horizon})
          else x.return end as actual,
        case v.label_kind when 'volatility' then volatility(${coinId}, p.open_at - ${horizon}, p.open_at)
          else 0 end as naive,
        v.label_up is not null as is_labelled,
        case
          when v.label_kind in ('scaled_threshold', 'triple_barrier') then label_of(v, ${coinId}, p.open_at, x.close, x.return)
          when v.label_up is null then null
          when x.return >= v.label_up then 'buy'::signal
          when x.return <= v.label_down then 'sell' else 'hold' end as label
      from unnest(${numberColumn(due, (it) => it.id)}::int4[], ${numberColumn(due, (it) => it.from)}::float8[],
        ${numberColumn(due, (it) => it.to)}::float8[]) as d (id, since, until)
      join version v on v.id = d.id
      join prediction p on p.version_id = d.id and p.open_at >= instant(d.since) and p.open_at < instant(d.until)
      join candle b on b.coin_id = ${coinId} and b.open_at = p.open_at
      join candle e on e.coin_id = ${coinId} and e.open_at = p.open_at + ${horizon}
      cross join lateral (
        select case b.state when 'empty' then last_close(${coinId}, b.open_at) else b.close end as close) c
      cross join lateral (
        select c.close, case e.state when 'empty' then last_close(${coinId}, e.open_at) else e.close end / c.close - 1 as return) x
      where p.open_at >= ${from} and p.open_at < ${to}
        and b.open_at >= ${from} and b.open_at < ${to} and e.open_at >= ${from}
    ) r
    where r.return is not null and r.actual is not null and r.naive is not null
      and (r.label is not null or not r.is_labelled)
    on conflict (version_id, open_at) do update set
      resolved_at = excluded.resolved_at, return = excluded.return, actual = excluded.actual, naive = excluded.naive,
      profit = excluded.profit, revision = excluded.revision, label = excluded.label, correct = excluded.correct
    where o.revision < excluded.revision
    returning version_id, open_at`
}
