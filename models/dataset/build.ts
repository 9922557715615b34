/**
 * A dataset from a market's candles and the engine's own rows, streamed: written aside, checked, and put in its place as
 * a whole. Where a check fails the folder holds its report and nothing else, so that no older dataset is taken for it.
 */
import { strict as assert } from 'node:assert'
import { createHash } from 'node:crypto'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Candle } from '../../streams/candles/candle.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { FeatureEngine } from '../../streams/features/engine.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import { durationText, floorTo, iso, type Millis } from '../../streams/time.ts'
import { informationCandles, labelled, lookbackCandles } from '../label.ts'
import type { Label } from '../manifest.ts'
import { Consecutive, type Prices, readPrices } from './candles.ts'
import { type CheckLimits, check, checkLimits, countOutliers } from './checks.ts'
import { fileFacts } from './file-facts.ts'
import { LabelledRows } from './labelled-rows.ts'
import { type Check, type DatasetManifest, datasetFormat, reportFile } from './manifest.ts'
import { profilePage } from './page.ts'
import { place, settle } from './place.ts'
import type { Profile } from './profile.ts'

export interface DatasetOrder {
  readonly coin: Coin
  readonly source: string
  readonly set: FeatureSet
  readonly label: Label
  readonly horizonCandles: number
  readonly columns: readonly string[]
  /** Openings in `[from, to)`, both on a candle's opening; nothing that comes after `to` is looked at. */
  readonly from: Millis
  readonly to: Millis
  /** The market's present. */
  readonly now: Millis
  readonly limits?: Partial<CheckLimits>
  /** Told as rows are written. */
  readonly progress?: (done: number, of: number) => void
}

export interface DatasetSources {
  readonly candles: (from: Millis, to: Millis) => AsyncIterable<readonly Candle[]>
  /** Pages of candles with the engine that has seen all before them; they may begin before `from`. */
  readonly passages: (
    from: Millis,
    to: Millis,
  ) => AsyncIterable<{ readonly engine: FeatureEngine; readonly candles: readonly Candle[] }>
}

export async function buildDataset(
  order: DatasetOrder,
  sources: DatasetSources,
  out: string,
): Promise<DatasetManifest> {
  await settle(out)
  await refuseForeign(out)
  const draft = `${out}.draft`
  await rm(draft, { recursive: true, force: true })
  await mkdir(draft, { recursive: true })
  try {
    const made = await write(order, sources, draft)
    const failed = made.manifest.checks.filter(({ ok }) => !ok)
    if (failed.length > 0) await refuse(draft, out, made.manifest.checks, failed)
    await writeFile(join(draft, 'profile.json'), JSON.stringify(made.profile))
    await writeFile(join(draft, 'profile.html'), profilePage(made.manifest, made.profile))
    const files: Record<string, DatasetManifest['files'][string]> = {}
    for (const name of ['rows.parquet', 'profile.json', 'profile.html'])
      files[name] = await fileFacts(join(draft, name))
    const manifest = { ...made.manifest, files }
    await writeFile(join(draft, 'dataset.json'), JSON.stringify(manifest, null, 2))
    await place(draft, out)
    return manifest
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    throw error
  }
}

/** What lies there already is replaced only where it is a dataset, or nothing at all. */
async function refuseForeign(out: string): Promise<void> {
  const names = await readdir(out).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [] as string[]
    throw new Fault('dataset.foreign', `${out} is no folder that a dataset could be`, {
      cause: error,
    })
  })
  if (names.length > 0 && !names.includes('dataset.json') && !names.includes(reportFile))
    throw new Fault('dataset.foreign', `${out} holds something else: name a folder that is new`)
}

/** Of the rows and all that decides what they mean: the same candles and question give the same. */
export function datasetHash(manifest: DatasetManifest): string {
  const { format, coin, source, interval, featureSet, label, horizonCandles, columns } = manifest
  const rows = manifest.files['rows.parquet']?.sha256
  const text = JSON.stringify([
    format,
    coin,
    source,
    interval,
    featureSet,
    label,
    horizonCandles,
    columns,
    rows,
  ])
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

interface Made {
  readonly manifest: DatasetManifest
  readonly profile: Profile
}

async function write(order: DatasetOrder, sources: DatasetSources, draft: string): Promise<Made> {
  const { coin, set, label, horizonCandles, from, to } = order
  const { intervalMs } = set
  // Off them no row would find its label.
  for (const at of [from, to]) assert.equal(floorTo(at, intervalMs), at, 'a range of whole candles')
  const columns = order.columns.filter((name) => set.indexOf(name) >= 0)
  const lookback = lookbackCandles(label, horizonCandles)
  const pastFrom = from - lookback * intervalMs
  const past = { from: pastFrom, to: Math.max(to, pastFrom) }
  const prices = await readPrices(coin, intervalMs, past, sources.candles(past.from, past.to))
  const rows = new LabelledRows({
    ...{ set, columns, label, from, to, prices, lookback, progress: order.progress },
    labels: labelled(label, horizonCandles, prices),
    path: join(draft, 'rows.parquet'),
  })
  let line: Consecutive | undefined
  let engine: FeatureEngine | undefined
  for await (const passage of sources.passages(from, to)) {
    line ??= new Consecutive(coin, intervalMs)
    engine = passage.engine
    rows.take(engine, line.take(passage.candles))
  }
  if (line && engine) rows.take(engine, line.until(to))
  rows.finish()
  return made(order, columns, prices, rows)
}

function made(
  { coin, source, set, label, horizonCandles, from, to, now, ...order }: DatasetOrder,
  columns: readonly string[],
  prices: Prices,
  { profiler, flaws, gaps, values, nulls, written }: LabelledRows,
): Made {
  const profile = profiler.told()
  const found = {
    ...{ rows: written, flaws, nulls, values, to, now },
    unknownColumns: order.columns.filter((name) => !columns.includes(name)),
    outliers: countOutliers(prices, set.intervalMs),
    duplicates: prices.repeated,
    balance: profile.balance,
    labelsDiffer: profile.target.max > profile.target.min,
  }
  return {
    profile,
    manifest: {
      format: datasetFormat,
      coin,
      source,
      interval: durationText(set.intervalMs),
      featureSet: set.hash,
      label,
      horizonCandles,
      informationCandles: informationCandles(label, horizonCandles),
      columns,
      from: iso(from),
      to: iso(to),
      rows: written,
      flaws,
      gaps: gaps.map((gap) => ({ from: iso(gap.from), to: iso(gap.to) })),
      checks: check(found, { ...checkLimits, ...order.limits }),
      files: {},
    },
  }
}

/** `rows` and `labels` have the names that trainers give the same trouble. */
const codes: Readonly<Partial<Record<Check['name'], `data.${string}`>>> = {
  rows: 'data.too_few',
  labels: 'data.one_class',
}

async function refuse(
  draft: string,
  out: string,
  checks: readonly Check[],
  failed: readonly Check[],
): Promise<never> {
  await rm(draft, { recursive: true })
  await mkdir(draft)
  await writeFile(join(draft, reportFile), JSON.stringify({ checks }, null, 2))
  await place(draft, out)
  const name = failed[0]?.name ?? 'rows'
  const what = failed.map((it) => `${it.name}: ${it.detail}`).join('; ')
  throw new Fault(codes[name] ?? `data.${name}`, `the dataset does not hold: ${what}`)
}
