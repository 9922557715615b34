/**
 * What the market did over each prediction's horizon, resolved from the candles in the ledger once the candle at its end
 * is there, never before. Making it again changes nothing, unless a candle was corrected: then the higher revision
 * counts. The sums of whole days are made in the same transaction.
 */
import { lookbackCandles, taskOf } from '../../../models/label.ts'
import type { Label } from '../../../models/manifest.ts'
import type { Signal } from '../../../models/prediction.ts'
import { signalOf } from '../../../models/signal.ts'
import type { Coin } from '../../../streams/coin.ts'
import { dayMs, floorTo, type Millis } from '../../../streams/time.ts'
import { numberColumn, textColumn } from '../columns.ts'
import type { Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Store } from '../store.ts'
import { transact } from '../transact.ts'
import { lookBack } from './hindsight.ts'
import { sumDays } from './sum-days.ts'

/** One version's openings that are due: `[from, to)`; nothing before its mark is. */
interface Due {
  readonly id: number
  readonly mark: Millis
  readonly from: Millis
  readonly to: Millis
  readonly label: Label
  readonly horizonMs: Millis
}

/** One transaction takes on a day, 20 ms: whoever predicts over the past, or moves a slot, waits for it meanwhile. */
const stepMs = dayMs
/** As labels count them. */
const classes: readonly Signal[] = ['sell', 'hold', 'buy']

/**
 * Answers how many outcomes are new or changed. `fee` is what one trade costs, as a share of its value. A long backlog
 * gives way before each step.
 */
export async function resolveOutcomes(
  store: Pick<Store, 'sql' | 'names' | 'parts' | 'intervalMs'>,
  coin: Coin,
  fee: number,
  giveWay: () => Promise<void> = async () => {},
): Promise<number> {
  const coinId = await store.names.coin(coin)
  let resolved = 0
  for (let again = true; again; ) {
    const ahead = await faulted(() => dueVersions(store.sql, coinId, false))
    if (ahead.length === 0) break
    await ensureParts(store, ahead)
    const step = await transact(store.sql, async (tx) => {
      const due = await dueVersions(tx, coinId, true)
      if (due.length === 0) return { written: 0, isLast: true }
      // Somebody else has moved a mark meanwhile: where this would write now there may be no part yet.
      if (!isWithin(due, ahead)) return { written: 0, isLast: false }
      const written = await write(tx, await outcomesOf(tx, coinId, due, store.intervalMs), fee)
      await sumDays(tx, coinId, due)
      await tx`
          update version v set unresolved_from = instant(d.until)
          from unnest(${numberColumn(due, (it) => it.id)}::int4[],
            ${numberColumn(due, (it) => it.to)}::float8[]) as d (id, until)
          where v.id = d.id`
      return { written, isLast: false }
    })
    resolved += step.written
    again = !step.isLast
    if (again) await giveWay()
  }
  return resolved
}

function isWithin(due: readonly Due[], seen: readonly Due[]): boolean {
  const [from, to] = [Math.min(...seen.map((it) => it.from)), Math.max(...seen.map((it) => it.to))]
  return due.every((it) => it.from >= from && floorTo(it.to, dayMs) <= floorTo(to, dayMs))
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
    readonly label: Label
    readonly horizon_ms: Millis
    readonly unresolved_from: Millis
    readonly first: Millis | null
    readonly newest: Millis | null
  }
  const rows = await sql<Row[]>`
    select v.id, v.manifest -> 'label' as label, v.horizon_ms, v.unresolved_from,
      (select open_at from prediction p where p.version_id = v.id and p.open_at >= v.unresolved_from
        order by open_at limit 1) as first,
      (select open_at from candle k where k.coin_id = ${coinId} order by open_at desc limit 1) as newest
    from version v join lane l on l.id = v.lane_id
    where l.coin_id = ${coinId}
    order by v.id ${isLocked ? sql`for no key update of v` : sql``}`
  const due = rows.flatMap(
    ({ id, label, horizon_ms: horizonMs, unresolved_from, first, newest }) => {
      if (first === null || newest === null) return []
      // The candle that opens a horizon later closes when the horizon has passed.
      const to = Math.min(newest - horizonMs + 1, floorTo(first, dayMs) + stepMs)
      const mark = Number.isFinite(unresolved_from) ? unresolved_from : first
      return first < to ? [{ id, mark, from: first, to, label, horizonMs }] : []
    },
  )
  // One look at the market serves those that are close together; who is live does not wait for a backlog.
  const newest = Math.max(...due.map((it) => it.to))
  return due.filter((it) => it.to > newest - stepMs)
}

