/**
 * Multinomial logistic regression: the mean cross-entropy of the rows, and a penalty on the weights but not on the biases,
 * brought to its minimum by L-BFGS. Convex, so where it ends does not depend on where it began. Rows are standardised
 * and clipped as the graph will do it.
 */
import { Fault } from '../../streams/fault.ts'

export interface Matrix {
  readonly rows: number
  readonly width: number
  /** Row-major. */
  readonly values: Float32Array
  /** Class of each row: 0, 1 or 2. */
  readonly target: Float64Array
}

export interface FitSettings {
  /** Weight of the penalty: half of it times the squared length of the weights. */
  readonly l2: number
  readonly iterationsMax: number
  /** It has arrived when the loss shrinks by no more than this share. */
  readonly tolerance: number
  /** Standard deviations beyond which a value says no more. */
  readonly clip: number
  /** Every class counts alike, however seldom it comes. */
  readonly balanced: boolean
}

interface Scale {
  readonly mean: Float64Array
  /** One over the deviation. */
  readonly scale: Float64Array
  readonly clip: number
}

export interface Fit {
  readonly scale: Scale
  /** `classes` rows of `width` weights each, and behind them the biases. */
  readonly parameters: Float64Array
  readonly loss: number
  readonly iterations: number
}

export const classCount = 3

function scaleOf({ rows, width, values }: Matrix, clip: number): Scale {
  const mean = new Float64Array(width)
  const squares = new Float64Array(width)
  for (let r = 0; r < rows; r++) {
    for (let c = 0; c < width; c++) {
      const away = (values[r * width + c] as number) - (mean[c] as number)
      mean[c] = (mean[c] as number) + away / (r + 1)
      squares[c] =
        (squares[c] as number) + away * ((values[r * width + c] as number) - (mean[c] as number))
    }
  }
  // A column that never changes says nothing: it is left at nought.
  const scale = squares.map((it) => (it > 0 ? 1 / Math.sqrt(it / rows) : 0))
  return { mean, scale, clip }
}

/** Standardised and clipped, in the precision that the graph has them in. */
export function standardised({ rows, width, values }: Matrix, by: Scale): Float32Array {
  const out = new Float32Array(rows * width)
  for (let i = 0; i < out.length; i++) {
    const c = i % width
    const it = ((values[i] as number) - (by.mean[c] as number)) * (by.scale[c] as number)
    out[i] = Math.max(-by.clip, Math.min(by.clip, it))
  }
  return out
}

export function fit(
  matrix: Matrix,
  settings: FitSettings,
  progress: (iteration: number, loss: number) => void = () => {},
): Fit {
  const counts = countClasses(matrix.target)
  const known = counts.filter((it) => it > 0).length
  if (known < 2) throw new Fault('data.one_class', 'every training row is of the same class')
  if (!matrix.values.every(Number.isFinite))
    throw new Fault('data.not_finite', 'a training row holds a number that is none')
  const scale = scaleOf(matrix, settings.clip)
  const x = standardised(matrix, scale)
  const weights = counts.map((it) => (settings.balanced && it > 0 ? matrix.rows / (known * it) : 1))
  const objective: Objective = (parameters, gradient) =>
    crossEntropy(x, matrix, weights, settings.l2, parameters, gradient)
  const start = startAt(counts, matrix.width)
  const found = minimise(objective, start, settings, progress)
  return { scale, ...found }
}

/** Of sell, hold and buy. */
export function countClasses(target: Float64Array): [number, number, number] {
  const counts: [number, number, number] = [0, 0, 0]
  for (const it of target) counts[it as 0 | 1 | 2]++
  return counts
}

/** No weights, and biases that say how often each class came: no skill is where it begins. */
function startAt(counts: readonly number[], width: number): Float64Array {
  const parameters = new Float64Array(classCount * (width + 1))
  const total = counts.reduce((sum, it) => sum + it, 0)
  counts.forEach((it, k) => {
    parameters[classCount * width + k] = Math.log(Math.max(it, 0.5) / total)
  })
  return parameters
}

type Objective = (parameters: Float64Array, gradient: Float64Array) => number

/** Mean loss over the rows, with its gradient: one pass, no array per row. */
export function crossEntropy(
  x: Float32Array,
  { rows, width, target }: Pick<Matrix, 'rows' | 'width' | 'target'>,
  weights: readonly number[],
  l2: number,
  p: Float64Array,
  g: Float64Array,
): number {
  const [k1, k2, bias] = [width, 2 * width, classCount * width]
  g.fill(0)
  let loss = 0
  for (let r = 0; r < rows; r++) {
    const at = r * width
    let z0 = p[bias] as number
    let z1 = p[bias + 1] as number
    let z2 = p[bias + 2] as number
    for (let c = 0; c < width; c++) {
      const v = x[at + c] as number
      z0 += v * (p[c] as number)
      z1 += v * (p[k1 + c] as number)
      z2 += v * (p[k2 + c] as number)
    }
    const most = Math.max(z0, z1, z2)
    const [e0, e1, e2] = [Math.exp(z0 - most), Math.exp(z1 - most), Math.exp(z2 - most)]
    const sum = e0 + e1 + e2
    const y = target[r] as number
    const weight = weights[y] as number
    loss += weight * (Math.log(sum) + most - (y === 0 ? z0 : y === 1 ? z1 : z2))
    const d0 = weight * (e0 / sum - (y === 0 ? 1 : 0))
    const d1 = weight * (e1 / sum - (y === 1 ? 1 : 0))
    const d2 = weight * (e2 / sum - (y === 2 ? 1 : 0))
    for (let c = 0; c < width; c++) {
      const v = x[at + c] as number
      g[c] = (g[c] as number) + d0 * v
      g[k1 + c] = (g[k1 + c] as number) + d1 * v
      g[k2 + c] = (g[k2 + c] as number) + d2 * v
    }
    g[bias] = (g[bias] as number) + d0
    g[bias + 1] = (g[bias + 1] as number) + d1
    g[bias + 2] = (g[bias + 2] as number) + d2
  }
  let squares = 0
  for (let i = 0; i < g.length; i++) {
    const it = i < bias ? (p[i] as number) : 0
    g[i] = (g[i] as number) / rows + l2 * it
    squares += it * it
  }
  return loss / rows + (l2 / 2) * squares
}

