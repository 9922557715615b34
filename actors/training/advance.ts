/**
 * What comes next for a training run, from what is written of it: the one place where it is decided whether a step is
 * done, tried again, or given up.
 */
import type { Millis } from '../../streams/time.ts'
import {
  type Failure,
  type RunState,
  type Step,
  type StepTry,
  steps,
  type TrainingRun,
} from './run.ts'

export type Next =
  | { readonly type: 'do'; readonly step: Step; readonly attempt: number; readonly leftMs: Millis }
  /** Nothing before then. */
  | { readonly type: 'wait'; readonly until: Millis }
  | {
      readonly type: 'end'
      readonly state: Exclude<RunState, 'queued' | 'running'>
      readonly failure: Failure | null
    }

/** A trainer that dies three times over one step dies of it. */
export const triesMax = 3
/** Before the second try, and four times as much before the third. */
const backoffMs: Millis = 10_000

/** `isIntact` says of a finished step whether what it made still lies there as it was. */
export function next(
  run: Pick<TrainingRun, 'cancelAsked' | 'tries' | 'timeLimitMs' | 'verdict'>,
  isIntact: (step: Step) => boolean,
  now: Millis,
): Next {
  // What is published is published: whoever cancels after that was too late.
  if (isDone(run.tries, 'publish')) return judged(run)
  if (run.cancelAsked) return { type: 'end', state: 'cancelled', failure: null }
  const step = steps.find((it) => !isDone(run.tries, it) || !isIntact(it)) as Step
  const tries = run.tries.filter((it) => it.step === step)
  const last = tries.at(-1)
  const leftMs = run.timeLimitMs - workedMs(run.tries)
  if (leftMs <= 0) return failed(outOfTime(run.timeLimitMs))
  const lost = tries.filter((it) => it.state === 'failed').length
  const attempt = (last?.attempt ?? 0) + 1
  if (tries.filter((it) => it.state === 'done').length >= triesMax) return failed(damaged(step))
  if (last?.state !== 'failed') return { type: 'do', step, attempt, leftMs }
  const failure = last.failure as Failure
  if (!failure.retryable) return failed(failure)
  if (lost >= triesMax) return failed(givenUp(step, failure))
  const until = (last.endedAt ?? now) + backoffMs * 4 ** (lost - 1)
  return until <= now ? { type: 'do', step, attempt, leftMs } : { type: 'wait', until }
}

/** Of work: time in which nobody worked on it costs nothing. */
export function workedMs(tries: readonly StepTry[]): Millis {
  return tries.reduce((sum, it) => sum + it.workedMs, 0)
}

export function outOfTime(limitMs: Millis): Failure {
  const message = `it was not done after ${Math.round(limitMs / 60_000)} minutes of work`
  return { code: 'training.time_limit', message, retryable: false }
}

function isDone(tries: readonly StepTry[], step: Step): boolean {
  return tries.findLast((it) => it.step === step)?.state === 'done'
}

function judged(run: Pick<TrainingRun, 'verdict'>): Next {
  const state = run.verdict?.verdict === 'refused' ? 'refused' : 'passed'
  return { type: 'end', state, failure: null }
}

function failed(failure: Failure): Next {
  return { type: 'end', state: 'failed', failure }
}

function givenUp(step: Step, failure: Failure): Failure {
  const message = `${step} failed ${triesMax} times, at last so: ${failure.message}`
  return { ...failure, message, retryable: false }
}

function damaged(step: Step): Failure {
  const message = `what ${step} makes does not stay as it is: look at the disk`
  return { code: 'training.damaged', message, retryable: false }
}
