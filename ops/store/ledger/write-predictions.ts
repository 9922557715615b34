/**
 * Predictions into the ledger. The mode is decided here, inside the insert, from the pointers; a row that is there is
 * never written again, and holes that a row answers are healed beside it.
 */
import type { CommitOutcome } from '../../../actors/ledger.ts'
import type { Prediction } from '../../../models/prediction.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import { booleanColumn, hexColumn, listLiteral, numberColumn, textColumn } from '../columns.ts'
import type { Tx } from '../connection.ts'

/** A prediction with the numbers of its names, and market time as it was when the batch was handed over. */
export interface PredictionRow {
  readonly prediction: Prediction
  readonly versionId: number
  readonly setId: number
  readonly marketNow: Millis
}

interface Written {
  readonly version_id: number
  readonly open_at: Millis
  readonly mode: CommitOutcome['predictions'][number]['mode']
  readonly wait_ms: number
}

const hexadecimal = /^([0-9a-f]{2})*$/

export async function writePredictions(
  tx: Tx,
  rows: readonly PredictionRow[],
  wallNow: () => Millis,
): Promise<CommitOutcome> {
  if (rows.length === 0) return { predictions: [], disagreed: [] }
  for (const row of rows) refuseUnwritable(row.prediction)
  // In this order: what heals looks for the rows that were inserted, and whoever has to wait for a version's outcomes
  // does so before it holds what every other commit needs too.
  const [, fresh] = await Promise.all([
    reopen(tx, rows),
    insert(tx, rows, wallNow()),
    heal(tx, rows),
  ])
  const there = fresh.length === rows.length ? [] : await compare(tx, rows)
  return outcomeOf(rows, fresh, there)
}

/**
 * `waitMs` ends here, one insert and one flush before the commit: 2 to 15 ms, by the size of the batch. Nothing waits for
 * less than no time, though the clock may have been set back meanwhile.
 */
async function insert(
  tx: Tx,
  rows: readonly PredictionRow[],
  now: Millis,
): Promise<readonly Written[]> {
  const column = (pick: (it: Prediction, row: PredictionRow) => number | null): string =>
    numberColumn(rows, (row) => pick(row.prediction, row))
  return await tx<Written[]>`
    with made as (
    insert into prediction (open_at, made_at, epoch, sell, hold, buy, value, version_id, set_id, wait_ms, infer_ms, mode,
      signal, input_hash, trace_id, flags)
    select instant(p.open_at), instant(p.made_at), p.epoch, p.sell, p.hold, p.buy, p.value, p.version_id, p.set_id,
      p.wait_ms, p.infer_ms,
      case
        when p.in_sample then 'in_sample'
        when p.asked_for_history then 'backfill'
        when not exists (
          select from pointer q
          where q.version_id = p.version_id and q.from_at <= instant(p.open_at)
            and (q.until_at is null or q.until_at > instant(p.open_at))) then 'shadow'
        when p.in_time then 'live'
        else 'backfill'
      end::mode,
      p.signal::signal, p.input_hash, p.trace_id, p.flags::text[]
    from unnest(
      ${column((it) => it.openAt)}::float8[], ${column((it) => it.madeAt)}::float8[],
      ${column((it) => it.epoch)}::int8[],
      ${column((it) => it.probabilities?.sell ?? null)}::float8[],
      ${column((it) => it.probabilities?.hold ?? null)}::float8[],
      ${column((it) => it.probabilities?.buy ?? null)}::float8[],
      ${column((it) => it.value)}::float8[],
      ${column((_, row) => row.versionId)}::int4[], ${column((_, row) => row.setId)}::int4[],
      ${column((it) => Math.max(0, now - it.dueAt))}::float4[], ${column((it) => it.inferMs)}::float4[],
      ${booleanColumn(rows, ({ prediction }) => prediction.inSample)}::bool[],
      ${booleanColumn(rows, ({ prediction }) => prediction.asked === 'backfill')}::bool[],
      ${booleanColumn(rows, isInTime)}::bool[],
      ${textColumn(rows, ({ prediction }) => prediction.signal)}::text[],
      ${hexColumn(rows, ({ prediction }) => prediction.inputHash)}::bytea[],
      ${hexColumn(rows, ({ prediction }) => prediction.traceId)}::bytea[],
      ${textColumn(rows, ({ prediction: { flags } }) => (flags.length ? listLiteral(flags) : null))}::text[]
    ) as p (open_at, made_at, epoch, sell, hold, buy, value, version_id, set_id, wait_ms, infer_ms, in_sample,
      asked_for_history, in_time, signal, input_hash, trace_id, flags)
    on conflict do nothing
    returning version_id, open_at, mode, wait_ms, made_at
    ), counted as (
      update prediction_total set written = written + (select count(*) from made),
        first_at = coalesce(first_at, (select min(made_at) from made))
      where exists (select from made)
    )
    select version_id, open_at, mode, wait_ms from made`
}

