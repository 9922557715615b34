/** A dataset straight from a tape's history, seeded or a file, through the engine: no store, no daemon. */
import { buildDataset, type DatasetOrder } from '../../models/dataset/build.ts'
import type { Candle } from '../../streams/candles/candle.ts'
import { filled } from '../../streams/candles/fill.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { featureSet } from '../../streams/features/set.ts'
import { fileMarket } from '../../streams/feeds/tape/file-market.ts'
import { seededMarket } from '../../streams/feeds/tape/seeded.ts'
import { tapeFeed } from '../../streams/feeds/tape/tape.ts'
import { dayMs, floorTo, type Millis, wallClock } from '../../streams/time.ts'
import type { EvaluateOptions } from '../cli/world.ts'

interface Span {
  readonly from: Millis
  readonly to: Millis
}

/** Before the range: every column of a model is whole by then. */
const warmMs = 2 * dayMs

/** Answers which candles it holds. `orderFor` is told what the tape has. */
export async function tapeDataset(
  { config, coin, progress }: EvaluateOptions,
  orderFor: (stored: Span) => Omit<DatasetOrder, 'set' | 'source' | 'progress'>,
  out: string,
): Promise<Span> {
  const { interval: intervalMs, tape, source } = config.market
  if (source !== 'tape')
    throw new Fault('usage.wrong', 'artifact folders are compared on a tape: add --source tape')
  const market =
    tape.file === null
      ? seededMarket(tape)
      : await fileMarket({ path: tape.file, coin, intervalMs })
  const span = market.span(coin)
  if (!span) throw new Fault('coin.unknown', `the tape has no ${coin}`)
  // A file is history as a whole; a seeded market goes on for ever, and its past ends where its present begins.
  const to = floorTo(Number.isFinite(span.to) ? span.to : market.startAt, intervalMs)
  const feed = tapeFeed({ market, clock: wallClock, speed: 1, graceMs: 0, intervalMs, startAt: to })
  const order = orderFor({ from: span.from, to })
  const read = (from: Millis, until: Millis): AsyncGenerator<readonly Candle[]> => {
    const since = Math.max(span.from, floorTo(from, intervalMs))
    const range = { from: since, to: until, existed: true }
    return filled(coin as Coin, intervalMs, range, feed.history.candles(coin, since, until))
  }
  const set = featureSet(intervalMs)
  await buildDataset(
    { ...order, set, source: 'tape', progress },
    {
      candles: read,
      async *passages(from, until) {
        const engine = new FeatureEngine(intervalMs)
        for await (const candles of read(from - warmMs, until)) yield { engine, candles }
      },
    },
    out,
  )
  return { from: order.from, to: order.to }
}
