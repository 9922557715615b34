/**
 * The trainer of `linear`: `node train.ts REQUEST.json`. With more than one trial it tries as many strengths of the penalty
 * and keeps the one that loses least on the validation rows. The same request gives the same bytes.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'
import { openDataset } from '../dataset/read.ts'
import type { TrainerEvent } from '../training/events.ts'
import type { TimeRange, Trained, TrainRequest, Trial } from '../training/request.ts'
import {
  answers,
  countClasses,
  type Fit,
  type FitSettings,
  fit,
  lossOn,
  type Matrix,
} from './fit.ts'
import { graphOf } from './graph.ts'
import { joinNewest } from './join.ts'

const goldenRows = 32
const rowsMin = 500
/** Each trial's penalty is so many times that of the one before, from the default outwards. */
const ladder = 3

const startedAt = performance.now()
const parent = process.ppid

function say(event: TrainerEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

async function train(request: TrainRequest): Promise<void> {
  say({ type: 'started', trainer: 'starling linear 1', device: 'cpu' })
  const { ranges, rowsMax } = request
  const [learning, choosing, tested] = [
    await read(request, ranges.train, rowsMax, 'read'),
    await read(request, ranges.validate, rowsMax, 'read'),
    await read(request, ranges.test, rowsMax, 'read'),
  ]
  if (learning.rows < rowsMin)
    throw new Fault(
      'data.too_few',
      `${learning.rows} rows to learn from, at least ${rowsMin} are needed`,
    )
  const { fitted, trials, settings } = search(request, learning, choosing)
  if (!fitted.parameters.every(Number.isFinite))
    throw new Fault('model.not_finite', 'the fit has numbers that are none')
  const graph = graphOf(fitted)
  writeFileSync(join(request.out, 'model.onnx'), graph)
  const golden = spread(
    [tested, choosing, learning].find((it) => it.rows >= goldenRows) ?? learning,
  )
  writeFileSync(join(request.out, 'golden.json'), JSON.stringify(goldenOf(fitted, golden)))
  const trained: Trained = {
    trainer: 'starling linear 1',
    device: 'cpu',
    seconds: (performance.now() - startedAt) / 1000,
    rows: { train: learning.rows, validate: choosing.rows },
    input: { tensor: 'features' },
    output: { tensor: 'probabilities', kind: 'probabilities' },
    parity: parityOf(fitted, choosing),
    importance: importanceOf(fitted, request.input.columns),
    trials: [...trials],
    settings: { ...settings },
    frequencies: countClasses(learning.target),
  }
  writeFileSync(join(request.out, 'trained.json'), JSON.stringify(trained, null, 2))
  say({ type: 'done' })
}

async function read(
  request: TrainRequest,
  ranges: readonly TimeRange[],
  rowsMax: number,
  part: string,
): Promise<Matrix> {
  const { columns } = request.input
  const parts: Matrix[] = []
  for (const [i, folder] of request.datasets.entries()) {
    const dataset = await openDataset(folder)
    const { rows, values, target } = await dataset.examples(columns, ranges, rowsMax)
    parts.push({ rows, width: columns.length, values, target })
    say({
      type: 'progress',
      part,
      done: i + 1,
      of: request.datasets.length,
      loss: null,
      secondsLeft: null,
    })
  }
  return joinNewest(parts, columns.length, rowsMax)
}

interface Found {
  readonly fitted: Fit
  readonly settings: FitSettings
  readonly trials: readonly Trial[]
}

function search(request: TrainRequest, learning: Matrix, choosing: Matrix): Found {
  const defaults = settingsOf(request)
  const trials: Trial[] = []
  let best: (Found & { readonly loss: number }) | undefined
  for (let number = 0; number < request.trials; number++) {
    const settings = { ...defaults, l2: defaults.l2 * ladder ** rung(number) }
    const startedFit = performance.now()
    const fitted = fit(learning, settings, (done, loss) => {
      // A fit lets no event in: that its input has ended it would hear afterwards.
      if (process.ppid !== parent) process.exit(1)
      const each = (performance.now() - startedFit) / done / 1000
      const secondsLeft = each * (settings.iterationsMax - done)
      say({
        type: 'progress',
        part: 'iteration',
        done,
        of: settings.iterationsMax,
        loss,
        secondsLeft,
      })
    })
    const loss = choosing.rows > 0 ? lossOn(fitted, choosing) : fitted.loss
    const trial: Trial = { number, settings: { l2: settings.l2 }, loss, state: 'complete' }
    trials.push(trial)
    say({ type: 'trial', ...trial })
    if (best === undefined || loss < best.loss) best = { fitted, settings, loss, trials }
  }
  if (best === undefined) throw new Fault('data.trials', 'at least one trial is needed')
  return best
}

/** 0, 1, −1, 2, −2 … */
function rung(number: number): number {
  return (number % 2 === 1 ? 1 : -1) * Math.ceil(number / 2)
}

function settingsOf({ settings }: TrainRequest): FitSettings {
  const number = (name: string): number => {
    const value = settings[name]
    if (typeof value === 'number' && value >= 0) return value
    throw new Fault('data.settings', `${name} is ${String(value)}; it is a number of at least 0`)
  }
  return {
    l2: number('l2'),
    iterationsMax: number('iterationsMax'),
    tolerance: number('tolerance'),
    clip: number('clip'),
    balanced: settings.balanced === true,
  }
}

/** Rows from all over it. */
function spread({ rows, width, values, target }: Matrix): Matrix {
  const picked = Array.from({ length: goldenRows }, (_, i) =>
    Math.floor((i * (rows - 1)) / goldenRows),
  )
  const out = new Float32Array(goldenRows * width)
  picked.forEach((row, i) => {
    out.set(values.subarray(row * width, (row + 1) * width), i * width)
  })
  return { rows: goldenRows, width, values: out, target: target.slice(0, goldenRows) }
}

function goldenOf(fitted: Fit, rows: Matrix): object {
  const said = answers(fitted, rows)
  const list = (values: ArrayLike<number>, width: number): number[][] =>
    Array.from({ length: rows.rows }, (_, i) =>
      Array.from({ length: width }, (_, c) => values[i * width + c] as number),
    )
  return { inputs: list(rows.values, rows.width), outputs: list(said, 3) }
}

/** What rounding the weights to the graph's precision changes, at most. */
function parityOf(fitted: Fit, rows: Matrix): number {
  const rounded: Fit = {
    ...fitted,
    parameters: fitted.parameters.map(Math.fround),
    scale: {
      ...fitted.scale,
      mean: fitted.scale.mean.map(Math.fround),
      scale: fitted.scale.scale.map(Math.fround),
    },
  }
  const [exact, found] = [answers(fitted, rows), answers(rounded, rows)]
  return exact.reduce((worst, it, i) => Math.max(worst, Math.abs(it - (found[i] as number))), 0)
}

/** Mean size of a column's weights, as a share of all: columns are standardised, so sizes compare. */
function importanceOf({ parameters }: Fit, columns: readonly string[]): Record<string, number> {
  const width = columns.length
  const sizes = columns.map((_, c) =>
    [0, 1, 2].reduce((sum, k) => sum + Math.abs(parameters[k * width + c] as number), 0),
  )
  const total = sizes.reduce((sum, it) => sum + it, 0) || 1
  return Object.fromEntries(columns.map((name, c) => [name, (sizes[c] as number) / total]))
}

// Whoever started it is gone: nobody waits for this work.
process.stdin.on('end', () => process.exit(1))
process.stdin.resume()
process.stdin.unref?.()

try {
  const [path = ''] = process.argv.slice(2)
  await train(JSON.parse(readFileSync(path, 'utf8')) as TrainRequest)
  process.exit(0)
} catch (error) {
  const fault = error instanceof Fault ? error : diskFull(error, 'the artifact')
  if (!fault) throw error
  say({ type: 'failed', code: fault.code, message: fault.message })
  process.exit(1)
}