interface Said {
  readonly version_id: number
  readonly open_at: Millis
  readonly signal: Signal | null
}

interface Outcome extends Said {
  readonly resolvedAt: Millis
  readonly change: number
  readonly actual: number
  readonly naive: number
  readonly label: Signal | null
  readonly revision: number
}

/** What is not known of the market, or not yet, has no outcome. */
async function outcomesOf(
  tx: Tx,
  coinId: number,
  due: readonly Due[],
  intervalMs: Millis,
): Promise<readonly Outcome[]> {
  const from = Math.min(...due.map((it) => it.from))
  const to = Math.max(...due.map((it) => it.to))
  const back = Math.max(...due.map((it) => lookbackCandles(it.label, it.horizonMs / intervalMs)))
  const ahead = Math.max(...due.map((it) => it.horizonMs)) + intervalMs
  const market = await lookBack(tx, coinId, intervalMs, from - back * intervalMs, to + ahead)
  const said = await tx<Said[]>`
    select p.version_id, p.open_at, p.signal
    from unnest(${numberColumn(due, (it) => it.id)}::int4[], ${numberColumn(due, (it) => it.from)}::float8[],
      ${numberColumn(due, (it) => it.to)}::float8[]) as d (id, since, until)
    join prediction p on p.version_id = d.id and p.open_at >= instant(d.since) and p.open_at < instant(d.until)
    where p.open_at >= ${from} and p.open_at < ${to}`
  const versions = new Map(due.map((it) => [it.id, it]))
  return said.flatMap((it) => {
    const { label, horizonMs } = versions.get(it.version_id) as Due
    const seen = market.by(label, horizonMs / intervalMs)
    const at = market.indexOf(it.open_at)
    const [change, target, naive] = [seen.change[at], seen.target[at], seen.naive[at]] as [
      number,
      number,
      number,
    ]
    if (Number.isNaN(change) || Number.isNaN(target) || Number.isNaN(naive)) return []
    const isClass = taskOf(label) === 'classify'
    return {
      ...it,
      ...{ change, naive, actual: isClass ? change : target },
      label: isClass ? (classes[target] as Signal) : signalOf(label, target),
      resolvedAt: it.open_at + horizonMs + intervalMs,
      revision: seen.revision(at),
    }
  })
}

/** What the signal made of it, going in and out once; nothing where there is no signal. */
function profitOf({ signal, change }: Outcome, fee: number): number | null {
  switch (signal) {
    case null:
      return null
    case 'hold':
      return 0
    case 'buy':
      return change - 2 * fee
    case 'sell':
      return -change - 2 * fee
  }
}

/** How many are new or changed. */
async function write(tx: Tx, outcomes: readonly Outcome[], fee: number): Promise<number> {
  if (outcomes.length === 0) return 0
  const column = (pick: (it: Outcome) => number | null): string => numberColumn(outcomes, pick)
  const done = await tx`
    insert into outcome as o (open_at, resolved_at, return, actual, naive, profit, version_id, revision, label, correct)
    select instant(open_at), instant(resolved_at), return, actual, naive, profit, version_id, revision, label::signal,
      signal = label
    from unnest(
      ${column((it) => it.open_at)}::float8[], ${column((it) => it.resolvedAt)}::float8[],
      ${column((it) => it.change)}::float8[], ${column((it) => it.actual)}::float8[],
      ${column((it) => it.naive)}::float8[], ${column((it) => profitOf(it, fee))}::float8[],
      ${column((it) => it.version_id)}::int4[], ${column((it) => it.revision)}::int4[],
      ${textColumn(outcomes, (it) => it.label)}::text[], ${textColumn(outcomes, (it) => it.signal)}::text[]
    ) as x (open_at, resolved_at, return, actual, naive, profit, version_id, revision, label, signal)
    on conflict (version_id, open_at) do update set
      resolved_at = excluded.resolved_at, return = excluded.return, actual = excluded.actual, naive = excluded.naive,
      profit = excluded.profit, revision = excluded.revision, label = excluded.label, correct = excluded.correct
    where o.revision < excluded.revision`
  return done.count
}
