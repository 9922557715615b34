/**
 * What the hourly candles say: the engine rolls its candles up to whole hours of the clock (UTC), and these values change
 * when an hour is complete. An hour of which the engine has not seen every candle is not used.
 */
import type { Memory, Place } from '../../indicators/layout.ts'
import { hourMs } from '../../time.ts'
import type { Block } from '../block.ts'
import { forModels, type MakeGroup } from '../feature.ts'

const windows = [1, 4, 24]
const kept = 25

export const hourly: MakeGroup = (layout, { ms, perHour }) => {
  const seen = layout.take(1)
  const high = layout.take(1)
  const low = layout.take(1)
  const volume = layout.take(1)
  const closes = layout.take(kept)
  const highs = layout.take(kept)
  const lows = layout.take(kept)
  const volumes = layout.take(kept)
  const count = 3 * windows.length + 1
  const values = layout.take(count)

  function open(s: Memory, block: Block, j: number): void {
    s[seen] = 1
    s[high] = block.high[j]!
    s[low] = block.low[j]!
    s[volume] = block.volume[j]!
  }

  function extend(s: Memory, block: Block, j: number): void {
    s[seen] = s[seen]! + 1
    if (block.high[j]! > s[high]!) s[high] = block.high[j]!
    if (block.low[j]! < s[low]!) s[low] = block.low[j]!
    s[volume] = s[volume]! + block.volume[j]!
  }

  function complete(s: Memory, logClose: number): void {
    unshift(s, closes, logClose)
    unshift(s, highs, Math.log(s[high]!))
    unshift(s, lows, Math.log(s[low]!))
    unshift(s, volumes, s[volume]!)
    for (const [i, hours] of windows.entries()) {
      s[values + i] = s[closes]! - s[closes + hours]!
      s[values + windows.length + i] = volatilityOf(s, closes, hours)
      s[values + 2 * windows.length + i] = rangeOf(s, highs, lows, hours)
    }
    s[values + 3 * windows.length] = ratioToMean(s, volumes, 24)
  }

  /** The hours that the values need, and those that the engine's first and the present one may have lost. */
  const warmup = (hours: number): number => (hours + 1) * perHour - 1

  return {
    features: [
      ...windows.map((w) =>
        forModels(
          `hourly_return_${w}h`,
          warmup(w + 1),
          `Logarithm of the last complete hour's close over the close ${w} h before it.`,
        ),
      ),
      ...windows.map((w) =>
        forModels(
          `hourly_volatility_${w}h`,
          warmup(w + 1),
          `Root of the mean square of the log returns of the last ${w} complete hours.`,
        ),
      ),
      ...windows.map((w) =>
        forModels(
          `hourly_range_${w}h`,
          warmup(w),
          `Logarithm of the highest high over the lowest low of the last ${w} complete hours.`,
        ),
      ),
      forModels(
        'hourly_volume_ratio_24h',
        warmup(24),
        "The last complete hour's volume over the mean of the last 24; 1 when that is 0.",
      ),
    ],
    run(s, block, rows, to, width) {
      let at = to
      for (let j = 0; j < block.length; j++, at += width) {
        const openAt = block.openAt[j]!
        const intoHour = openAt - Math.floor(openAt / hourMs) * hourMs
        if (intoHour === 0 || s[seen] === 0) open(s, block, j)
        else extend(s, block, j)
        if (intoHour + ms === hourMs && s[seen] === perHour) complete(s, block.logClose[j]!)
        for (let i = 0; i < count; i++) rows[at + i] = s[values + i]!
      }
    },
  }
}

/** Newest first; once an hour. */
function unshift(s: Memory, at: Place, value: number): void {
  s.copyWithin(at + 1, at, at + kept - 1)
  s[at] = value
}

function volatilityOf(s: Memory, closes: Place, hours: number): number {
  let squares = 0
  for (let i = 0; i < hours; i++) squares += (s[closes + i]! - s[closes + i + 1]!) ** 2
  return Math.sqrt(squares / hours)
}

function rangeOf(s: Memory, highs: Place, lows: Place, hours: number): number {
  let highest = s[highs]!
  let lowest = s[lows]!
  for (let i = 1; i < hours; i++) {
    if (s[highs + i]! > highest) highest = s[highs + i]!
    if (s[lows + i]! < lowest) lowest = s[lows + i]!
  }
  return highest - lowest
}

function ratioToMean(s: Memory, volumes: Place, hours: number): number {
  let sum = 0
  for (let i = 0; i < hours; i++) sum += s[volumes + i]!
  return sum > 0 ? (s[volumes]! * hours) / sum : 1
}