/** `live` is what is committed before the next close in market time. */
function isInTime({ prediction, marketNow }: PredictionRow): boolean {
  return marketNow < prediction.closeAt + (prediction.closeAt - prediction.openAt)
}

/**
 * Rows whose horizon has passed already are resolved at the next turn, however old they are. Written even where nothing
 * changes: whoever resolves holds these rows, so either sees the new predictions or is told of them.
 */
async function reopen(tx: Tx, rows: readonly PredictionRow[]): Promise<void> {
  const earliest = new Map<number, Millis>()
  for (const { prediction, versionId, marketNow } of rows) {
    if (prediction.closeAt + prediction.horizonMs > marketNow) continue
    const known = earliest.get(versionId) ?? Number.POSITIVE_INFINITY
    earliest.set(versionId, Math.min(known, prediction.openAt))
  }
  if (earliest.size === 0) return
  const entries = [...earliest]
  await tx`
    with behind as materialized (
      select v.id, instant(x.open_at) as at
      from version v join unnest(${numberColumn(entries, ([id]) => id)}::int4[],
        ${numberColumn(entries, ([, at]) => at)}::float8[]) as x (id, open_at) on x.id = v.id
      order by v.id for no key update of v)
    update version v set unresolved_from = least(v.unresolved_from, b.at) from behind b where v.id = b.id`
}

/**
 * Any hole of these versions and this span that has its row by now; there are hardly ever any, so that is asked first.
 * To whoever only answers history all of it is past: then it is healed at the newest close that is stored.
 */
async function heal(tx: Tx, rows: readonly PredictionRow[]): Promise<void> {
  const [first, last] = span(rows)
  const versions = [...new Map(rows.map((row) => [row.versionId, row.marketNow]))]
  await tx`
    update hole h set healed_at = case when x.now < 'infinity' then instant(x.now) else (
      select k.open_at + m.interval_ms * interval '1 millisecond'
      from lane l join candle k on k.coin_id = l.coin_id cross join market m
      where l.id = h.lane_id order by k.open_at desc limit 1) end
    from pointer q, unnest(${numberColumn(versions, ([id]) => id)}::int4[],
      ${numberColumn(versions, ([, now]) => now)}::float8[]) as x (version_id, now)
    where h.healed_at is null and h.open_at between ${first}::timestamptz and ${last}::timestamptz
      and q.lane_id = h.lane_id and q.slot = h.slot
      and q.from_at <= h.open_at and (q.until_at is null or q.until_at > h.open_at)
      and x.version_id = q.version_id
      and exists (
        select from prediction p where p.version_id = q.version_id and p.open_at = h.open_at)`
}

/** First and last opening: with them, only the parts that matter are looked at. */
function span(rows: readonly PredictionRow[]): readonly [Millis, Millis] {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (const { prediction } of rows) {
    first = Math.min(first, prediction.openAt)
    last = Math.max(last, prediction.openAt)
  }
  return [first, last]
}

interface There extends Written {
  readonly disagrees: boolean
}

