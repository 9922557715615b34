/**
 * The hidden state that makes the seeded market predictable: u is autoregressive with a half-life of 40 minutes, and the
 * lean h = u − (average of u, forgetting over 240 minutes) is what flow shows and prices follow. The average is taken off
 * because its sum over time then stays bounded: structure moves prices for an hour and never carries them away.
 */
import type { Random } from '../../random.ts'

/** `u` has variance 1. */
export interface Hidden {
  readonly u: number
  readonly average: number
}

export const noHidden: Hidden = { u: 0, average: 0 }

const horizonMinutes = 15
const kept = 0.5 ** (1 / 40)
const forgotten = 1 / 240

/** Of u alone: the sum of squared shares being 1, a mixture of such states is one too. */
export function stepU(before: number, random: Random): number {
  return kept * before + Math.sqrt(1 - kept * kept) * random.normal()
}

export function withU(before: Hidden, u: number): Hidden {
  return { u, average: before.average + forgotten * (u - before.average) }
}

/**
 * How strongly h must drive each minute's return, in units of its deviation σ, so that knowing u and its average explains
 * the share `signal` of the variance of the next 15 minutes: signal = κ²E / (15 + κ²(E + I)), where E is the variance of
 * what h is expected to add up to, and I that of what its own innovations will add.
 */
export function driveFor(signal: number): number {
  const [byU, byAverage] = [sumOfLean(1, 0), sumOfLean(0, 1)]
  const { ofAverage, together } = stationary()
  const expected = byU ** 2 + byAverage ** 2 * ofAverage + 2 * byU * byAverage * together
  let innovations = 0
  for (let left = 1; left < horizonMinutes; left++) {
    innovations += (1 - kept * kept) * sumOfLean(1, forgotten, left) ** 2
  }
  return Math.sqrt((horizonMinutes * signal) / (expected - signal * (expected + innovations)))
}

function sumOfLean(u: number, average: number, minutes = horizonMinutes): number {
  let sum = 0
  for (let k = 0; k < minutes; k++) {
    sum += u - average
    u *= kept
    average += forgotten * (u - average)
  }
  return sum
}

/** Variance of the average, and its covariance with u, after so long that the start is forgotten. */
function stationary(): { readonly ofAverage: number; readonly together: number } {
  let ofAverage = 0
  let together = 0
  for (let k = 0; k < 10_000; k++) {
    const next = (1 - forgotten) * kept * together + forgotten
    ofAverage =
      (1 - forgotten) ** 2 * ofAverage +
      forgotten ** 2 +
      2 * forgotten * (1 - forgotten) * kept * together
    together = next
  }
  return { ofAverage, together }
}
