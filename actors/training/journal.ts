/**
 * The port to where training runs are written. Everything is written before it is acted on; whoever writes names the lease
 * it holds, and is refused with `training.lost` once another has taken the run over.
 */
import type { Millis } from '../../streams/time.ts'
import type {
  Failure,
  Progress,
  RunState,
  Step,
  StepResult,
  TrainingOrder,
  TrainingRun,
  TryState,
} from './run.ts'

/** Who works on a run. The same holder with a greater epoch is its next life, and takes over at once. */
export interface Holder {
  readonly name: string
  readonly epoch: number
}

export interface RunJournal {
  /** A Fault `training.busy` while the lane has a run that is not over. */
  readonly ask: (order: TrainingOrder) => Promise<TrainingRun>
  /**
   * Takes the lease of the oldest run that is due and that nobody alive works on, unless `atOnce` runs are worked on
   * already. What its last holder was at is written off as cut short at its last sign of life.
   */
  readonly claim: (
    holder: Holder,
    atOnce: number,
    /** This one and no other. */
    only?: number,
  ) => Promise<TrainingRun | undefined>
  readonly read: (run: number) => Promise<TrainingRun>
  readonly begin: (holder: Holder, run: number, step: Step, attempt: number) => Promise<void>
  readonly finish: (
    holder: Holder,
    run: number,
    step: Step,
    attempt: number,
    done: {
      readonly inputHash: string | null
      readonly product: string
      readonly result: StepResult
    },
  ) => Promise<void>
  readonly fail: (
    holder: Holder,
    run: number,
    step: Step,
    attempt: number,
    state: Exclude<TryState, 'running' | 'done'>,
    failure: Failure,
  ) => Promise<void>
  /** Renews the lease and writes down how it goes. Says whether somebody wants it to end. */
  readonly beat: (
    holder: Holder,
    run: number,
    sign: Sign,
  ) => Promise<{ readonly cancelAsked: boolean }>
  /** Gives the lease back: not to be looked at again before then. */
  readonly leave: (holder: Holder, run: number, dueInMs: Millis) => Promise<void>
  readonly end: (
    holder: Holder,
    run: number,
    state: Exclude<RunState, 'queued' | 'running'>,
    failure: Failure | null,
  ) => Promise<void>
  /** One that nobody has begun is over at once; else whoever works on it hears of it. */
  readonly cancel: (run: number) => Promise<TrainingRun>
}

export interface Sign {
  /** The trainer's last sign of life, not ours. */
  readonly aliveAt: Millis
  /** Of the try that is under way, all in all. */
  readonly workedMs: Millis
  readonly progress: Progress | null
  /** What has been said since the last sign. */
  readonly log: readonly string[]
}
