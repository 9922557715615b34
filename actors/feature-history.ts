/**
 * Feature rows of the past, as the live path would have made them: from the newest engine snapshot before them, over the
 * candles as they are in the ledger now. There is no second implementation and no second starting point.
 */
import type { Candle } from '../streams/candles/candle.ts'
import type { Coin } from '../streams/coin.ts'
import { FeatureEngine } from '../streams/features/engine.ts'
import type { Millis } from '../streams/time.ts'
import { FeatureRing } from './feature-ring.ts'
import type { LedgerReader } from './ledger.ts'

export interface FeatureHistoryPorts {
  readonly reader: LedgerReader
  readonly intervalMs: Millis
  readonly columns: number
  /** Hash of the feature set, which snapshots are kept under. */
  readonly hash: string
  readonly dueAt: (candle: Candle) => Millis
}

/** An engine and the opening of the candle it is to be given next. */
export interface EngineAt {
  readonly engine: FeatureEngine
  readonly at: Millis
}

export class FeatureHistory {
  readonly #ports: FeatureHistoryPorts

  constructor(ports: FeatureHistoryPorts) {
    this.#ports = ports
  }

  /** Wall time at which the candle's close fell, as far as that can be said of the past. */
  dueAt(candle: Candle): Millis {
    return this.#ports.dueAt(candle)
  }

  /** The rows of `[from, to)`, as far as the ledger has candles for them. */
  async ring(coin: Coin, from: Millis, to: Millis): Promise<FeatureRing> {
    const { reader, intervalMs, columns } = this.#ports
    const ring = new FeatureRing(columns, Math.max(1, (to - from) / intervalMs), intervalMs)
    const { engine, at } = await this.engineBefore(coin, from)
    const unread = new Float64Array(columns)
    for await (const page of reader.candles(coin, at, to)) {
      for (const candle of page) {
        if (candle.openAt < from) engine.step(candle, unread, 0)
        else {
          ring.write(
            { openAt: candle.openAt, state: candle.state, dueAt: this.dueAt(candle) },
            (values, offset) => {
              engine.step(candle, values, offset)
              return { whole: engine.whole, after: engine.after }
            },
          )
        }
      }
    }
    return ring
  }

  /** The engine as it stood at the newest snapshot at or before `at`, or a new one at the coin's first candle. */
  async engineBefore(coin: Coin, at: Millis): Promise<EngineAt> {
    const { reader, hash, intervalMs } = this.#ports
    const snapshot = await reader.snapshot(coin, hash, at)
    if (snapshot) return { engine: FeatureEngine.restore(snapshot.state), at: snapshot.at }
    const range = await reader.candleRange(coin)
    return { engine: new FeatureEngine(intervalMs), at: range?.from ?? at }
  }
}
