/** `starling dataset`: the training matrix of one coin out of its store, as training runs have it, for whoever wants it. */
import { datasetHash } from '../../models/dataset/build.ts'
import { trackByDvc } from '../../models/dataset/dvc.ts'
import type { DatasetManifest } from '../../models/dataset/manifest.ts'
import { openDataset } from '../../models/dataset/read.ts'
import { type Family, horizonCandles, openFamily } from '../../models/family.ts'
import { type Label, labelSchema } from '../../models/manifest.ts'
import { Fault } from '../../streams/fault.ts'
import { featureSet } from '../../streams/features/set.ts'
import { sourceOf } from '../../streams/feeds/feed.ts'
import { durationText, floorTo, type Millis } from '../../streams/time.ts'
import type { DatasetOptions } from '../cli/world.ts'
import { openStoreWork } from '../store-work.ts'
import { makeDataset } from './dataset-process.ts'

export interface DatasetReport {
  readonly sha256: string
  readonly rows: number
  readonly columns: number
  readonly from: string
  readonly to: string
  readonly quality: {
    readonly examples: number
    readonly flaws: DatasetManifest['flaws']
    readonly checks: DatasetManifest['checks']
  }
  /** The `.dvc` file, where one was asked for. */
  readonly dvc?: string
}

export async function dataset(options: DatasetOptions): Promise<DatasetReport> {
  const { config, coin, out, dvc } = options
  const family = openFamily(options.family ?? 'linear')
  const { interval } = config.market
  const label = options.label === undefined ? family.label : labelFrom(options.label)
  const horizon = horizonOf(options, family)
  const { store, close } = await openStoreWork(options.dataPath, config)
  try {
    const range = await store.reader.candleRange(coin)
    if (!range) throw new Fault('coin.unknown', `nothing of ${coin} is stored`)
    const from = floorTo(Math.max(range.from, options.from ?? range.from), interval)
    const to = floorTo(Math.min(range.to, options.to ?? range.to), interval)
    const order = {
      ...{ coin, source: sourceOf(store.market), label, from, to },
      horizonCandles: horizonCandles(horizon, interval),
      columns: options.family === undefined ? modelColumns(interval) : family.input.columns,
      // Of a range that was asked for, its end is the present.
      now: options.to === undefined ? range.to : to,
    }
    const { address, market, intervalMs } = store
    await makeDataset(
      { store: { address, market, intervalMs }, order, out },
      { signal: new AbortController().signal, progress: options.progress },
    )
    const { manifest } = await openDataset(out)
    const tracked = dvc === undefined ? undefined : await trackByDvc(out, dvc)
    return { ...reportOf(manifest), ...(tracked ? { dvc: tracked.path } : {}) }
  } finally {
    await close()
  }
}

function horizonOf({ horizon, config }: DatasetOptions, family: Family): Millis {
  const { interval } = config.market
  if (horizon === undefined) return config.fleet.families[family.name]?.horizon ?? family.horizon
  if (horizon > 0 && horizon % interval === 0) return horizon
  const expected = `expected whole candles of ${durationText(interval)}`
  throw new Fault('usage.horizon', `--horizon: found ${durationText(horizon)}, ${expected}`)
}

function reportOf(manifest: DatasetManifest): DatasetReport {
  const { rows, columns, from, to, flaws, checks } = manifest
  const quality = { examples: flaws.none, flaws, checks }
  return { sha256: datasetHash(manifest), rows, columns: columns.length, from, to, quality }
}

/** What models may read of every source. */
function modelColumns(intervalMs: number): readonly string[] {
  return featureSet(intervalMs)
    .columns.filter(({ audience, needs }) => audience === 'models' && needs === null)
    .map(({ name }) => name)
}

function labelFrom(text: string): Label {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new Fault('usage.label', `--label: found ${text}, expected JSON`, { cause })
  }
  const parsed = labelSchema.safeParse(json)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const at = ['--label', ...(issue?.path ?? [])].join('.')
  throw new Fault('usage.label', `${at}: ${issue?.message}`)
}
