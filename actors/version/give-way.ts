/**
 * Work on the past stands back while candles of now are on their way: from a candle's end until all have answered it. Once
 * for each candle, and not for long: somebody who is held up holds nobody else up.
 */
import { type Clock, floorTo, type Millis, wait } from '../../streams/time.ts'

export interface Now {
  /** Market time. */
  readonly market: () => Millis
  /** Up to where the slowest has answered. */
  readonly answered: () => Millis
  readonly intervalMs: Millis
  readonly clock: Clock
}

/** Longer than trades are waited for after a candle's end, and an answer takes. */
const patienceMs: Millis = 4_000
const lookMs: Millis = 3

/** At the least whoever else waits has a turn. */
export function givingWay({ market, answered, intervalMs, clock }: Now): () => Promise<void> {
  let waitedFor = Number.NEGATIVE_INFINITY
  return async () => {
    await wait(clock, 0)
    const end = floorTo(market(), intervalMs)
    if (end <= waitedFor) return
    for (let waited = 0; answered() < end && waited < patienceMs; waited += lookMs)
      await wait(clock, lookMs)
    waitedFor = end
  }
}
