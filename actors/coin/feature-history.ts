/**
 * Feature rows of the past, as the live path would have made them: from the newest engine snapshot before them, over the
 * candles as they are in the ledger now. There is no second implementation and no second starting point.
 */
import { Consecutive } from '../../models/dataset/candles.ts'
import type { Candle } from '../../streams/candles/candle.ts'
import type { Coin } from '../../streams/coin.ts'
import { setCandle } from '../../streams/features/columns.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import type { Millis } from '../../streams/time.ts'
import type { LedgerReader } from '../ledger.ts'
import { FeatureRing } from './feature-ring.ts'

export interface FeatureHistoryPorts {
  readonly reader: LedgerReader
  /** Snapshots are kept under its hash. */
  readonly set: FeatureSet
  readonly dueAt: (candle: Candle) => Millis
}

/** Candles, and the engine that has seen all before them. */
export interface Passage {
  readonly engine: FeatureEngine
  readonly candles: readonly Candle[]
}

export interface HistoryBlock {
  readonly ring: FeatureRing
  /** The candles of this block; the ring holds the rows before them too. */
  readonly openAts: readonly Millis[]
}

/** Candles through the engine at once; its own blocks are of 64. */
const chunkRows = 64

export class FeatureHistory {
  readonly #ports: FeatureHistoryPorts

  constructor(ports: FeatureHistoryPorts) {
    this.#ports = ports
  }

  /** Wall time at which the candle's close fell, as far as that can be said of the past. */
  dueAt(candle: Candle): Millis {
    return this.#ports.dueAt(candle)
  }

  /**
   * The candles of `[from, to)` together with the engine that is to be given them, from the newest snapshot at or before
   * `from`, or else from the coin's first candle. The candles begin where that snapshot stands; what was never stored between
   * two of them is missing.
   */
  async *pass(coin: Coin, from: Millis, to: Millis): AsyncGenerator<Passage> {
    const { reader, set } = this.#ports
    const { hash, intervalMs } = set
    const snapshot = await reader.snapshot(coin, hash, from)
    const begun = snapshot?.at ?? (await reader.candleRange(coin))?.from ?? from
    const origins = (await reader.origins(coin, hash)).filter((at) => at > begun && at < to)
    let engine = snapshot ? FeatureEngine.restore(snapshot.state) : new FeatureEngine(intervalMs)
    let at = begun
    const line = new Consecutive(coin, intervalMs)
    for (const until of [...origins, to]) {
      for await (const page of reader.candles(coin, at, until))
        yield { engine, candles: line.take(page) }
      if (until < to) yield { engine, candles: line.until(until) }
      const origin = until === to ? undefined : await reader.snapshot(coin, hash, until)
      if (origin) engine = FeatureEngine.restore(origin.state)
      at = until
    }
  }

  /** The rows of `[from, to)`, as far as the ledger has candles for them. */
  async ring(coin: Coin, from: Millis, to: Millis): Promise<FeatureRing> {
    const { columns, intervalMs } = this.#ports.set
    const ring = new FeatureRing(columns.length, Math.max(1, (to - from) / intervalMs), intervalMs)
    const some = new RowBlock(columns.length, chunkRows)
    for await (const { engine, candles } of this.pass(coin, from, to)) {
      const first = skipTo(engine, candles, from, some)
      for (let i = first; i < candles.length; i += chunkRows)
        this.#run(ring, engine, candles.slice(i, i + chunkRows), some)
    }
    return ring
  }

  /**
   * The rows of `[from, to)` in blocks of `size`, each in a ring together with the `lookback` rows before it. One ring
   * serves all: a block is to be read before the next is asked for.
   */
  async *blocks(
    coin: Coin,
    from: Millis,
    to: Millis,
    lookback: number,
    size: number,
  ): AsyncGenerator<HistoryBlock> {
    const { columns, intervalMs } = this.#ports.set
    const first = from - lookback * intervalMs
    const ring = new FeatureRing(columns.length, size + lookback, intervalMs)
    const some = new RowBlock(columns.length, chunkRows)
    let openAts: Millis[] = []
    for await (const { engine, candles } of this.pass(coin, first, to)) {
      for (let i = skipTo(engine, candles, first, some); i < candles.length; ) {
        const until = Math.min(i + chunkRows, i + size - openAts.length)
        const part = candles.slice(i, until)
        this.#run(ring, engine, part, some)
        for (const { openAt } of part) if (openAt >= from) openAts.push(openAt)
        i = until
        if (openAts.length < size) continue
        yield { ring, openAts }
        openAts = []
      }
    }
    if (openAts.length > 0) yield { ring, openAts }
  }

  #run(
    ring: FeatureRing,
    engine: FeatureEngine,
    candles: readonly Candle[],
    { candles: columns }: RowBlock,
  ): void {
    for (const [i, candle] of candles.entries()) setCandle(columns, i, candle)
    ring.run(engine, columns, candles.length, (i) => this.dueAt(candles[i] as Candle))
  }
}

/** Steps the engine over what lies before `from`, and answers how many candles that were. */
export function skipTo(
  engine: FeatureEngine,
  candles: readonly Candle[],
  from: Millis,
  unread: RowBlock,
): number {
  const found = candles.findIndex(({ openAt }) => openAt >= from)
  const first = found < 0 ? candles.length : found
  const before = candles.slice(0, first)
  for (let i = 0; i < first; ) i += unread.fill(engine, before, i)
  return first
}
