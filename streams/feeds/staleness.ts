/**
 * How long a coin may be silent before silence is a fault. Each coin has its own limit, learnt from the time that recently
 * passed between its trades: a busy coin is missed after seconds, a quiet one is left in peace for minutes.
 */
import type { Millis } from '../time.ts'

export interface StalenessBounds {
  readonly limitMsMin: Millis
  readonly limitMsMax: Millis
  /** The limit while too little has been heard to judge by. */
  readonly limitMsUnknown: Millis
}

export const stalenessBounds: StalenessBounds = {
  limitMsMin: 5_000,
  limitMsMax: 300_000,
  limitMsUnknown: 60_000,
}

export interface Patience {
  /** Longer silence than this is unusual: no candle is closed on the strength of it. */
  readonly suspectMs: Millis
  /** Longer silence than this is a fault, unless the exchange itself says that nothing was traded. */
  readonly limitMs: Millis
}

/** Fewer intervals than this tell nothing about a tail. */
const intervalsMin = 16

/**
 * The limit is three times the 99th percentile: for arrivals without memory that is fourteen mean intervals, one false
 * alarm in a million. `quiet` counts the alarms in a row that the exchange answered with "nothing was traded"; each doubles the limit.
 */
export function patience(
  intervals: readonly Millis[],
  quiet: number,
  bounds: StalenessBounds = stalenessBounds,
): Patience {
  const usual = intervals.length < intervalsMin ? undefined : percentile(intervals, 0.99)
  const wanted = (usual === undefined ? bounds.limitMsUnknown : usual * 3) * 2 ** quiet
  const limitMs = Math.min(Math.max(wanted, bounds.limitMsMin), bounds.limitMsMax)
  return { suspectMs: limitMs / 3, limitMs }
}

function percentile(values: readonly Millis[], share: number): Millis {
  const ascending = [...values].sort((a, b) => a - b)
  return ascending[Math.ceil(share * ascending.length) - 1] as Millis
}

/** The intervals between the last arrivals of one coin. Trades of one burst count as one arrival. */
export class Arrivals {
  readonly #kept: number
  readonly #burstMs: Millis
  #intervals: Millis[] = []
  #lastAt: Millis | undefined

  constructor(kept = 256, burstMs: Millis = 5) {
    this.#kept = kept
    this.#burstMs = burstMs
  }

  note(receivedAt: Millis): void {
    const interval = this.#lastAt === undefined ? 0 : receivedAt - this.#lastAt
    this.#lastAt = receivedAt
    if (interval < this.#burstMs) return
    this.#intervals.push(interval)
    if (this.#intervals.length >= 2 * this.#kept)
      this.#intervals = this.#intervals.slice(-this.#kept)
  }

  /** After an outage the time that passed says nothing about the market. */
  interrupted(): void {
    this.#lastAt = undefined
  }

  get intervals(): readonly Millis[] {
    return this.#intervals.slice(-this.#kept)
  }
}
