/**
 * Works on one training run until it is over or nobody may work on it now: asks what comes next, writes it down, does it,
 * and writes down what came of it. It can be ended at any point and begun again by another.
 */
import { tell } from '../../streams/channels.ts'
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import { next, outOfTime } from './advance.ts'
import type { Holder, RunJournal } from './journal.ts'
import {
  type Failure,
  isWaiting,
  type Progress,
  type RunState,
  type Step,
  type StepResult,
  steps,
  type TrainingRun,
  type Workshop,
} from './run.ts'
import { stopwatch } from './stopwatch.ts'

export interface CarryPorts {
  readonly journal: RunJournal
  readonly workshop: Workshop
  readonly clock: Clock
  readonly holder: Holder
  readonly timing: CarryTiming
}

export interface CarryTiming {
  readonly beatMs: Millis
  /** A step that has given no sign for so long is dead. */
  readonly silentMsMax: Millis
}

/** A trainer tells something every 5 s; on a machine that is busy with other things it may be late. */
export const carryTiming: CarryTiming = { beatMs: 2_000, silentMsMax: 60_000 }

export type Carried =
  | { readonly type: 'ended'; readonly state: RunState; readonly failure: Failure | null }
  /** To be gone on with later, by whoever claims it then. */
  | { readonly type: 'left' }
  /** Another works on it now. */
  | { readonly type: 'lost' }

/** `stop` is the end of this life; a run is then left as it stands. */
export async function carryOut(
  ports: CarryPorts,
  claimed: TrainingRun,
  stop: AbortSignal,
): Promise<Carried> {
  const { journal, holder, clock } = ports
  try {
    for (;;) {
      const run = await journal.read(claimed.id)
      const intact = await intactSteps(ports, run)
      const decision = next(run, (step) => intact.has(step), clock.now())
      if (stop.aborted) {
        await journal.leave(holder, run.id, 0)
        return { type: 'left' }
      }
      switch (decision.type) {
        case 'do':
          await tryStep(ports, run, decision, stop)
          break
        case 'wait':
          await journal.leave(holder, run.id, decision.until - clock.now())
          return { type: 'left' }
        case 'end': {
          const { state, failure } = decision
          await journal.end(holder, run.id, state, failure)
          await ports.workshop.leave(run, state)
          tellEnded(run, state, failure, clock.now())
          return { type: 'ended', state, failure }
        }
      }
    }
  } catch (error) {
    if (error instanceof Fault && error.code === 'training.lost') return { type: 'lost' }
    throw error
  }
}

/** Of the finished steps in a row, those whose product is what was written of it. */
async function intactSteps(ports: CarryPorts, run: TrainingRun): Promise<ReadonlySet<Step>> {
  const intact = new Set<Step>()
  for (const step of steps) {
    const last = run.tries.findLast((it) => it.step === step)
    if (last?.state !== 'done') break
    if (last.product !== (await ports.workshop.product(run, step))) break
    intact.add(step)
  }
  return intact
}

async function tryStep(
  ports: CarryPorts,
  run: TrainingRun,
  { step, attempt, leftMs }: { step: Step; attempt: number; leftMs: Millis },
  stop: AbortSignal,
): Promise<void> {
  const { journal, holder, workshop } = ports
  await workshop.clear(run, step)
  await journal.begin(holder, run.id, step, attempt)
  tellStep(run, step, attempt, 'running', null)
  const watch = watchOver(ports, run, step, leftMs, stop)
  let inputHash: string | null = null
  try {
    const result = await ended(
      workshop.work[step]({
        run,
        signal: watch.signal,
        tell: watch.heard,
        log: watch.log,
        input: (hash) => {
          inputHash = hash
        },
      }),
      watch.signal,
    )
    const product = await workshop.product(run, step)
    if (product === null) throw new Fault('training.no_product', `${step} has left nothing behind`)
    await watch.flush()
    await journal.finish(holder, run.id, step, attempt, { inputHash, product, result })
    tellStep(run, step, attempt, 'done', result.detail)
  } catch (error) {
    if (error instanceof Fault && error.code === 'training.lost') throw error
    // Ended from outside: that is the reason, whatever the step made of it.
    const failure = failureOf(watch.signal.aborted ? watch.signal.reason : error)
    watch.log(`${step} ${failure.code}: ${failure.message}`)
    await watch.flush()
    const isOurs = failure.code === 'training.stopped' || failure.code === 'training.cancelled'
    await journal.fail(holder, run.id, step, attempt, isOurs ? 'stopped' : 'failed', failure)
    tellStep(run, step, attempt, isOurs ? 'stopped' : 'failed', failure.message)
  } finally {
    watch.stop()
  }
}

