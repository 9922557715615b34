/**
 * Training runs as rows. Every change of a run that somebody works on names who works on it, and is refused once another
 * has taken it over: what was written stands, whoever dies.
 */
import type { Holder, RunJournal } from '../../../actors/training/journal.ts'
import type { TrainingOrder, TrainingRun } from '../../../actors/training/run.ts'
import { laneName } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import type { Names } from '../names.ts'
import { transact } from '../transact.ts'
import { readOpenRun, readRun } from './read-training.ts'

/** Five beats: a holder that is late with one is not yet dead. */
export const trainingLeaseMs: Millis = 10_000
/** Of what a run has said the newest is kept. */
const logLettersMax = 64 * 1024
/** Any fixed number: "trai" in ASCII. Claims come one after the other. */
const claimKey = 0x74726169

export function openRunJournal(sql: Sql, names: Names): RunJournal {
  return {
    ask: (order) => ask(sql, names, order),
    claim: (holder, atOnce, only) => claim(sql, holder, atOnce, only),
    read: (run) => readRun(sql, run),
    begin: (holder, run, step, attempt) =>
      held(sql, holder, run, async (tx) => {
        await tx`update training_run set progress = null where id = ${run}`
        await tx`insert into training_step (run_id, step, attempt) values (${run}, ${step}, ${attempt})`
      }),
    finish: (holder, run, step, attempt, { inputHash, product, result }) =>
      held(sql, holder, run, async (tx) => {
        await tx`
          update training_step set state = 'done', ended_at = clock_timestamp(), input_hash = ${inputHash},
            product = ${product}, detail = ${result.detail}
          where run_id = ${run} and step = ${step} and attempt = ${attempt}`
        await tx`
          update training_run set progress = null,
            verdict = coalesce(${json(tx, result.verdict)}, verdict),
            metrics = coalesce(${json(tx, result.metrics)}, metrics),
            baseline = coalesce(${json(tx, result.baseline)}, baseline),
            version = coalesce(${result.version ?? null}, version)
          where id = ${run}`
        for (const { number, settings, loss, state } of result.trials ?? [])
          await tx`
            insert into training_trial (run_id, number, settings, loss, state)
            values (${run}, ${number}, ${json(tx, settings)}, ${loss}, ${state})
            on conflict (run_id, number) do update set
              settings = excluded.settings, loss = excluded.loss, state = excluded.state`
      }),
    fail: (holder, run, step, attempt, state, failure) =>
      held(sql, holder, run, async (tx) => {
        await tx`
          update training_step set state = ${state}, ended_at = clock_timestamp(), detail = ${failure.message},
            code = ${failure.code}, is_retryable = ${failure.retryable}
          where run_id = ${run} and step = ${step} and attempt = ${attempt}`
      }),
    beat: (holder, run, { aliveAt, workedMs, progress, log }) =>
      held(sql, holder, run, async (tx) => {
        const [row] = await tx<{ cancel_asked: boolean }[]>`
          update training_run set alive_at = ${aliveAt}, progress = ${json(tx, progress ?? undefined)},
            log = right(log || ${log.map((line) => `${line}\n`).join('')}, ${logLettersMax}),
            lease_until = clock_timestamp() + ${trainingLeaseMs} * interval '1 millisecond'
          where id = ${run} returning cancel_asked`
        await tx`
          update training_step set worked_ms = ${workedMs} where run_id = ${run} and state = 'running'`
        return { cancelAsked: row?.cancel_asked === true }
      }),
    leave: (holder, run, dueInMs) =>
      held(sql, holder, run, async (tx) => {
        await tx`
          update training_run set holder = null, lease_until = null, state = 'queued', progress = null,
            due_at = clock_timestamp() + ${dueInMs} * interval '1 millisecond'
          where id = ${run}`
      }),
    end: (holder, run, state, failure) =>
      held(sql, holder, run, async (tx) => {
        await tx`
          update training_run set state = ${state}, ended_at = clock_timestamp(), holder = null, lease_until = null,
            progress = null, code = ${failure?.code ?? null}, message = ${failure?.message ?? null}
          where id = ${run}`
      }),
    cancel: (run) => cancel(sql, run),
  }
}

