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
import { missing } from '../../streams/features/columns.ts'
import type { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import { durationText, floorTo, iso, type Millis } from '../../streams/time.ts'
import { informationCandles, labelled, lookbackCandles, taskOf } from '../label.ts'
import type { Label } from '../manifest.ts'
import { Consecutive, readPrices } from './candles.ts'
import { type CheckLimits, check, checkLimits, countOutliers } from './checks.ts'
import { fileFacts } from './file-facts.ts'
import {
  type Check,
  type DatasetManifest,
  datasetFormat,
  type Flaw,
  flaws,
  reportFile,
} from './manifest.ts'
import { profilePage } from './page.ts'
import { place, settle } from './place.ts'
import { type Profile, Profiler } from './profile.ts'
import { groupRows, RowGroup, RowsFile } from './rows-file.ts'

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
  const unknownColumns = order.columns.filter((name) => set.indexOf(name) < 0)
  const columns = order.columns.filter((name) => set.indexOf(name) >= 0)
  const picks = columns.map((name) => set.indexOf(name))
  const rows = Math.max(0, Math.round((to - from) / intervalMs))
  const pastFrom = from - lookbackCandles(label, horizonCandles) * intervalMs
  const past = { from: pastFrom, to: Math.max(to, pastFrom) }
  const prices = await readPrices(coin, intervalMs, past, sources.candles(past.from, past.to))
  const labels = labelled(label, horizonCandles, prices)
  const skip = Math.round((from - pastFrom) / intervalMs)

  const file = new RowsFile(join(draft, 'rows.parquet'), columns)
  const group = new RowGroup(columns.length)
  const profiler = new Profiler(columns, taskOf(label) === 'classify', rows)
  const counted = Object.fromEntries(flaws.map((name) => [name, 0])) as Record<Flaw, number>
  const gaps: { from: Millis; to: Millis }[] = []
  const need = set.candlesNeeded(columns)
  const block = new RowBlock(set.columns.length, 1_024)
  let nulls = 0
  let values = 0
  let done = 0

  const isMissing = (i: number): boolean => block.candles.state[i] === missing
  const flawOf = (i: number, row: number, hasAll: boolean): Flaw => {
    if (isMissing(i)) return 'gap'
    if (Number.isNaN(block.candles.close[i] as number)) return 'no_trades'
    if ((block.whole[i] as number) < need) return block.afterGap[i] === 1 ? 'gap' : 'warmup'
    if (!hasAll) return 'warmup'
    if (prices.corrected[row] === 1) return 'corrected'
    return Number.isNaN(labels.target[row] as number) ? 'unlabelled' : 'none'
  }
  const takeRow = (i: number): void => {
    const openAt = block.candles.openAt[i] as Millis
    if (openAt < from || openAt >= to) return
    const row = skip + Math.round((openAt - from) / intervalMs)
    const at = group.length++
    const start = i * set.columns.length
    let absent = 0
    for (let c = 0; c < picks.length; c++) {
      const value = block.values[start + (picks[c] as number)] as number
      if (!Number.isFinite(value)) absent++
      ;(group.features[c] as Float32Array)[at] = Number.isFinite(value) ? value : Number.NaN
    }
    const flaw = flawOf(i, row, absent === 0)
    if ((block.whole[i] as number) >= need && !isMissing(i)) {
      nulls += absent
      values += picks.length
    }
    counted[flaw]++
    group.openAt[at] = BigInt(openAt)
    group.close[at] = prices.close[row] as number
    group.flaw[at] = flaws.indexOf(flaw)
    group.change[at] = labels.change[row] as number
    group.target[at] = labels.target[row] as number
    group.naive[at] = labels.naive[row] as number
    profiler.take(
      openAt,
      flaw,
      isMissing(i),
      group.target[at],
      (c) => (group.features[c] as Float32Array)[at] as number,
    )
    if (isMissing(i)) extend(gaps, openAt, intervalMs)
    if (group.length === groupRows) flush()
  }
  const flush = (): void => {
    if (group.length > 0) file.write(group)
    done += group.length
    group.length = 0
    order.progress?.(done, rows)
  }
  const takePage = (engine: FeatureEngine, page: readonly Candle[]): void => {
    for (let first = 0; first < page.length; ) {
      const n = block.fill(engine, page, first)
      for (let i = 0; i < n; i++) takeRow(i)
      first += n
    }
  }

  let line: Consecutive | undefined
  let engine: FeatureEngine | undefined
  for await (const passage of sources.passages(from, to)) {
    line ??= new Consecutive(coin, intervalMs)
    engine = passage.engine
    takePage(engine, line.take(passage.candles))
  }
  if (line && engine) takePage(engine, line.until(to))
  flush()
  file.finish()

  const profile = profiler.told()
  const found = {
    rows: done,
    flaws: counted,
    ...{ nulls, values, unknownColumns, to, now: order.now },
    outliers: countOutliers(prices, intervalMs),
    duplicates: prices.repeated,
    balance: profile.balance,
    labelsDiffer: profile.target.max > profile.target.min,
  }
  return {
    profile,
    manifest: {
      format: datasetFormat,
      coin,
      source: order.source,
      interval: durationText(intervalMs),
      featureSet: set.hash,
      label,
      horizonCandles,
      informationCandles: informationCandles(label, horizonCandles),
      columns,
      from: iso(from),
      to: iso(to),
      rows: done,
      flaws: counted,
      gaps: gaps.map((gap) => ({ from: iso(gap.from), to: iso(gap.to) })),
      checks: check(found, { ...checkLimits, ...order.limits }),
      files: {},
    },
  }
}

function extend(gaps: { from: Millis; to: Millis }[], openAt: Millis, intervalMs: Millis): void {
  const last = gaps.at(-1)
  if (last?.to === openAt) last.to += intervalMs
  else gaps.push({ from: openAt, to: openAt + intervalMs })
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
