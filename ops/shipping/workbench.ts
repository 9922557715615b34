/**
 * Models from candle files, without a store or a daemon: the same datasets, splits, trainers, evaluation and seal that a
 * training run has. What ships with Starling and what `models/RESULTS.md` says are made here.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runTrainer, type TrainerCommand } from '../../actors/training/trainer-process.ts'
import { buildDataset } from '../../models/dataset/build.ts'
import { type OpenDataset, openDataset } from '../../models/dataset/read.ts'
import { type Family, horizonCandles } from '../../models/family.ts'
import { evaluate } from '../../models/judging/evaluation.ts'
import type { Sheet } from '../../models/judging/sheet.ts'
import { informationCandles, taskOf } from '../../models/label.ts'
import type { Label } from '../../models/manifest.ts'
import type { Split } from '../../models/split.ts'
import type { Trained, TrainRequest } from '../../models/training/request.ts'
import { seal } from '../../models/training/seal.ts'
import type { Candle } from '../../streams/candles/candle.ts'
import { filled } from '../../streams/candles/fill.ts'
import { type Coin, coinToPath } from '../../streams/coin.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { featureSet } from '../../streams/features/set.ts'
import { inOrder } from '../../streams/files/in-order.ts'
import { candlesOf, openMarketFile } from '../../streams/files/market-file.ts'
import { hourMs, type Millis, minuteMs, wallClock } from '../../streams/time.ts'
import { environment } from '../config/environment.ts'
import { configSchema } from '../config/schema.ts'
import { pythonFor } from '../training/python.ts'

export interface Market {
  readonly coin: Coin
  readonly candles: readonly Candle[]
  readonly from: Millis
  readonly to: Millis
}

/** What a file of candles that nobody has named a source for is said to come from. */
export const source = 'bitfinex'
const intervalMs = minuteMs
const silenceMs = 60_000

export async function readMarket(coin: Coin, path: string): Promise<Market> {
  const file = await inOrder(await openMarketFile(path, { intervalMs, coin }), intervalMs)
  if (file.kind !== 'candles') throw new Error(`${path} holds no candles`)
  const pages = (async function* () {
    for await (const bars of file.pages()) yield candlesOf(bars, coin)
  })()
  const candles: Candle[] = []
  const range = { from: 0, to: 0, existed: false }
  for await (const page of filled(coin, intervalMs, range, pages)) candles.push(...page)
  const [first, last] = [candles[0], candles.at(-1)]
  if (!first || !last) throw new Error(`${path} is empty`)
  return { coin, candles, from: first.openAt, to: last.openAt + intervalMs }
}

export interface Question {
  readonly family: Family
  readonly label: Label
  readonly horizon: Millis
}

export async function datasetOf(
  { coin, candles, from, to }: Market,
  { family, label, horizon }: Question,
  folder: string,
): Promise<OpenDataset> {
  const out = join(folder, coinToPath(coin))
  const set = featureSet(intervalMs)
  const pages = async function* (since: Millis, until: Millis) {
    const [a, b] = [since, until].map((at) => Math.max(0, Math.round((at - from) / intervalMs)))
    const some = candles.slice(a, b)
    for (let i = 0; i < some.length; i += 10_000) yield some.slice(i, i + 10_000)
  }
  const order = {
    ...{ coin, source, set, label, from, to, now: to },
    horizonCandles: horizonCandles(horizon, intervalMs),
    columns: family.input.columns,
  }
  await buildDataset(
    order,
    {
      candles: pages,
      passages: async function* (since, until) {
        const engine = new FeatureEngine(intervalMs)
        for await (const page of pages(since, until)) yield { engine, candles: page }
      },
    },
    out,
  )
  return openDataset(out)
}

export function stretchOf({ from, to }: Market, { label, horizon, family }: Question) {
  const candles = horizonCandles(horizon, intervalMs)
  const known = informationCandles(label, candles)
  return {
    ...{ from, to, intervalMs },
    informationCandles: known,
    embargoCandles: Math.max(known, family.input.length),
  }
}

export interface Made {
  readonly request: TrainRequest
  readonly trained: Trained
  /** One for each dataset, on candles after all that it has seen. */
  readonly sheets: readonly Sheet[]
  readonly artifact: string
}

export interface Training {
  readonly data: string
  readonly folder: string
  readonly datasets: readonly OpenDataset[]
  /** One for each dataset. */
  readonly splits: readonly Split[]
  readonly settings?: Family['settings']
  readonly seed: number
  readonly threads: number
  readonly log: (line: string) => void
}

export async function make({ family, label }: Question, work: Training): Promise<Made> {
  const { datasets, splits, log } = work
  const out = join(work.folder, 'out')
  await rm(work.folder, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  const ranges = (part: keyof Split) => splits.map((it) => it[part])
  const request: TrainRequest = {
    format: 'starling-train/1',
    family: family.name,
    datasets: datasets.map(({ folder }) => folder),
    out,
    task: taskOf(label),
    label,
    input: family.input,
    ranges: { train: ranges('train'), validate: ranges('validate'), test: ranges('test') },
    rowsMax: family.rowsMax * datasets.length,
    seed: work.seed,
    threads: work.threads,
    trials: 1,
    settings: { ...family.settings, ...work.settings },
    warmStart: null,
  }
  const path = join(work.folder, 'request.json')
  await writeFile(path, JSON.stringify(request, null, 2))
  const { signal } = new AbortController()
  const command = await commandFor(family, work.data, log, signal)
  const trained = await runTrainer(
    request,
    path,
    command,
    {
      clock: wallClock,
      silenceMs,
      limitMs: 4 * hourMs,
      memoryBytes: family.memoryMb * 2 ** 20,
      signal,
    },
    { event: () => {}, log },
  )
  const artifact = join(work.folder, 'artifact')
  const manifests = datasets.map((it) => it.manifest)
  await seal({ request, trained, datasets: manifests, coin: '*', scores: null }, artifact)
  const sheets: Sheet[] = []
  for (const [i, dataset] of datasets.entries()) {
    const { challenger } = await evaluate(
      {
        artifact,
        subject: family.name,
        incumbent: null,
        dataset: dataset.folder,
        ranges: [(splits[i] as Split).test],
        ...costs(),
        frequencies: trained.frequencies,
        trials: 1,
      },
      { clock: wallClock, limitMs: 2 * hourMs },
    )
    sheets.push(challenger)
  }
  return { request, trained, sheets, artifact }
}

async function commandFor(
  { trainer, folder }: Family,
  path: string,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<TrainerCommand> {
  const args = [join(folder, trainer.entry)]
  if (trainer.runtime === 'node') return { command: process.execPath, args, env: {} }
  const { requirements } = trainer
  return { args, ...(await pythonFor({ path, requirements, env: environment(), say, signal })) }
}

/** The usual ones: 0.1 % of each trade, and the slippage of the default configuration. */
export function costs(): { readonly fee: number; readonly slippage: number } {
  const { fees: fee, slippage } = configSchema.parse({})
  return { fee, slippage }
}
