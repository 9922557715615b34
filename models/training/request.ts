/**
 * What a trainer is given, whatever language it is written in: one JSON file, `starling-train/1`, named on its command
 * line. It reads dataset folders, writes `model.onnx`, `golden.json` and `trained.json` into `out`, tells how it goes as
 * JSON lines on stdout (`events.ts`), and ends with 0. It sees nothing else: no store, no network, no secret.
 */
import type { Label } from '../manifest.ts'

export interface TrainRequest {
  readonly format: 'starling-train/1'
  readonly family: string
  /** Dataset folders (`dataset/manifest.ts`), one per market that is learnt from. */
  readonly datasets: readonly string[]
  /** An empty folder. */
  readonly out: string
  readonly task: 'classify' | 'regress'
  readonly label: Label
  readonly input: {
    readonly kind: 'row' | 'window'
    readonly length: number
    readonly columns: readonly string[]
  }
  /**
   * Openings in `[from, to)`, milliseconds. They are purged and embargoed already: every row between the two bounds whose
   * `flaw` is 0 may be used. Only `train` is fitted on; `validate` stops and chooses; `test` is for golden rows alone.
   */
  readonly ranges: {
    readonly train: readonly TimeRange[]
    readonly validate: readonly TimeRange[]
    readonly test: readonly TimeRange[]
  }
  /** At most so many training rows, the newest ones. */
  readonly rowsMax: number
  readonly seed: number
  readonly threads: number
  /** Settings that are tried, 1 where none is searched; every one of them is told and counted. */
  readonly trials: number
  /** The family's hyper-parameters, over its defaults. */
  readonly settings: Readonly<Record<string, number | string | boolean>>
  /** An artifact folder whose weights are begun with. */
  readonly warmStart: string | null
}

export type TimeRange = readonly [from: number, to: number]

/** `trained.json`: what the trainer says of its work. Scores are not its business: they are made from the ONNX file. */
export interface Trained {
  /** With its version: `lightgbm 4.7.0`. */
  readonly trainer: string
  readonly device: string
  readonly seconds: number
  readonly rows: { readonly train: number; readonly validate: number }
  readonly input: { readonly tensor: string }
  readonly output: {
    readonly tensor: string
    readonly kind: 'probabilities' | 'logits' | 'value'
  }
  /** The greatest difference between the framework's answers and the ONNX file's, over the validation rows. */
  readonly parity: number
  /** Share of the whole by column, where the family has it. */
  readonly importance: Readonly<Record<string, number>> | null
  readonly trials: readonly Trial[]
  /** What was used in the end. */
  readonly settings: Readonly<Record<string, number | string | boolean>>
  /** How often each class came among the training rows, sell, hold, buy; null for a regression. */
  readonly frequencies: readonly [number, number, number] | null
}

export interface Trial {
  readonly number: number
  readonly settings: Readonly<Record<string, number | string | boolean>>
  /** On the validation rows; null where it was pruned before it had one. */
  readonly loss: number | null
  readonly state: 'complete' | 'pruned' | 'failed'
}
