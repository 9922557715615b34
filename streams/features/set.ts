/**
 * The feature set: which columns there are, in which order, at one length of candle. The hash says all that a value
 * depends on, so equal hashes mean columns that may be compared and models that may be fed.
 */
import { createHash } from 'node:crypto'
import { Fault } from '../fault.ts'
import { type Cycle, Layout } from '../indicators/layout.ts'
import { hourMs, type Millis } from '../time.ts'
import { Block } from './block.ts'
import type { Feature, Group, Interval, MakeGroup } from './feature.ts'
import { averages } from './groups/averages.ts'
import { calendar } from './groups/calendar.ts'
import { deviations } from './groups/deviations.ts'
import { flow } from './groups/flow.ts'
import { hourly } from './groups/hourly.ts'
import { momentum } from './groups/momentum.ts'
import { returns } from './groups/returns.ts'
import { shape } from './groups/shape.ts'
import { tape } from './groups/tape.ts'
import { volatility } from './groups/volatility.ts'
import { volume } from './groups/volume.ts'

/** Numbers at the beginning of the memory that are the engine's own. */
const engineNumbers = 6

/** Raised whenever the numbers of an unchanged definition change by a single bit. */
const engineRevision = 1

/** `flow` and `tape` read the sums that `volume` leaves. */
const groups: readonly MakeGroup[] = [
  returns,
  shape,
  deviations,
  averages,
  momentum,
  volume,
  flow,
  tape,
  volatility,
  hourly,
  calendar,
]

export interface FeatureSet {
  /** `sha256:…` over the interval, names, definitions, warm-ups and the engine's revision. */
  readonly hash: string
  readonly intervalMs: Millis
  readonly columns: readonly Feature[]
  /** The column of that name, or -1. */
  indexOf(name: string): number
  /** Consecutive candles that a row, or a window of so many rows, needs to be whole in these columns. */
  candlesNeeded(names: readonly string[], rows?: number): number
  readonly program: Program
}

/** How an engine computes the set; shared by all engines of it. */
export interface Program {
  readonly groups: readonly Group[]
  readonly block: Block
  readonly cycles: readonly Cycle[]
  /** Numbers in an engine's memory. */
  readonly size: number
}

const made = new Map<Millis, FeatureSet>()

export function featureSet(intervalMs: Millis): FeatureSet {
  const known = made.get(intervalMs)
  if (known) return known
  const set = makeSet(intervalMs)
  made.set(intervalMs, set)
  return set
}

function makeSet(intervalMs: Millis): FeatureSet {
  if (!(intervalMs > 0) || hourMs % intervalMs !== 0) {
    throw new Fault(
      'features.interval',
      `features need candles that divide an hour, and ${intervalMs} ms do not`,
    )
  }
  const perHour = hourMs / intervalMs
  const interval: Interval = { ms: intervalMs, perHour, perDay: 24 * perHour }
  const layout = new Layout()
  layout.take(engineNumbers)
  const parts = groups.map((make) => make(layout, interval))
  const columns = parts.flatMap((part) => part.features)
  const index = new Map(columns.map((column, i) => [column.name, i]))
  const indexOf = (name: string): number => index.get(name) ?? -1
  return {
    hash: hashOf(intervalMs, columns),
    intervalMs,
    columns,
    indexOf,
    candlesNeeded(names, rows = 1) {
      return Math.max(0, ...names.map((name) => columnAt(indexOf(name), name).warmup)) + rows - 1
    },
    program: { groups: parts, block: new Block(), cycles: layout.cycles, size: layout.size },
  }

  function columnAt(i: number, name: string): Feature {
    const column = columns[i]
    if (!column) throw new Fault('features.column', `there is no feature ${name}`)
    return column
  }
}

function hashOf(intervalMs: Millis, columns: readonly Feature[]): string {
  const text = JSON.stringify([
    engineRevision,
    intervalMs,
    columns.map(({ name, warmup, definition, needs }) => [name, warmup, definition, needs]),
  ])
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}
