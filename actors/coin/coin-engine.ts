/**
 * One coin's features, live: a head that has seen every closed candle, and a tail that follows it at the distance in
 * which candles may still be corrected. A correction in between starts a new head from the tail, so that rows are always
 * what one uninterrupted pass over the candles as they are now would have given, bit for bit.
 */
import type { Candle } from '../../streams/candles/candle.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { dayMs, type Millis } from '../../streams/time.ts'
import type { FeatureRing } from './feature-ring.ts'

/** The engine after the candle that closed at `at`: what backfill, training and the next start begin from. */
export interface EngineSnapshot {
  readonly at: Millis
  readonly state: Uint8Array
}

export class CoinEngine {
  readonly #ring: FeatureRing
  readonly #lag: number
  readonly #tail: FeatureEngine
  #head: FeatureEngine
  /** What the head has seen and the tail has not. */
  #recent: Candle[] = []
  readonly #unread: Float64Array

  constructor(engine: FeatureEngine, ring: FeatureRing, lag: number) {
    this.#ring = ring
    this.#lag = lag
    this.#tail = engine
    this.#head = FeatureEngine.restore(engine.save())
    this.#unread = new Float64Array(ring.columns)
  }

  /** Takes the next candle, writes its row into the ring, and gives the snapshots that have become final by it. */
  close(candle: Candle, dueAt: Millis): readonly EngineSnapshot[] {
    this.#step(candle, dueAt)
    this.#recent.push(candle)
    const snapshots: EngineSnapshot[] = []
    while (this.#recent.length > this.#lag) {
      const settled = this.#recent.shift() as Candle
      this.#tail.step(settled, this.#unread)
      const at = settled.openAt + this.#ring.intervalMs
      if (at % dayMs === 0) snapshots.push({ at, state: this.#tail.save() })
    }
    return snapshots
  }

  /** Takes a candle again that has changed. False when it is older than the tail: then only the store can rebuild. */
  correct(candle: Candle): boolean {
    const index = this.#recent.findIndex(({ openAt }) => openAt === candle.openAt)
    if (index < 0) return false
    this.#recent[index] = candle
    this.#head = FeatureEngine.restore(this.#tail.save())
    for (const recent of this.#recent) this.#step(recent, 0)
    return true
  }

  /** The state behind every correction that can still come, and where it stands. */
  settled(): EngineSnapshot | undefined {
    const next = this.#recent[0]
    return next && { at: next.openAt, state: this.#tail.save() }
  }

  #step(candle: Candle, dueAt: Millis): void {
    this.#ring.write({ openAt: candle.openAt, state: candle.state, dueAt }, (values) => {
      this.#head.step(candle, values)
      return { whole: this.#head.whole, after: this.#head.after }
    })
  }
}
