/**
 * The two trainers that a machine without a GPU lives by, each beside the best known program for its work on the very same
 * matrix: `linear`'s fit beside scikit-learn's to an equal loss, and a whole LightGBM request beside the bare call.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { runTrainer } from '../../actors/training/trainer-process.ts'
import { openDataset } from '../../models/dataset/read.ts'
import { openFamily } from '../../models/family.ts'
import { type FitSettings, fit, type Matrix } from '../../models/linear/fit.ts'
import { niceness } from '../../models/training/politely.ts'
import type { TrainRequest } from '../../models/training/request.ts'
import { pythonFor } from '../../ops/training/python.ts'
import { Fault } from '../../streams/fault.ts'
import { wallClock } from '../../streams/time.ts'
import { datasetOf, marketCandles } from '../support/models/datasets.ts'
import { linear, requestFor } from '../support/models/trainers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import type { Figure } from './figure.ts'
import { askRival, notMeasured } from './rival.ts'

const environments = join(import.meta.dirname, '../../.starling/test-python')
const bareTrees = join(import.meta.dirname, 'bare-trees.py')
/** The history that a live market is begun with, and a warm-up of a day: the matrix is as long as a family lets it be. */
const days = 181
const turns = 2
const limitMs = 600_000

export async function benchTraining(): Promise<readonly Figure[]> {
  const folder = temporaryFolder()
  try {
    const lightgbm = openFamily('lightgbm')
    const columns = [...new Set([...linear.input.columns, ...lightgbm.input.columns])]
    const candles = await marketCandles({ seed: 3, signal: 0.5, days })
    const dataset = await datasetOf(candles, folder, { columns })
    // All rounds, however early a market is learnt: both do the same work.
    const settings = { ...lightgbm.settings, patience: 10_000 }
    return [
      ...(await linearBeside(requestFor(linear, dataset, folder).request, folder)),
      await treesBeside(requestFor(lightgbm, dataset, folder, { settings })),
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

interface Fitted {
  readonly seconds: number
  readonly loss: number
  readonly iterations: number
}

/** How much more two fits may lose and still be called equal. */
const enough = 1e-4

/** Fit against fit, scaling included, one thread each: to where ours comes within a hair of its end, and to where each stops. */
async function linearBeside(request: TrainRequest, folder: string): Promise<readonly Figure[]> {
  const { columns } = request.input
  const dataset = await openDataset(request.datasets[0] as string)
  const part = await dataset.examples(columns, request.ranges.train, request.rowsMax)
  const matrix = { ...part, width: columns.length }
  const settings = request.settings as unknown as FitSettings
  const ours = fitTimed(matrix, settings)
  const files = { values: join(folder, 'values'), target: join(folder, 'target') }
  writeFileSync(files.values, matrix.values)
  writeFileSync(files.target, matrix.target)
  const { l2, clip } = settings
  const said = askRival<{ readonly equal: Fitted; readonly own: Fitted }>(
    'bare-linear.py',
    ['scikit-learn==1.9.1', 'numpy'],
    JSON.stringify({
      ...{ ...files, width: matrix.width, l2, clip },
      loss: ours.own.loss + enough,
    }),
  )
  const name = `linear, ${matrix.rows} rows × ${matrix.width} columns`
  if (said.type === 'absent') return [notMeasured(name, 's', said.why)]
  const beside = (what: string, us: Fitted, them: Fitted): Figure => ({
    name: `${name}, ${what}`,
    ...{ value: us.seconds, unit: 's', theirs: them.seconds, ratio: us.seconds / them.seconds },
    against: `${told(us)}; scikit-learn ${them.seconds.toFixed(2)} s, ${told(them)}`,
  })
  return [
    beside('to an equal loss', ours.equal, said.value.equal),
    beside('to its own end', ours.own, said.value.own),
  ]
}

function told({ loss, iterations }: Fitted): string {
  return `loss ${loss.toFixed(5)} in ${iterations} steps`
}

/** The faster of some, the first of which meets code that was never run. */
function fitTimed(
  matrix: Matrix,
  settings: FitSettings,
): { readonly equal: Fitted; readonly own: Fitted } {
  const tries = Array.from({ length: turns }, () => {
    const began = performance.now()
    const seconds = (): number => (performance.now() - began) / 1_000
    const steps: Fitted[] = []
    const { loss } = fit(matrix, settings, (iterations, lost) => {
      steps.push({ seconds: seconds(), loss: lost, iterations })
    })
    const equal = steps.find((step) => step.loss <= loss + enough) as Fitted
    return { equal, own: { ...(steps.at(-1) as Fitted), seconds: seconds() } }
  })
  return tries.reduce((best, it) => (it.own.seconds < best.own.seconds ? it : best))
}

/**
 * A whole request, from the start of Python to an artifact that has been held against the framework on every validation
 * row, over the bare call: binning and rounds alone, its rows in memory already. Both at low priority, in turns.
 */
async function treesBeside(asked: ReturnType<typeof requestFor>): Promise<Figure> {
  const { request, path } = asked
  mkdirSync(environments, { recursive: true })
  const { signal } = new AbortController()
  const say = (): void => {}
  const lightgbm = openFamily('lightgbm')
  const { rounds } = lightgbm.settings
  const name = `LightGBM, ${rounds} rounds, a request to its artifact`
  const options = {
    path: environments,
    requirements: 'trees',
    env: process.env,
    say,
    signal,
  } as const
  const python = await pythonFor(options).catch((error: unknown) => {
    if (error instanceof Fault) return error.message
    throw error
  })
  if (typeof python === 'string') return notMeasured(name, 's', python)
  const command = { ...python, args: [join(lightgbm.folder, 'train.py')] }
  const limits = { clock: wallClock, silenceMs: 60_000, limitMs, memoryBytes: 2 ** 33, signal }
  const ours: Request[] = []
  const theirs: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    ours.push(await timed(request, path, command, limits))
    const nice = ['-n', String(niceness), python.command, bareTrees, path]
    theirs.push(Number(execFileSync('nice', nice, { env: python.env, encoding: 'utf8' })))
  }
  const us = ours.reduce((best, it) => (it.seconds < best.seconds ? it : best))
  const call = Math.min(...theirs)
  const [before, after] = [us.before, us.after].map((it) => it.toFixed(1))
  return {
    name: `${name}, ${us.rows} rows`,
    ...{ value: us.seconds, unit: 's', theirs: call, ratio: us.seconds / call },
    limit: { atMost: 1.15 },
    against: `the bare call: ${call.toFixed(1)} s; of ours ${before} s to the first round, ${after} s after the last`,
  }
}

interface Request {
  readonly seconds: number
  readonly rows: number
  /** Python, packages, rows and bins; graph, parity and the way out. */
  readonly before: number
  readonly after: number
}

async function timed(
  request: TrainRequest,
  path: string,
  command: Parameters<typeof runTrainer>[2],
  limits: Parameters<typeof runTrainer>[3],
): Promise<Request> {
  const began = performance.now()
  const rounds: number[] = []
  const trained = await runTrainer(request, path, command, limits, {
    event: (event) => {
      if (event.type === 'progress' && event.part === 'round') rounds.push(performance.now())
    },
    log: () => {},
  })
  const ended = performance.now()
  return {
    seconds: (ended - began) / 1_000,
    rows: trained.rows.train,
    before: ((rounds[0] as number) - began) / 1_000,
    after: (ended - (rounds.at(-1) as number)) / 1_000,
  }
}
