/**
 * The steps of `dvc.yaml`, over `params.yaml`: `pipeline.ts dataset` makes a dataset of a file of candles, `pipeline.ts train`
 * fits a family on it and says what that is worth. The artifact can be published; the metrics can be compared.
 */
import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { z } from 'zod'
import { openDataset, verifyDataset } from '../../models/dataset/read.ts'
import { openFamily } from '../../models/family.ts'
import { gateDefaults, judge } from '../../models/judging/gate.ts'
import { score } from '../../models/scores/score.ts'
import { chronological } from '../../models/split.ts'
import { seal } from '../../models/training/seal.ts'
import { type Coin, coinToPath, parseCoin } from '../../streams/coin.ts'
import { parseDuration } from '../../streams/time.ts'
import { datasetOf, make, type Question, readMarket, stretchOf } from './workbench.ts'

const parameters = z.strictObject({
  candles: z.string(),
  coin: z.string().transform((text) => parseCoin(text) as Coin),
  family: z.string(),
  horizon: z.string().transform((text) => parseDuration(text) ?? Number.NaN),
  seed: z.int(),
  validate: z.number().gt(0).lt(1),
  test: z.number().gt(0).lt(1),
  settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])),
})

const folders = {
  dataset: 'pipeline/dataset',
  work: 'pipeline/work',
  artifact: 'pipeline/artifact',
}
const metricsFile = 'pipeline/metrics.json'

const params = parameters.parse(parse(await readFile('params.yaml', 'utf8')))
const family = openFamily(params.family)
const question: Question = { family, label: family.label, horizon: params.horizon }

async function dataset(): Promise<void> {
  const market = await readMarket(params.coin, params.candles)
  await datasetOf(market, question, folders.dataset)
}

async function train(): Promise<void> {
  const made = await openDataset(`${folders.dataset}/${coinToPath(params.coin)}`)
  // It may have come from anywhere: `dvc pull`, a copy.
  await verifyDataset(made)
  const { manifest } = made
  const range = { from: Date.parse(manifest.from), to: Date.parse(manifest.to) }
  const stretch = stretchOf({ coin: params.coin, candles: [], ...range }, question)
  const { validate, test, seed, settings } = params
  const split = chronological(stretch, { validate, test })
  const log = (line: string): void => void process.stderr.write(`${line}\n`)
  const { request, trained, sheets } = await make(question, {
    ...{ data: '.starling', folder: folders.work, datasets: [made], splits: [split] },
    ...{ settings, seed, threads: 1, log },
  })
  const [sheet] = sheets
  if (!sheet) throw new Error('nothing was evaluated')
  const scores = score(sheet.days, trained.frequencies)
  const verdict = judge(sheet, null, gateDefaults)
  await rm(folders.artifact, { recursive: true, force: true })
  await mkdir('pipeline', { recursive: true })
  const sealed = {
    request,
    trained,
    datasets: [manifest],
    coin: params.coin,
    scores: { scores, verdict },
  }
  await seal(sealed, `${folders.work}/sealed`)
  await cp(`${folders.work}/sealed`, folders.artifact, { recursive: true })
  const { n, classes, values, baseline, trading } = scores
  const metrics = {
    n,
    verdict: verdict.verdict,
    classes: classes && { ...classes, calibration: undefined },
    values,
    baseline,
    trading,
  }
  await writeFile(metricsFile, `${JSON.stringify(metrics, null, 2)}\n`)
}

const steps: Readonly<Record<string, () => Promise<void>>> = { dataset, train }
const [step = ''] = process.argv.slice(2)
const run = steps[step]
if (!run) throw new Error(`there is no step ${step}: dataset or train`)
await run()