async function ask(sql: Sql, names: Names, order: TrainingOrder): Promise<TrainingRun> {
  const { lane, cause, rowsMax, trials, seed, warmStart, timeLimitMs, marketAt } = order
  const laneId = await names.lane(lane)
  const [made] = await faulted(
    () => sql<{ id: number }[]>`
      insert into training_run
        (lane_id, cause, rows_max, trials, seed, warm_start, time_limit_ms, market_at)
      values
        (${laneId}, ${cause}, ${rowsMax}, ${trials}, ${seed}, ${warmStart}, ${timeLimitMs}, ${marketAt})
      on conflict (lane_id) where state in ('queued', 'running') do nothing
      returning id`,
  )
  if (made) return readRun(sql, made.id)
  const open = await readOpenRun(sql, lane)
  // It has ended in the meantime.
  if (open === undefined) return ask(sql, names, order)
  throw new Fault(
    'training.busy',
    `${laneName(lane)} has run ${open.id} already, which is ${open.state}: wait for it, or end it with starling train --cancel ${open.id}`,
  )
}

/** Queued and due, or worked on by nobody who lives: the oldest first. */
async function claim(
  sql: Sql,
  holder: Holder,
  atOnce: number,
  only: number | undefined,
): Promise<TrainingRun | undefined> {
  const id = await faulted(() =>
    sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(${claimKey})`
      // Its own it works on, however long the machine has slept since its last beat.
      const isOurs = tx`(holder = ${holder.name} and epoch = ${holder.epoch})`
      const isDead = tx`(lease_until is null or (lease_until < clock_timestamp() and not ${isOurs})
        or (holder = ${holder.name} and epoch < ${holder.epoch}))`
      // Locked before its steps, as whoever still beats for it does: they would wait for each other in a circle.
      const [found] = await tx<{ id: number }[]>`
        select id from training_run
        where state in ('queued', 'running') and due_at <= clock_timestamp() and ${isDead}
          and (${only ?? null}::int is null or id = ${only ?? null})
          and (select count(*) from training_run where state = 'running' and not ${isDead}) < ${atOnce}
        order by id limit 1 for no key update`
      if (!found) return undefined
      await tx`
        update training_step s set state = 'failed', is_retryable = true, code = 'training.interrupted',
          ended_at = greatest(s.started_at, coalesce(r.alive_at, s.started_at)),
          detail = 'whoever worked on it was gone before it was done'
        from training_run r where r.id = s.run_id and s.run_id = ${found.id} and s.state = 'running'`
      await tx`
        update training_run set state = 'running', started_at = coalesce(started_at, clock_timestamp()),
          holder = ${holder.name}, epoch = ${holder.epoch}, alive_at = clock_timestamp(), progress = null,
          lease_until = clock_timestamp() + ${trainingLeaseMs} * interval '1 millisecond'
        where id = ${found.id}`
      return found.id
    }),
  )
  return id === undefined ? undefined : readRun(sql, id)
}

/** What is queued and nobody's is over at once. */
async function cancel(sql: Sql, run: number): Promise<TrainingRun> {
  await faulted(
    () => sql`
      update training_run set cancel_asked = true,
        state = case when state = 'queued' then 'cancelled' else state end,
        ended_at = case when state = 'queued' then clock_timestamp() end
      where id = ${run} and state in ('queued', 'running')`,
  )
  const now = await readRun(sql, run)
  if (now.state === 'queued' || now.state === 'running' || now.state === 'cancelled') return now
  throw new Fault('training.state', `run ${run} is over already: ${now.state}`)
}

/** In a transaction that holds the run for its holder. */
async function held<T>(
  sql: Sql,
  { name, epoch }: Holder,
  run: number,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  return await transact(sql, async (tx) => {
    const rows = await tx`
        select from training_run
        where id = ${run} and state = 'running' and holder = ${name} and epoch = ${epoch} for no key update`
    if (rows.length === 0)
      throw new Fault('training.lost', `run ${run} is worked on by another now`)
    return work(tx)
  })
}

function json(tx: Tx, value: unknown) {
  return value === undefined ? tx`null::jsonb` : tx`${JSON.stringify(value)}::text::jsonb`
}

/** Runs that were over before this, in market time, are forgotten with all that they have said. */
export async function dropRunsBefore(sql: Sql, before: Millis): Promise<void> {
  await faulted(
    () => sql`delete from training_run where ended_at is not null and market_at < ${before}`,
  )
}
