/** Datasets of made markets, without a store: the seeded tape's candles through the real engine. */
import { join } from 'node:path'
import { buildDataset, type DatasetOrder } from '../../../models/dataset/build.ts'
import type { DatasetManifest } from '../../../models/dataset/manifest.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { filled } from '../../../streams/candles/fill.ts'
import type { Coin } from '../../../streams/coin.ts'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { seededMarket, seededStartAt } from '../../../streams/feeds/tape/seeded.ts'
import { tapeFeed } from '../../../streams/feeds/tape/tape.ts'
import { dayMs, type Millis, minuteMs } from '../../../streams/time.ts'
import { btc } from '../candles.ts'
import { SimulatedClock } from '../simulated-clock.ts'

export interface MadeMarket {
  readonly seed: number
  readonly signal: number
  readonly days: number
  readonly coin?: Coin
}

/** A made market's candles, every minute of it. */
export async function marketCandles({
  seed,
  signal,
  days,
  coin = btc,
}: MadeMarket): Promise<readonly Candle[]> {
  const market = seededMarket({ seed, signal })
  const clock = new SimulatedClock(seededStartAt)
  const { history } = tapeFeed({ market, clock, speed: Number.POSITIVE_INFINITY, graceMs: 0 })
  const range = { from: seededStartAt - days * dayMs, to: seededStartAt, existed: true }
  const candles: Candle[] = []
  const pages = history.candles(coin, range.from, range.to)
  for await (const page of filled(coin, minuteMs, range, pages)) candles.push(...page)
  return candles
}

/** The first day warms the features and is not in it, unless the order says otherwise. */
export async function datasetOf(
  candles: readonly Candle[],
  folder: string,
  order: Partial<DatasetOrder> = {},
): Promise<{ readonly folder: string; readonly manifest: DatasetManifest }> {
  const set = featureSet(minuteMs)
  const from = (candles[0]?.openAt ?? 0) + dayMs
  const to = (candles.at(-1)?.openAt ?? 0) + minuteMs
  const out = join(folder, 'dataset')
  const within = async function* (since: Millis, until: Millis) {
    const some = candles.filter(({ openAt }) => openAt >= since && openAt < until)
    for (let i = 0; i < some.length; i += 5_000) yield some.slice(i, i + 5_000)
  }
  const manifest = await buildDataset(
    {
      coin: candles[0]?.coin ?? btc,
      source: 'tape',
      set,
      label: { kind: 'scaled_threshold', up: 0.5, down: -0.5, lookback: 240 },
      horizonCandles: 15,
      columns: set.columns
        .filter(({ audience, needs, warmup }) => audience === 'models' && !needs && warmup < 1_000)
        .map(({ name }) => name),
      ...{ from, to, now: to },
      ...order,
    },
    {
      candles: within,
      passages: async function* (_since, until) {
        const engine = new FeatureEngine(minuteMs)
        for await (const page of within(0, until)) yield { engine, candles: page }
      },
    },
    out,
  )
  return { folder: out, manifest }
}
