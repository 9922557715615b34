/**
 * Made markets to hold the gate against: candles of the seeded market through the real feature engine, labelled by the
 * real rules, cut into a part to learn from and a later one to be judged on, with the purge between them.
 *
 * The label is the direction alone, with thresholds next to nothing. With wider ones the market has structure even at
 * `signal: 0`: its volatility comes in regimes and clusters, so how often a threshold is reached can be foreseen, a log
 * loss is truly better for it, and a gate that asks for skill rightly passes it. Only the direction knows no structure
 * where there is no signal.
 */
import type { JudgedBlock } from '../../models/judging/rows.ts'
import { labelled } from '../../models/label.ts'
import type { Label } from '../../models/manifest.ts'
import type { TimeRange } from '../../models/training/request.ts'
import type { Candle } from '../../streams/candles/candle.ts'
import { emptyBar } from '../../streams/candles/fold.ts'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { setCandle } from '../../streams/features/columns.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import { seededMarket, seededStartAt } from '../../streams/feeds/tape/seeded.ts'
import { tapeFeed } from '../../streams/feeds/tape/tape.ts'
import { dayMs, type Millis, minuteMs, wallClock } from '../../streams/time.ts'

export const direction: Label = { kind: 'threshold', up: 1e-9, down: -1e-9 }
export const horizon = 15

/** All that the classifiers see, and what a tape tells besides: who took, and how many trades there were. */
export const columns: readonly string[] = [
  ...[1, 3, 5, 15, 60].map((it) => `log_return_${it}`),
  ...['candle_body', 'upper_wick', 'lower_wick', 'close_position', 'range_15', 'range_60'],
  ...['range_position_15', 'range_position_60', 'close_zscore_15', 'close_zscore_30'],
  ...['close_zscore_60', 'return_deviation_5', 'return_deviation_15', 'return_deviation_60'],
  ...['bollinger_width', 'bollinger_position', 'log_volume_ratio_5', 'log_volume_ratio_15'],
  ...['log_volume_ratio_60', 'volume_change_1', 'obv_slope_15', 'obv_slope_60'],
  ...['close_to_vwap_60', 'realised_volatility_15', 'realised_volatility_60'],
  ...['realised_volatility_variation_15', 'hour_sin', 'hour_cos'],
  ...['taker_share', 'taker_share_15', 'taker_share_60'],
]

export interface MadeMarket {
  readonly seed: number
  readonly signal: number
  readonly label: Label
  readonly block: JudgedBlock
  readonly train: TimeRange
  readonly test: TimeRange
}

export interface MadeDays {
  readonly train: number
  readonly test: number
}

const coin = parseCoin('BTC/USDT') as Coin
const quiet = { ...emptyBar(0), state: 'empty' } as const

/** As many days as asked for, up to where a first start stands. */
export async function makeMarket(
  seed: number,
  signal: number,
  days: MadeDays,
  label: Label = direction,
): Promise<MadeMarket> {
  const from = seededStartAt - (days.train + days.test + 1) * dayMs
  const testFrom = seededStartAt - days.test * dayMs
  const rows = await engineRows(seed, signal, from, label)
  return {
    ...{ seed, signal, label, block: rows },
    train: [from, testFrom - horizon * minuteMs],
    test: [testFrom, seededStartAt],
  }
}

async function engineRows(
  seed: number,
  signal: number,
  from: Millis,
  label: Label,
): Promise<JudgedBlock> {
  const length = (seededStartAt - from) / minuteMs
  const engine = new FeatureEngine(minuteMs)
  const block = new RowBlock(engine.set.columns.length, length)
  for (let i = 0; i < length; i++)
    setCandle(block.candles, i, { ...quiet, openAt: from + i * minuteMs })
  for await (const candle of candles(seed, signal, from))
    setCandle(block.candles, (candle.openAt - from) / minuteMs, candle)
  engine.run(block.candles, 0, length, block, 0)
  const { close, high, low } = block.candles
  for (let i = 1; i < length; i++)
    for (const price of [close, high, low])
      if (Number.isNaN(price[i])) price[i] = close[i - 1] as number
  const { change, target, naive } = labelled(label, horizon, { close, high, low })
  const at = columns.map((name) => engine.set.indexOf(name))
  const values = new Float32Array(length * columns.length)
  for (let i = 0; i < length; i++) {
    const row = block.row(i)
    at.forEach((column, j) => {
      values[i * columns.length + j] = row[column] as number
    })
  }
  return {
    ...{ length, change, target, naive, values },
    openAt: Float64Array.from({ length }, (_, i) => from + i * minuteMs),
    // A minute without trades is no example: there was no close to trade at.
    flaw: Int32Array.from(block.candles.state, (it) => (it === 0 ? 0 : 1)),
  }
}

async function* candles(seed: number, signal: number, from: Millis): AsyncGenerator<Candle> {
  const market = seededMarket({ seed, signal })
  const feed = tapeFeed({ market, clock: wallClock, speed: 1, graceMs: 2000 })
  for await (const page of feed.history.candles(coin, from, seededStartAt)) yield* page
}
