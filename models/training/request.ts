/**
 * What a trainer is given, whatever language it is written in: one JSON file, `starling-train/1`, named on its command
 * line. It reads dataset folders, writes `model.onnx`, `golden.json` and `trained.json` into `out`, tells how it goes as
 * JSON lines on stdout (`events.ts`), and ends with 0. It sees nothing else: no store, no network, no secret.
 */
import { z } from 'zod'
import { Fault } from '../../streams/fault.ts'
import type { Label } from '../manifest.ts'
import { settings, trialSchema } from './events.ts'

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
const trained = z.looseObject({
  /** With its version: `lightgbm 4.7.0`. */
  trainer: z.string(),
  device: z.string(),
  seconds: z.number().min(0),
  rows: z.looseObject({ train: z.int().min(1), validate: z.int().min(0) }),
  input: z.looseObject({ tensor: z.string() }),
  output: z.looseObject({
    tensor: z.string(),
    kind: z.enum(['probabilities', 'logits', 'value']),
  }),
  /** The greatest difference between the framework's answers and the ONNX file's, over the validation rows. */
  parity: z.number().min(0),
  /** Share of the whole by column, where the family has it. */
  importance: z.record(z.string(), z.number()).nullable(),
  trials: z.array(trialSchema),
  /** What was used in the end. */
  settings,
  /** How often each class came among the training rows, sell, hold, buy; null for a regression. */
  frequencies: z.tuple([z.number(), z.number(), z.number()]).nullable(),
})

export type Trained = z.infer<typeof trained>
export type Trial = z.infer<typeof trialSchema>

export function parseTrained(bytes: Uint8Array): Trained {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new Fault('trainer.half_artifact', 'trained.json is not JSON', { cause })
  }
  const parsed = trained.safeParse(json)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue?.path.join('.') ?? ''
  throw new Fault('trainer.half_artifact', `trained.json: ${where}: ${issue?.message}`)
}