const memory = 10
/** Armijo's share of the slope that a step must win. */
const enough = 1e-4

/** L-BFGS with backtracking (Nocedal and Wright, algorithms 7.4 and 7.5). */
function minimise(
  objective: Objective,
  start: Float64Array,
  { iterationsMax, tolerance }: FitSettings,
  progress: (iteration: number, loss: number) => void,
): { readonly parameters: Float64Array; readonly loss: number; readonly iterations: number } {
  const n = start.length
  let parameters = start
  let gradient = new Float64Array(n)
  let loss = objective(parameters, gradient)
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = []
  for (let iteration = 1; iteration <= iterationsMax; iteration++) {
    let direction = descent(gradient, pairs)
    let slope = dot(direction, gradient)
    if (slope >= 0) {
      pairs.length = 0
      direction = gradient.map((it) => -it)
      slope = -dot(gradient, gradient)
    }
    let step = pairs.length === 0 ? 1 / Math.max(1, Math.sqrt(-slope)) : 1
    const next = new Float64Array(n)
    const nextGradient = new Float64Array(n)
    let nextLoss = Number.POSITIVE_INFINITY
    for (let tries = 0; tries < 30; tries++, step /= 2) {
      for (let i = 0; i < n; i++)
        next[i] = (parameters[i] as number) + step * (direction[i] as number)
      nextLoss = objective(next, nextGradient)
      if (nextLoss <= loss + enough * step * slope) break
    }
    if (!(nextLoss < loss)) return { parameters, loss, iterations: iteration }
    const s = next.map((it, i) => it - (parameters[i] as number))
    const y = nextGradient.map((it, i) => it - (gradient[i] as number))
    const sy = dot(s, y)
    if (sy > 1e-12) pairs.push({ s, y, rho: 1 / sy })
    if (pairs.length > memory) pairs.shift()
    const gained = (loss - nextLoss) / Math.max(1e-12, Math.abs(loss))
    parameters = next
    gradient = nextGradient
    loss = nextLoss
    progress(iteration, loss)
    if (gained < tolerance) return { parameters, loss, iterations: iteration }
  }
  return { parameters, loss, iterations: iterationsMax }
}

/** The two-loop recursion. */
function descent(
  gradient: Float64Array,
  pairs: readonly { readonly s: Float64Array; readonly y: Float64Array; readonly rho: number }[],
): Float64Array {
  const q = gradient.map((it) => -it)
  const alphas = new Float64Array(pairs.length)
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, rho } = pairs[i] as (typeof pairs)[number]
    const alpha = rho * dot(s, q)
    alphas[i] = alpha
    for (let j = 0; j < q.length; j++) q[j] = (q[j] as number) - alpha * (y[j] as number)
  }
  const last = pairs.at(-1)
  if (last) {
    const scale = 1 / (last.rho * dot(last.y, last.y))
    for (let j = 0; j < q.length; j++) q[j] = (q[j] as number) * scale
  }
  pairs.forEach(({ s, y, rho }, i) => {
    const beta = rho * dot(y, q)
    const by = (alphas[i] as number) - beta
    for (let j = 0; j < q.length; j++) q[j] = (q[j] as number) + by * (s[j] as number)
  })
  return q
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number)
  return sum
}

/** What the fit says to rows as they come, in float64: the word against which the graph is held. */
export function answers({ scale, parameters }: Fit, matrix: Matrix): Float64Array {
  const { rows, width } = matrix
  const x = standardised(matrix, scale)
  const out = new Float64Array(rows * classCount)
  for (let r = 0; r < rows; r++) {
    const z = [0, 1, 2].map((k) => {
      let sum = parameters[classCount * width + k] as number
      for (let c = 0; c < width; c++)
        sum += (x[r * width + c] as number) * (parameters[k * width + c] as number)
      return sum
    })
    const most = Math.max(...z)
    const e = z.map((it) => Math.exp(it - most))
    const total = e.reduce((sum, it) => sum + it, 0)
    e.forEach((it, k) => {
      out[r * classCount + k] = it / total
    })
  }
  return out
}

/** Mean cross-entropy of rows that it was not fitted on. */
export function lossOn(fitted: Fit, matrix: Matrix): number {
  const said = answers(fitted, matrix)
  let loss = 0
  for (let r = 0; r < matrix.rows; r++)
    loss -= Math.log(Math.max(1e-15, said[r * classCount + (matrix.target[r] as number)] as number))
  return loss / matrix.rows
}
