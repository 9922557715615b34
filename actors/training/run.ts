/**
 * A training run: the way from a lane's stored candles to a judged version, as rows that outlive the process that works
 * on them. Whoever holds its lease is the only one that writes to it.
 *
 * queued → running → passed | refused | failed | cancelled. A step is tried at most so many times; what a finished one made
 * is kept and not made again.
 */
import type { Verdict } from '../../models/judging/verdict.ts'
import type { Trial } from '../../models/training/request.ts'
import type { Lane } from '../../models/version.ts'
import type { Millis } from '../../streams/time.ts'

/** In the order in which they are done. */
export const steps = ['dataset', 'fit', 'export', 'verify', 'evaluate', 'judge', 'publish'] as const
export type Step = (typeof steps)[number]

/** Asked for by a person; due by its age; the lane has only its shipped version; the market has moved away. */
export const causes = ['hand', 'schedule', 'first', 'drift'] as const
export type Cause = (typeof causes)[number]

export const runStates = ['queued', 'running', 'passed', 'refused', 'failed', 'cancelled'] as const
export type RunState = (typeof runStates)[number]

/** What somebody wants trained. */
export interface TrainingOrder {
  readonly lane: Lane
  readonly cause: Cause
  /** At most so many rows to learn from; null leaves it to the family. */
  readonly rowsMax: number | null
  readonly trials: number
  readonly seed: number
  /** It begins with the weights of the version that serves, where there is one. */
  readonly warmStart: boolean
  /** Of work, on the wall; time in which nobody worked on it does not count. */
  readonly timeLimitMs: Millis
  /** The market's time when it was asked for. */
  readonly marketAt: Millis
}

export interface TrainingRun extends TrainingOrder {
  readonly id: number
  readonly state: RunState
  readonly cancelAsked: boolean
  readonly tries: readonly StepTry[]
  readonly verdict: Verdict | null
}

/** `stopped`: the daemon left in order; it does not count as a try. */
export type TryState = 'running' | 'done' | 'failed' | 'stopped'

export interface StepTry {
  readonly step: Step
  /** From 1, by step. */
  readonly attempt: number
  readonly state: TryState
  readonly startedAt: Millis
  /** Where it was cut off, its last sign of life. */
  readonly endedAt: Millis | null
  /** As it was counted at its last sign of life: the sleep of the machine and the wait for its turn are not in it. */
  readonly workedMs: Millis
  /** Of everything that went in; null until it has begun to work. */
  readonly inputHash: string | null
  /** Of everything that it made. */
  readonly product: string | null
  readonly failure: Failure | null
}

export interface Failure {
  /** A fault's: `data.too_few`, `training.silent` … */
  readonly code: string
  readonly message: string
  readonly retryable: boolean
}

/** How far the step has come that is being worked on. */
export interface Progress {
  /** What is counted: `read`, `epoch`, `round`, `trial` … */
  readonly part: string
  readonly done: number
  readonly of: number
  readonly loss: number | null
  readonly secondsLeft: number | null
}

/** A step that waits for the machine's turn is not at work; `turnOf(true)` says that it has it. */
const turn = 'turn'

export function turnOf(hasIt: boolean): Progress {
  return { part: turn, done: hasIt ? 1 : 0, of: 1, loss: null, secondsLeft: null }
}

export function isTurn(progress: Progress | null): boolean {
  return progress?.part === turn
}

export function isWaiting(progress: Progress | null): boolean {
  return isTurn(progress) && progress?.done === 0
}

/** What a finished step adds to its run. */
export interface StepResult {
  /** In one sentence, for people. */
  readonly detail: string
  readonly verdict?: Verdict
  readonly metrics?: unknown
  readonly baseline?: unknown
  readonly trials?: readonly Trial[]
  /** The number it was registered under. */
  readonly version?: number
}

/** What one step is given to work with. Everything it tells is a sign of life. */
export interface StepWork {
  readonly run: TrainingRun
  readonly signal: AbortSignal
  readonly tell: (progress: Progress) => void
  readonly log: (line: string) => void
  /** Of what went in, as soon as it is known. */
  readonly input: (hash: string) => void
}

/** The steps themselves; each works in the run's own folder and may be begun again at any time. */
export interface Workshop {
  readonly work: Readonly<Record<Step, (work: StepWork) => Promise<StepResult>>>
  /** Of what a step has made, as it lies there now; null where it is not whole. */
  readonly product: (run: TrainingRun, step: Step) => Promise<string | null>
  /** Empties what the step and those after it have made. */
  readonly clear: (run: TrainingRun, from: Step) => Promise<void>
  /** The run is over: what nobody needs any more goes. */
  readonly leave: (run: TrainingRun, state: RunState) => Promise<void>
}
