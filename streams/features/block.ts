/**
 * A block of consecutive candles as the groups of features see it, without gaps; an empty candle is the carried close
 * with zero volume. All engines of a set use the same one: it is filled and computed within one call.
 */
import type { Series } from '../indicators/layout.ts'

/** Candles at once: 64 series of it fit the first-level cache, and longer ones were not faster. */
export const blockLength = 64

export function series(): Series {
  return new Float64Array(blockLength)
}

export class Block {
  length = 0
  readonly openAt = series()
  readonly open = series()
  readonly high = series()
  readonly low = series()
  readonly close = series()
  readonly volume = series()
  readonly takerBuyVolume = series()
  readonly trades = series()

  /** From here on made of the above before the groups run. */
  readonly logClose = series()
  /** Since the previous candle; 0 at the first. */
  readonly logReturn = series()
  /** High less low, or the distance of either from the previous close. */
  readonly trueRange = series()
  /** (high + low + close) / 3 × volume. */
  readonly turnover = series()

  /** Volume of the latest 15 and 60 candles and of those of 24 h, left by the group of volumes for those after it. */
  readonly volume15 = series()
  readonly volume60 = series()
  readonly volumeDay = series()
}
