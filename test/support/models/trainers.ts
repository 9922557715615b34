/** What a trainer is asked over a dataset, and trainers that misbehave in a stated way. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TrainerCommand } from '../../../actors/training/trainer-process.ts'
import type { DatasetManifest } from '../../../models/dataset/manifest.ts'
import { type Family, openFamily } from '../../../models/family.ts'
import { chronological } from '../../../models/split.ts'
import type { TrainRequest } from '../../../models/training/request.ts'
import { minuteMs } from '../../../streams/time.ts'

/** As a training run would ask; the work folder gets the request and an empty `out`. */
export function requestFor(
  family: Family,
  dataset: { readonly folder: string; readonly manifest: DatasetManifest },
  folder: string,
  change: Partial<TrainRequest> = {},
): { readonly request: TrainRequest; readonly path: string } {
  const { manifest } = dataset
  const split = chronological({
    from: Date.parse(manifest.from),
    to: Date.parse(manifest.to),
    intervalMs: minuteMs,
    informationCandles: manifest.informationCandles,
    embargoCandles: 60,
  })
  const out = join(folder, 'out')
  mkdirSync(out, { recursive: true })
  const request: TrainRequest = {
    format: 'starling-train/1',
    family: family.name,
    datasets: [dataset.folder],
    out,
    task: family.task,
    label: manifest.label,
    input: family.input,
    ranges: { train: [split.train], validate: [split.validate], test: [split.test] },
    rowsMax: family.rowsMax,
    seed: 1,
    threads: 1,
    trials: 1,
    settings: family.settings,
    warmStart: null,
    ...change,
  }
  const path = join(folder, 'request.json')
  writeFileSync(path, JSON.stringify(request))
  return { request, path }
}

export const linear = openFamily('linear')

export function nodeTrainer(family: Family): TrainerCommand {
  return {
    command: process.execPath,
    args: [join(family.folder, family.trainer.entry)],
    env: { PATH: process.env.PATH ?? '' },
  }
}

export type Misbehaviour = 'crash' | 'hang' | 'grow' | 'half' | 'garbage' | 'not_finite' | 'stay'

export function badTrainer(how: Misbehaviour): TrainerCommand {
  const entry = fileURLToPath(new URL('./bad-trainer.ts', import.meta.url))
  return { command: process.execPath, args: [entry, how], env: { PATH: process.env.PATH ?? '' } }
}
