/** The family `linear` on a made market: its own fit with its own defaults, answering in place. */
import { openFamily } from '../../models/family.ts'
import { answers, type FitSettings, fit } from '../../models/linear/fit.ts'
import type { Examples, Learnt } from './examples.ts'

export function fitLinear({ rows, width, values, target, frequencies }: Examples): Learnt {
  const settings = openFamily('linear').settings as unknown as FitSettings
  const fitted = fit({ rows, width, values, target: Float64Array.from(target) }, settings)
  const run = async (inputs: Float32Array, count: number): Promise<Float32Array> =>
    Float32Array.from(
      answers(fitted, { rows: count, width, values: inputs, target: new Float64Array(count) }),
    )
  return { run, frequencies }
}
