/**
 * Champion and challenger over candles that neither was trained on: two versions of a lane on what is stored, beside a
 * running daemon or without one, or two artifact folders on a tape, which needs no store at all. What is made for it is
 * gone afterwards.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Artifact, openArtifact } from '../../models/artifact.ts'
import { evaluate as compare } from '../../models/judging/evaluation.ts'
import { Fault } from '../../streams/fault.ts'
import { sourceOf } from '../../streams/feeds/feed.ts'
import { dayMs, floorTo, iso, type Millis, wallClock } from '../../streams/time.ts'
import type { EvaluateOptions } from '../cli/world.ts'
import { openStoreWork } from '../store-work.ts'
import { makeDataset } from '../training/dataset-process.ts'
import { type Asked, type EvaluationReport, reportOn } from './comparison.ts'
import { type Contestants, type Named, versionsAsked } from './contestants.ts'
import { compareLedger } from './on-ledger.ts'
import { tapeDataset } from './tape-dataset.ts'

/** Long enough for two window models over months on one slow core. */
const limitMs: Millis = 1_800_000

/** What a dataset for them must hold. */
export interface DatasetNeeds {
  readonly coin: EvaluateOptions['coin']
  readonly artifact: Artifact
  readonly columns: readonly string[]
  readonly from: Millis
  readonly to: Millis
}

export async function evaluate(options: EvaluateOptions): Promise<EvaluationReport> {
  const folder = await mkdtemp(join(tmpdir(), 'starling-evaluate-'))
  try {
    return options.artifact === undefined
      ? await onStored(options, join(folder, 'dataset'))
      : await onTape(options, options.artifact, join(folder, 'dataset'))
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function onStored(options: EvaluateOptions, out: string): Promise<EvaluationReport> {
  const { coin, config } = options
  const work = await openStoreWork(options.dataPath, config)
  try {
    const { store } = work
    const contestants = await versionsAsked(work, options)
    const stored = await store.reader.candleRange(coin)
    if (!stored) throw new Fault('coin.unknown', `no candles of ${coin} are stored`)
    const range = rangeOf(options, stored)
    if (options.ledger) {
      const comparison = await compareLedger(store.reads, contestants, range)
      return reportOn(comparison, askedOf(options))
    }
    const needs = needsOf(options, contestants, range)
    const { address, market, intervalMs } = store
    await makeDataset(
      {
        store: { address, market, intervalMs },
        order: {
          ...orderOf(needs),
          source: sourceOf(market),
          now: range.to,
        },
        out,
      },
      { signal: new AbortController().signal, progress: options.progress },
    )
    return await onDataset(options, contestants, out, range)
  } finally {
    await work.close()
  }
}

async function onTape(
  options: EvaluateOptions,
  folder: string,
  out: string,
): Promise<EvaluationReport> {
  const opened = async (path: string): Promise<Named> => {
    const artifact = await openArtifact(path)
    const name = `${artifact.manifest.family} ${artifact.sha256.slice(0, 8)}`
    return { name, artifact, version: null }
  }
  const contestants = {
    challenger: await opened(folder),
    champion: options.champion === undefined ? null : await opened(options.champion),
  }
  // A champion may be another's; whose place the challenger would take is said by its own manifest.
  const { family } = contestants.challenger.artifact.manifest
  if (family !== options.family)
    throw new Fault(
      'artifact.family',
      `${folder} is of the family ${family}, not ${options.family}`,
    )
  const made = await tapeDataset(
    options,
    (stored) => {
      const range = rangeOf(options, stored)
      return { ...orderOf(needsOf(options, contestants, range)), now: range.to }
    },
    out,
  )
  return onDataset(options, contestants, out, made)
}

async function onDataset(
  options: EvaluateOptions,
  { challenger, champion }: Contestants,
  dataset: string,
  range: { readonly from: Millis; readonly to: Millis },
): Promise<EvaluationReport> {
  const { config } = options
  const comparison = await compare(
    {
      artifact: challenger.artifact.folder,
      subject: challenger.name,
      incumbent: champion && { artifact: champion.artifact.folder, subject: champion.name },
      dataset,
      ranges: [[range.from, range.to]],
      fee: config.fees,
      slippage: config.slippage,
      frequencies: null,
      trials: 1,
    },
    { clock: wallClock, limitMs, progress: options.progress },
  )
  return reportOn(comparison, askedOf(options))
}

function askedOf({ coin, family, config }: EvaluateOptions): Asked {
  return { coin, family, settings: config.gate, fee: config.fees, slippage: config.slippage }
}

/** The newest days, unless the question says otherwise; it may begin and end within a candle. */
function rangeOf(
  { coin, from, to, days, config }: EvaluateOptions,
  stored: { readonly from: Millis; readonly to: Millis },
): { readonly from: Millis; readonly to: Millis } {
  const { interval } = config.market
  const until = floorTo(Math.min(to ?? stored.to, stored.to), interval)
  const since = floorTo(Math.max(from ?? until - days * dayMs, stored.from), interval)
  if (since < until) return { from: since, to: until }
  const present = `${iso(stored.from)} to ${iso(stored.to)}`
  throw new Fault(
    'data.too_few',
    `nothing of ${coin} is there to compare on: candles go from ${present}`,
  )
}

function needsOf(
  { coin }: EvaluateOptions,
  { challenger, champion }: Contestants,
  range: { readonly from: Millis; readonly to: Millis },
): DatasetNeeds {
  const inputs = [challenger, champion].flatMap((it) => (it ? [it.artifact.manifest.input] : []))
  const columns = new Set(inputs.flatMap((it) => (it.kind === 'text' ? [] : it.columns)))
  return { coin, artifact: challenger.artifact, columns: [...columns], ...range }
}

function orderOf({ coin, artifact, columns, from, to }: DatasetNeeds) {
  const { label, horizonCandles } = artifact.manifest
  return { coin, label, horizonCandles, columns, from, to }
}
