/** What a feature is, and what the groups that compute them have in common. */
import type { Layout, Memory } from '../indicators/layout.ts'
import type { Millis } from '../time.ts'
import type { Block } from './block.ts'

export interface Feature {
  readonly name: string
  /** One sentence. Prices are closes, windows count candles and include this one, unless it says otherwise. */
  readonly definition: string
  /** Consecutive candles, this one included, after which the value is whole: exact, or within `tolerance` where it recurs. */
  readonly warmup: number
  /** Models get what is free of scale: ratios, shares, z-scores. People get the levels as well. */
  readonly audience: 'models' | 'people'
  /** A candle's column that some sources do not tell; the value is NaN there. */
  readonly needs: 'takerBuyVolume' | 'trades' | null
  /** Counts from where the engine began, and so never agrees with an engine that began elsewhere. */
  readonly cumulative: boolean
}

/**
 * How far a value past its warm-up may be from that of an engine which began earlier, as a share of the column's own
 * standard deviation. Windows agree exactly; only recursive averages need it.
 */
export const tolerance = 1e-6

/** A candle's length, and how many make an hour and a day. */
export interface Interval {
  readonly ms: Millis
  readonly perHour: number
  readonly perDay: number
}

/** Features computed together. */
export interface Group {
  readonly features: readonly Feature[]
  /** Writes them, in their order, for every candle of the block: from `to` on for the first, `width` further for each next. */
  readonly run: (s: Memory, block: Block, rows: Float64Array, to: number, width: number) => void
}

export type MakeGroup = (layout: Layout, interval: Interval) => Group

export function forModels(
  name: string,
  warmup: number,
  definition: string,
  needs: Feature['needs'] = null,
): Feature {
  return { name, definition, warmup, audience: 'models', needs, cumulative: false }
}

export function forPeople(
  name: string,
  warmup: number,
  definition: string,
  needs: Feature['needs'] = null,
): Feature {
  return { name, definition, warmup, audience: 'people', needs, cumulative: false }
}
