/** What is written of training runs, for those who work on them and those who look at them. */
import type {
  Cause,
  Progress,
  RunState,
  Step,
  StepTry,
  TrainingRun,
  TryState,
} from '../../../actors/training/run.ts'
import type { Verdict } from '../../../models/judging/verdict.ts'
import type { Trial } from '../../../models/training/request.ts'
import { type Lane, laneName } from '../../../models/version.ts'
import type { Coin } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Fragment, Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import { type Page, pageOf, readCursor } from '../reads/page.ts'

export interface TrainingRead extends TrainingRun {
  readonly askedAt: Millis
  readonly startedAt: Millis | null
  readonly endedAt: Millis | null
  readonly dueAt: Millis
  readonly aliveAt: Millis | null
  readonly progress: Progress | null
  /** Lines, the newest last; the oldest are let go. */
  readonly log: string
  readonly code: string | null
  readonly message: string | null
  readonly metrics: unknown
  readonly baseline: unknown
  readonly version: number | null
  readonly details: Readonly<Partial<Record<Step, string>>>
  readonly trialsDone: readonly Trial[]
}

export interface TrainingQuery {
  readonly coin?: Coin | undefined
  readonly family?: string | undefined
  readonly state?: RunState | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

interface RunRow {
  readonly id: number
  readonly symbol: Coin
  readonly family: string
  readonly cause: Cause
  readonly state: RunState
  readonly rows_max: number | null
  readonly trials: number
  readonly seed: number
  readonly warm_start: boolean
  readonly time_limit_ms: Millis
  readonly market_at: Millis
  readonly asked_at: Millis
  readonly started_at: Millis | null
  readonly ended_at: Millis | null
  readonly due_at: Millis
  readonly cancel_asked: boolean
  readonly alive_at: Millis | null
  readonly progress: Progress | null
  readonly log: string
  readonly code: string | null
  readonly message: string | null
  readonly verdict: Verdict | null
  readonly metrics: unknown
  readonly baseline: unknown
  readonly version: number | null
}

interface StepRow {
  readonly run_id: number
  readonly step: Step
  readonly attempt: number
  readonly state: TryState
  readonly started_at: Millis
  readonly ended_at: Millis | null
  readonly worked_ms: Millis
  readonly input_hash: string | null
  readonly product: string | null
  readonly detail: string | null
  readonly code: string | null
  readonly is_retryable: boolean
}

export async function readRun(sql: Sql, id: number): Promise<TrainingRead> {
  const [run] = await read(sql, sql`r.id = ${id}`, 1)
  if (run) return run
  throw new Fault('training.unknown', `there is no training run ${id}`)
}

/** A lane has one at most. */
export async function readOpenRun(
  sql: Sql,
  { coin, family }: Lane,
): Promise<TrainingRead | undefined> {
  const isOpen = sql`c.symbol = ${coin} and l.family = ${family} and r.state in ('queued', 'running')`
  return (await read(sql, isOpen, 1))[0]
}

/** Newest first. */
export async function readRuns(sql: Sql, query: TrainingQuery): Promise<Page<TrainingRead>> {
  const { coin, family, state, limit } = query
  const [before] = readCursor<[number]>(query.cursor, ['number']) ?? [Number.POSITIVE_INFINITY]
  const runs = await read(
    sql,
    sql`(${coin ?? null}::text is null or c.symbol = ${coin ?? null})
      and (${family ?? null}::text is null or l.family = ${family ?? null})
      and (${state ?? null}::text is null or r.state = ${state ?? null})
      and r.id < ${before}::float8`,
    limit + 1,
  )
  return pageOf(
    runs,
    limit,
    (run) => run,
    ({ id }) => [id],
  )
}

async function read(sql: Sql, which: Fragment, limit: number): Promise<readonly TrainingRead[]> {
  return faulted(async () => {
    const runs = await sql<RunRow[]>`
      select r.*, c.symbol, l.family
      from training_run r join lane l on l.id = r.lane_id join coin c on c.id = l.coin_id
      where ${which} order by r.id desc limit ${limit}`
    const ids = runs.map(({ id }) => id)
    const tries = await sql<StepRow[]>`
      select * from training_step where run_id = any(${ids}) order by run_id, started_at, attempt`
    const trials = await sql<(Trial & { run_id: number })[]>`
      select run_id, number, settings, loss, state from training_trial
      where run_id = any(${ids}) order by run_id, number`
    return runs.map((run) =>
      runOf(
        run,
        tries.filter((it) => it.run_id === run.id),
        trials.filter((it) => it.run_id === run.id).map(({ run_id: _, ...trial }) => trial),
      ),
    )
  })
}

function runOf(row: RunRow, tries: readonly StepRow[], trials: readonly Trial[]): TrainingRead {
  const details = Object.fromEntries(
    tries.flatMap(({ step, detail }) => (detail === null ? [] : [[step, detail]])),
  )
  return {
    id: row.id,
    lane: { coin: row.symbol, family: row.family },
    cause: row.cause,
    state: row.state,
    rowsMax: row.rows_max,
    trials: row.trials,
    seed: row.seed,
    warmStart: row.warm_start,
    timeLimitMs: row.time_limit_ms,
    marketAt: row.market_at,
    askedAt: row.asked_at,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    dueAt: row.due_at,
    cancelAsked: row.cancel_asked,
    aliveAt: row.alive_at,
    progress: row.progress,
    log: row.log,
    code: row.code,
    message: row.message,
    verdict: row.verdict,
    metrics: row.metrics,
    baseline: row.baseline,
    version: row.version,
    tries: tries.map(tryOf),
    details,
    trialsDone: trials,
  }
}

function tryOf(row: StepRow): StepTry {
  const { code, detail, is_retryable: retryable } = row
  return {
    step: row.step,
    attempt: row.attempt,
    state: row.state,
    startedAt: row.started_at,
    endedAt: row.ended_at,
    workedMs: row.worked_ms,
    inputHash: row.input_hash,
    product: row.product,
    failure: code === null ? null : { code, message: detail ?? code, retryable },
  }
}

export interface TrainedLane {
  readonly isUnderWay: boolean
  /** Not counted: those that were refused. */
  readonly versions: number
  /** Runs that are over, newest first, back to the last that passed. */
  readonly past: readonly { readonly state: RunState; readonly marketAt: Millis }[]
  /** Until when its newest version was trained; null where it has none. */
  readonly trainedTo: Millis | null
}

/** Waits double with every run in a row: more are never looked at. */
const pastMax = 20

/** What of each lane decides when it is trained again, by `laneName`. */
export async function readTrainedLanes(sql: Sql): Promise<ReadonlyMap<string, TrainedLane>> {
  const rows = await faulted(
    () => sql<
      {
        symbol: Coin
        family: string
        under_way: boolean
        versions: number
        states: RunState[] | null
        market_ats: Millis[] | null
        trained_to: Millis | null
      }[]
    >`
      with past as (
        select lane_id, state, market_at, row_number() over (partition by lane_id order by id desc) as age
        from training_run where ended_at is not null)
      select c.symbol, l.family,
        exists (select from training_run r where r.lane_id = l.id and r.ended_at is null) as under_way,
        (select count(*)::int from version v where v.lane_id = l.id and v.state <> 'rejected') as versions,
        p.states, p.market_ats, (
          select (v.manifest #>> '{trained,to}')::timestamptz from pointer q join version v on v.id = q.version_id
          where q.lane_id = l.id and q.until_at is null order by q.slot desc limit 1) as trained_to
      from lane l join coin c on c.id = l.coin_id
        left join (
          select lane_id, array_agg(state order by age) as states,
            array_agg(extract(epoch from market_at)::float8 * 1000 order by age) as market_ats
          from past where age <= ${pastMax} group by lane_id) p on p.lane_id = l.id`,
  )
  return new Map(
    rows.map((row) => [
      laneName({ coin: row.symbol, family: row.family }),
      {
        isUnderWay: row.under_way,
        versions: row.versions,
        past: sinceLastPassed(row.states ?? [], row.market_ats ?? []),
        trainedTo: row.trained_to,
      },
    ]),
  )
}

function sinceLastPassed(
  states: readonly RunState[],
  marketAts: readonly Millis[],
): TrainedLane['past'] {
  const passed = states.indexOf('passed')
  return states
    .slice(0, passed === -1 ? states.length : passed + 1)
    .map((state, i) => ({ state, marketAt: marketAts[i] as Millis }))
}
