/**
 * A logistic regression of the direction, by gradient descent in place: quick enough for hundreds of made markets, and an
 * honest learner of what is linear in them.
 */
import type { ClassCounts } from '../../models/no-skill.ts'
import type { Examples } from './examples.ts'

export interface Learnt {
  /** Of sell, hold and buy, for rows one after the other. */
  readonly run: (inputs: Float32Array, rows: number) => Promise<Float32Array>
  readonly frequencies: ClassCounts
}

const rounds = 120
const step = 0.03
const ridge = 1e-4
/** Deviations beyond which a value is taken for this many. */
const reach = 6

export function fitLogistic({ rows, width, values, target, frequencies }: Examples): Learnt {
  const { mean, deviation } = momentsOf(values, rows, width)
  const scaled = (value: number, j: number): number => {
    const z = (value - (mean[j] as number)) / (deviation[j] as number)
    return Math.max(-reach, Math.min(reach, z))
  }
  const x = Float64Array.from(values, (value, i) => scaled(value, i % width))
  const weights = new Float64Array(width + 1)
  const logit = (row: Float64Array | Float32Array, from: number, of: typeof scaled): number => {
    let z = weights[width] as number
    for (let j = 0; j < width; j++) z += (weights[j] as number) * of(row[from + j] as number, j)
    return z
  }
  const asIs = (value: number): number => value
  const [slow, fast] = [new Float64Array(width + 1), new Float64Array(width + 1)]
  for (let round = 1; round <= rounds; round++) {
    const gradient = new Float64Array(width + 1)
    for (let row = 0; row < rows; row++) {
      const error = 1 / (1 + Math.exp(-logit(x, row * width, asIs))) - (target[row] === 2 ? 1 : 0)
      for (let j = 0; j < width; j++)
        gradient[j] = (gradient[j] as number) + error * (x[row * width + j] as number)
      gradient[width] = (gradient[width] as number) + error
    }
    // Adam (Kingma and Ba, 2015), with its usual forgetting.
    for (let j = 0; j <= width; j++) {
      const g = (gradient[j] as number) / rows + ridge * (weights[j] as number)
      slow[j] = 0.9 * (slow[j] as number) + 0.1 * g
      fast[j] = 0.99 * (fast[j] as number) + 0.01 * g * g
      const direction = (slow[j] as number) / (1 - 0.9 ** round)
      const size = Math.sqrt((fast[j] as number) / (1 - 0.99 ** round)) + 1e-8
      weights[j] = (weights[j] as number) - (step * direction) / size
    }
  }
  const run = async (inputs: Float32Array, count: number): Promise<Float32Array> => {
    const out = new Float32Array(3 * count)
    for (let row = 0; row < count; row++) {
      const buy = 1 / (1 + Math.exp(-logit(inputs, row * width, scaled)))
      out[3 * row] = 1 - buy
      out[3 * row + 2] = buy
    }
    return out
  }
  return { run, frequencies }
}

function momentsOf(values: Float32Array, rows: number, width: number) {
  const mean = new Float64Array(width)
  const deviation = new Float64Array(width)
  values.forEach((value, i) => {
    mean[i % width] = (mean[i % width] as number) + value / rows
  })
  values.forEach((value, i) => {
    const off = value - (mean[i % width] as number)
    deviation[i % width] = (deviation[i % width] as number) + (off * off) / rows
  })
  return { mean, deviation: deviation.map((it) => Math.sqrt(it) || 1) }
}
