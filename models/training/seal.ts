/**
 * What a trainer has left, and what is known of its data, as an artifact: `manifest.json` names every file with its hash,
 * and is the last to be written. Nothing is said of a training that its dataset and its request do not say.
 */
import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { iso } from '../../streams/time.ts'
import type { Artifact } from '../artifact.ts'
import { datasetHash } from '../dataset/build.ts'
import type { DatasetManifest } from '../dataset/manifest.ts'
import type { Manifest } from '../manifest.ts'
import { parseManifest } from '../manifest.ts'
import type { Trained, TrainRequest } from './request.ts'

export interface Sealing {
  readonly request: TrainRequest
  readonly trained: Trained
  readonly datasets: readonly DatasetManifest[]
  /** The market it is for, or `*`. */
  readonly coin: string
  /** What `metrics.json` says of its worth, by the split that it was measured on; null until it was. */
  readonly scores: unknown
  /** Whose weights it began with, where it did not begin anew. */
  readonly begun?: Pick<Artifact, 'manifest' | 'sha256'> | null
}

/** Fills the folder `out`; the trainer's files are taken from `request.out`. */
export async function seal(sealing: Sealing, out: string): Promise<Manifest> {
  const { request, trained, datasets, coin, begun } = sealing
  const [first] = datasets
  if (!first) throw new Error('an artifact is sealed with its datasets')
  await rm(out, { recursive: true, force: true })
  await mkdir(out, { recursive: true })
  for (const name of ['model.onnx', 'golden.json'])
    await copyFile(join(request.out, name), join(out, name))
  await writeFile(join(out, 'metrics.json'), JSON.stringify(metricsOf(sealing), null, 2))
  const files: Record<string, { bytes: number; sha256: string }> = {}
  for (const name of ['model.onnx', 'golden.json', 'metrics.json']) {
    const bytes = await readFile(join(out, name))
    files[name] = { bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  }
  const learnt = [...request.ranges.train, ...request.ranges.validate]
  const from = iso(Math.min(...learnt.map(([it]) => it)))
  const to = iso(Math.max(...learnt.map(([, it]) => it)))
  const manifest = {
    format: 'starling-model/1',
    family: request.family,
    coin,
    interval: first.interval,
    horizonCandles: first.horizonCandles,
    task: request.task,
    ...(request.task === 'classify' ? { classes: ['sell', 'hold', 'buy'] } : {}),
    label: request.label,
    input: { tensor: trained.input.tensor, ...request.input, featureSet: first.featureSet },
    output: trained.output,
    trained: {
      from,
      to,
      rows: trained.rows.train,
      purgeCandles: Math.max(...datasets.map(({ informationCandles }) => informationCandles)),
      seed: request.seed,
      // What its beginning had seen it has seen too.
      markets: [
        ...datasets.map(({ source, coin: market }) => ({ source, coin: market, from, to })),
        ...(begun?.manifest.trained.markets ?? []),
      ],
      ...(begun ? { begunWith: begun.sha256 } : {}),
      device: trained.device,
      seconds: trained.seconds,
      dataset: datasetHash(first),
      trainer: trained.trainer,
    },
    files,
  }
  const text = JSON.stringify(manifest, null, 2)
  const parsed = parseManifest(new TextEncoder().encode(text))
  await writeFile(join(out, 'manifest.json'), text)
  return parsed
}

function metricsOf({ request, trained, scores }: Sealing): object {
  const shown = ([from, to]: readonly [number, number]): readonly string[] => [iso(from), iso(to)]
  return {
    split: {
      train: { ranges: request.ranges.train.map(shown), rows: trained.rows.train },
      validate: { ranges: request.ranges.validate.map(shown), rows: trained.rows.validate },
      test: { ranges: request.ranges.test.map(shown) },
    },
    scores,
    frequencies: trained.frequencies,
    importance: trained.importance,
    trials: trained.trials.length || 1,
    settings: trained.settings,
    parity: trained.parity,
  }
}
