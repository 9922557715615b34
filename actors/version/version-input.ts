/**
 * What a version needs to see, and whether a candle shows it. Pure: a row is answered, or it is a hole with a reason,
 * judged by this model's own columns and window and by nothing else.
 */
import { hash } from 'node:crypto'
import type { ModelInput } from '../../models/manifest.ts'
import type { HoleReason } from '../../models/prediction.ts'
import { Fault } from '../../streams/fault.ts'
import type { FeatureRow } from '../../streams/features/row.ts'
import type { FeatureSet } from '../../streams/features/set.ts'

export interface InputPlan {
  /** Plans with the same key see the same numbers. */
  readonly key: string
  /** Where the model's columns stand in a feature row. */
  readonly columns: readonly number[]
  /** Candles in one input; 1 for a row. */
  readonly length: number
  /** Consecutive whole candles that the newest row must stand on. */
  readonly need: number
  /** Numbers in one input. */
  readonly width: number
}

export function planInput(input: ModelInput, set: FeatureSet): InputPlan {
  if (input.kind === 'text') throw new Fault('version.input', 'a text model does not read candles')
  if (input.featureSet !== set.hash) {
    throw new Fault(
      'version.feature_set',
      `made for features ${input.featureSet}, these are ${set.hash}`,
    )
  }
  const columns = input.columns.map((name) => {
    const index = set.indexOf(name)
    if (index < 0) throw new Fault('version.columns', `the feature set has no column ${name}`)
    return index
  })
  return {
    key: `${input.length} × ${columns.join()}`,
    columns,
    length: input.length,
    need: set.candlesNeeded(input.columns, input.length),
    width: columns.length * input.length,
  }
}

/** Why this row cannot be answered, or undefined where it can. */
export function whyHole(plan: InputPlan, row: FeatureRow): HoleReason | undefined {
  if (row.state === 'missing') return 'gap'
  if (row.state === 'empty') return 'no_trades'
  if (row.whole < plan.need) return row.after === 'gap' ? 'gap' : 'warmup'
  return undefined
}

/** Of the very numbers that went in; 128 bits, enough never to meet by chance in a ledger. */
export function hashInput(inputs: Float32Array, offset: number, width: number): string {
  const bytes = new Uint8Array(inputs.buffer, inputs.byteOffset + offset * 4, width * 4)
  return hash('sha256', bytes, 'hex').slice(0, 32)
}