/** What is in the ledger for these rows, their own inserts included, beside what they would have said. */
async function compare(tx: Tx, rows: readonly PredictionRow[]): Promise<readonly There[]> {
  const column = (pick: (it: Prediction) => number | null): string =>
    numberColumn(rows, (row) => pick(row.prediction))
  const [first, last] = span(rows)
  return await tx<There[]>`
    with said as (
      select x.*, instant(x.at) as open_at from unnest(
        ${numberColumn(rows, (row) => row.versionId)}::int4[], ${column((it) => it.openAt)}::float8[],
        ${hexColumn(rows, ({ prediction }) => prediction.inputHash)}::bytea[],
        ${textColumn(rows, ({ prediction }) => prediction.signal)}::text[],
        ${column((it) => it.probabilities?.sell ?? null)}::float8[],
        ${column((it) => it.probabilities?.hold ?? null)}::float8[],
        ${column((it) => it.probabilities?.buy ?? null)}::float8[],
        ${column((it) => it.value)}::float8[]
      ) as x (version_id, at, input_hash, signal, sell, hold, buy, value)
    ), beside as (
      select p.version_id, p.open_at, p.mode, p.wait_ms, s.signal, s.sell, s.hold, s.buy, s.value,
        p.input_hash = s.input_hash and (p.signal::text, p.sell, p.hold, p.buy, p.value)
          is distinct from (s.signal, s.sell, s.hold, s.buy, s.value) as disagrees
      from said s join prediction p on p.version_id = s.version_id and p.open_at = s.open_at
      where p.open_at between ${first}::timestamptz and ${last}::timestamptz
    ), noted as (
      insert into disagreement (version_id, open_at, answer)
      select version_id, open_at,
        jsonb_build_object('signal', signal, 'sell', sell, 'hold', hold, 'buy', buy, 'value', value)
      from beside where disagrees
      on conflict do nothing
    )
    select version_id, open_at, mode, wait_ms, disagrees from beside`
}

function outcomeOf(
  rows: readonly PredictionRow[],
  fresh: readonly Written[],
  there: readonly There[],
): CommitOutcome {
  if (areTheSame(rows, fresh)) {
    const predictions = fresh.map(({ mode, wait_ms }) => ({ mode, fresh: true, waitMs: wait_ms }))
    return { predictions, disagreed: [] }
  }
  const key = (versionId: number, openAt: Millis): string => `${versionId} ${openAt}`
  const made = new Map(fresh.map((row) => [key(row.version_id, row.open_at), row]))
  const found = new Map(there.map((row) => [key(row.version_id, row.open_at), row]))
  const disagreeing = new Set(
    there.filter((row) => row.disagrees).map((row) => key(row.version_id, row.open_at)),
  )
  const predictions = rows.map(({ prediction, versionId }) => {
    const name = key(versionId, prediction.openAt)
    const inserted = made.get(name)
    // The second of two equal keys in one batch is not fresh.
    made.delete(name)
    const row = inserted ?? found.get(name)
    if (!row) throw new Fault('store.failed', `a prediction of version ${versionId} went missing`)
    return { mode: row.mode, fresh: inserted !== undefined, waitMs: row.wait_ms }
  })
  const disagreed = rows
    .filter(({ prediction, versionId }) => disagreeing.has(key(versionId, prediction.openAt)))
    .map(({ prediction: { coin, family, version, openAt } }) => ({ coin, family, version, openAt }))
  return { predictions, disagreed }
}

/** All of them are new, and came back in the order in which they were sent, as they nearly always do. */
function areTheSame(rows: readonly PredictionRow[], fresh: readonly Written[]): boolean {
  if (rows.length !== fresh.length) return false
  return rows.every(({ prediction, versionId }, i) => {
    const made = fresh[i]
    return made?.version_id === versionId && made.open_at === prediction.openAt
  })
}

function refuseUnwritable(it: Prediction): void {
  const { probabilities: p, value } = it
  const numbers = [p?.sell ?? 0, p?.hold ?? 0, p?.buy ?? 0, value ?? 0, it.inferMs, it.madeAt]
  if (!numbers.every(Number.isFinite))
    throw new Fault('store.constraint', 'a prediction with numbers that are not finite')
  if (!hexadecimal.test(it.inputHash) || !hexadecimal.test(it.traceId))
    throw new Fault('store.constraint', 'inputHash and traceId are lower-case hexadecimal digits')
}