/** A step that does not hear its signal is not waited for: what it still does it does in a folder that is cleared. */
function ended(work: Promise<StepResult>, signal: AbortSignal): Promise<StepResult> {
  const cut = new Promise<never>((_, fail) => {
    if (signal.aborted) fail(signal.reason)
    signal.addEventListener('abort', () => fail(signal.reason), { once: true })
  })
  return Promise.race([work, cut])
}

interface Watch {
  readonly signal: AbortSignal
  readonly heard: (progress: Progress) => void
  readonly log: (line: string) => void
  readonly flush: () => Promise<void>
  readonly stop: () => void
}

/** Beats while the step works, and ends it when it is silent, late, cancelled, lost, or no longer wanted in this life. */
function watchOver(
  ports: CarryPorts,
  run: TrainingRun,
  step: Step,
  leftMs: Millis,
  stop: AbortSignal,
): Watch {
  const { journal, holder, clock, timing } = ports
  const abort = new AbortController()
  const passed = stopwatch(clock, timing.beatMs)
  let aliveAt = clock.now()
  let workedMs: Millis = 0
  let silentMs: Millis = 0
  let progress: Progress | null = null
  let lines: string[] = []
  let beating: Promise<void> = Promise.resolve()
  const cut = (code: `training.${string}`, message: string, retryable = false): void =>
    abort.abort(new Fault(code, message, { retryable }))
  const leave = (): void => cut('training.stopped', 'the daemon was stopped', true)
  stop.addEventListener('abort', leave, { once: true })
  if (stop.aborted) leave()

  /** Who waits for the machine's turn neither works nor is silent. */
  const count = (): void => {
    const ms = passed()
    if (isWaiting(progress)) return
    workedMs += ms
    silentMs += ms
  }
  const alive = (): void => {
    count()
    silentMs = 0
    aliveAt = clock.now()
  }
  const beat = async (): Promise<void> => {
    const log = lines
    lines = []
    const { cancelAsked } = await journal.beat(holder, run.id, { aliveAt, workedMs, progress, log })
    if (cancelAsked) cut('training.cancelled', 'it was cancelled')
  }
  const ticking = clock.schedule(function (this) {
    count()
    if (workedMs >= leftMs) cut('training.time_limit', outOfTime(run.timeLimitMs).message)
    else if (silentMs >= timing.silentMsMax)
      cut('training.silent', `no sign of life for ${Math.round(silentMs / 1000)} s`, true)
    beating = beat().catch((error: unknown) => {
      // While the store cannot be asked the work goes on; the lease says how long.
      if (error instanceof Fault && error.retryable) return
      abort.abort(error)
    })
    void beating.then(() => ticking.closed || this.schedule(undefined, timing.beatMs))
  }, timing.beatMs)
  return {
    signal: abort.signal,
    heard: (news) => {
      alive()
      progress = news
      tell('training.progress', { run: run.id, ...run.lane, step, ...news })
    },
    log: (line) => {
      alive()
      lines.push(line)
    },
    flush: async () => {
      count()
      await beating
      await beat()
    },
    stop: () => {
      ticking.unsubscribe()
      stop.removeEventListener('abort', leave)
    },
  }
}

function failureOf(error: unknown): Failure {
  const fault = diskFull(error) ?? error
  if (fault instanceof Fault)
    return { code: fault.code, message: fault.message, retryable: fault.retryable }
  const { message = String(error) } = (error ?? {}) as { message?: string }
  return { code: 'training.broke', message, retryable: false }
}

function tellStep(
  run: TrainingRun,
  step: Step,
  attempt: number,
  state: 'running' | 'done' | 'failed' | 'stopped',
  detail: string | null,
): void {
  tell('training.step', { run: run.id, ...run.lane, step, attempt, state, detail })
}

function tellEnded(
  run: TrainingRun,
  state: Exclude<RunState, 'queued' | 'running'>,
  failure: Failure | null,
  now: Millis,
): void {
  const reasons = (run.verdict?.reasons ?? []).filter(({ passed }) => !passed)
  tell('training.ended', {
    run: run.id,
    ...run.lane,
    state,
    seconds: (now - (run.tries[0]?.startedAt ?? now)) / 1000,
    detail: failure?.message ?? (reasons.map((it) => it.detail).join('; ') || null),
  })
}
