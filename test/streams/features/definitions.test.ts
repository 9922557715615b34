/** Each column against its own sentence, computed the slow way from the candles themselves. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import type { StatedBar } from '../../../streams/features/columns.ts'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { RowBlock } from '../../../streams/features/rows.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { hourMs, minuteMs } from '../../../streams/time.ts'
import { madeCandles } from './made-candles.ts'

const set = featureSet(minuteMs)
const candles = madeCandles({ seed: 'definitions', candles: 1900, empty: 0.04 })
const block = new RowBlock(set.columns.length, candles.length)
block.fill(new FeatureEngine(minuteMs), candles)

/** Empty candles as the carried close. */
const bars: StatedBar[] = []
for (const candle of candles) {
  const close = bars.at(-1)?.close ?? Number.NaN
  const quiet = {
    open: close,
    high: close,
    low: close,
    close,
    volume: 0,
    takerBuyVolume: 0,
    trades: 0,
  }
  bars.push(candle.state === 'empty' ? { ...candle, ...quiet } : candle)
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)
const mean = (values: readonly number[]): number => sum(values) / values.length
const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)))

/** The slow way, at candle `t`. */
class Slow {
  readonly t: number
  constructor(t: number) {
    this.t = t
  }
  bar(ago = 0): StatedBar {
    return bars[this.t - ago]!
  }
  last<T>(w: number, of: (bar: StatedBar, ago: number) => T): T[] {
    return Array.from({ length: w }, (_, i) => of(this.bar(w - 1 - i), w - 1 - i))
  }
  ret(ago = 0): number {
    return Math.log(this.bar(ago).close / this.bar(ago + 1).close)
  }
  back(ago: number): Slow {
    return new Slow(this.t - ago)
  }
  volume(w: number): number {
    return sum(this.last(w, (bar) => bar.volume))
  }
  realised(w: number): number {
    return Math.sqrt(sum(this.last(w, (_, ago) => this.ret(ago) ** 2)))
  }
  high(w: number): number {
    return Math.max(...this.last(w, (bar) => bar.high))
  }
  low(w: number): number {
    return Math.min(...this.last(w, (bar) => bar.low))
  }
  vwap(w: number): number {
    return sum(this.last(w, (b) => ((b.high + b.low + b.close) / 3) * b.volume)) / this.volume(w)
  }
  signed(w: number): number {
    return sum(
      this.last(w, (bar, ago) => bar.volume * Math.sign(bar.close - this.bar(ago + 1).close)),
    )
  }
  change(now: number, before: number): number {
    return now + before > 0 ? (now - before) / (now + before) : 0
  }
  /** The candles of the n-th last complete hour. */
  hour(n: number): StatedBar[] {
    const end = Math.floor((this.bar().openAt + minuteMs) / hourMs) - n
    return bars.filter((bar) => Math.floor(bar.openAt / hourMs) === end)
  }
  hourReturn(n: number, hours: number): number {
    return Math.log(this.hour(n).at(-1)!.close / this.hour(n + hours).at(-1)!.close)
  }
  hours(n: number): StatedBar[] {
    return Array.from({ length: n }, (_, i) => this.hour(i + 1)).flat()
  }
}

type Definition = (at: Slow, w: number) => number

const definitions: readonly [RegExp, Definition][] = [
  [/^return_(\d+)$/, (at, w) => at.bar().close / at.bar(w).close - 1],
  [/^log_return_(\d+)$/, (at, w) => Math.log(at.bar().close / at.bar(w).close)],
  [/^log_return_1_lag_(\d+)$/, (at, w) => at.ret(w)],
  [
    /^acceleration_(\d+)$/,
    (at, w) =>
      Math.log(at.bar().close / at.bar(w).close) - Math.log(at.bar(w).close / at.bar(2 * w).close),
  ],
  [/^rate_of_change_(\d+)$/, (at, w) => (at.bar().close / at.bar(w).close - 1) * 100],
  [/^candle_range$/, (at) => (at.bar().high - at.bar().low) / at.bar().close],
  [/^candle_body$/, (at) => (at.bar().close - at.bar().open) / at.bar().close],
  [
    /^upper_wick$/,
    (at) => (at.bar().high - Math.max(at.bar().open, at.bar().close)) / at.bar().close,
  ],
  [
    /^lower_wick$/,
    (at) => (Math.min(at.bar().open, at.bar().close) - at.bar().low) / at.bar().close,
  ],
  [
    /^close_position$/,
    (at) =>
      at.bar().high > at.bar().low
        ? (at.bar().close - at.bar().low) / (at.bar().high - at.bar().low)
        : 0.5,
  ],
  [
    /^true_range$/,
    (at) =>
      Math.max(
        at.bar().high - at.bar().low,
        Math.abs(at.bar().high - at.bar(1).close),
        Math.abs(at.bar().low - at.bar(1).close),
      ) / at.bar().close,
  ],
  [/^range_(\d+)$/, (at, w) => (at.high(w) - at.low(w)) / at.bar().close],
  [/^range_position_(\d+)$/, (at, w) => (at.bar().close - at.low(w)) / (at.high(w) - at.low(w))],
  [/^(?:mean|sma)_(\d+)$/, (at, w) => mean(at.last(w, (bar) => bar.close))],
  [/^deviation_(\d+)$/, (at, w) => deviation(at.last(w, (bar) => bar.close))],
  [
    /^close_to_(?:mean|sma)_(\d+)$/,
    (at, w) => at.bar().close / mean(at.last(w, (bar) => bar.close)) - 1,
  ],
  [
    /^deviation_ratio_(\d+)$/,
    (at, w) => deviation(at.last(w, (bar) => bar.close)) / mean(at.last(w, (bar) => bar.close)),
  ],
  [
    /^close_zscore_(\d+)$/,
    (at, w) => {
      const closes = at.last(w, (bar) => bar.close)
      return (at.bar().close - mean(closes)) / deviation(closes)
    },
  ],
  [/^return_mean_(\d+)$/, (at, w) => mean(at.last(w, (_, ago) => at.ret(ago)))],
  [/^return_deviation_(\d+)$/, (at, w) => deviation(at.last(w, (_, ago) => at.ret(ago)))],
  [
    /^bollinger_width$/,
    (at) => (4 * deviation(at.last(20, (b) => b.close))) / mean(at.last(20, (b) => b.close)),
  ],
  [
    /^bollinger_position$/,
    (at) => {
      const closes = at.last(20, (bar) => bar.close)
      return 0.5 + (at.bar().close - mean(closes)) / (4 * deviation(closes))
    },
  ],
  [/^log_volume$/, (at) => Math.log1p(at.bar().volume)],
  [/^log_volume_mean_(\d+)$/, (at, w) => mean(at.last(w, (bar) => Math.log1p(bar.volume)))],
  [/^log_volume_ratio_(\d+)$/, (at, w) => Math.log((1 + at.bar().volume / (at.volume(w) / w)) / 2)],
  [
    /^volume_zscore_60$/,
    (at) => {
      const volumes = at.last(60, (bar) => bar.volume)
      return (at.bar().volume - mean(volumes)) / deviation(volumes)
    },
  ],
  [/^volume_change_1$/, (at) => at.change(at.bar().volume, at.bar(1).volume)],
  [/^volume_change_1_lag_(\d+)$/, (at, w) => at.change(at.bar(w).volume, at.bar(w + 1).volume)],
  [/^volume_change_24h$/, (at) => at.change(at.volume(60), at.back(1440).volume(60))],
  [/^volume_ratio_24h$/, (at) => at.bar().volume / (at.volume(1440) / 1440)],
  [/^hour_volume_ratio_24h$/, (at) => at.volume(60) / (at.volume(1440) / 24)],
  [/^obv_slope_(\d+)$/, (at, w) => at.signed(w) / at.volume(w)],
  [/^vwap_60$/, (at) => at.vwap(60)],
  [/^vwap_24h$/, (at) => at.vwap(1440)],
  [/^close_to_vwap_60$/, (at) => at.bar().close / at.vwap(60) - 1],
  [/^close_to_vwap_24h$/, (at) => at.bar().close / at.vwap(1440) - 1],
  [
    /^taker_share$/,
    (at) => (at.bar().volume > 0 ? at.bar().takerBuyVolume / at.bar().volume : 0.5),
  ],
  [/^taker_share_(\d+)$/, (at, w) => sum(at.last(w, (bar) => bar.takerBuyVolume)) / at.volume(w)],
  [/^trade_count$/, (at) => at.bar().trades],
  [/^trade_count_ratio_(\d+)$/, (at, w) => at.bar().trades / mean(at.last(w, (bar) => bar.trades))],
  [
    /^trade_size_ratio_60$/,
    (at) =>
      at.bar().trades === 0
        ? 1
        : at.bar().volume / at.bar().trades / (at.volume(60) / sum(at.last(60, (b) => b.trades))),
  ],
  [/^realised_volatility_(\d+)$/, (at, w) => at.realised(w)],
  [
    /^realised_volatility_variation_(\d+)$/,
    (at, w) => {
      const values = at.last(w, (_, ago) => at.back(ago).realised(w))
      return deviation(values) / mean(values)
    },
  ],
  [/^hourly_return_(\d+)h$/, (at, h) => at.hourReturn(1, h)],
  [
    /^hourly_volatility_(\d+)h$/,
    (at, h) => Math.sqrt(mean(Array.from({ length: h }, (_, i) => at.hourReturn(i + 1, 1) ** 2))),
  ],
  [
    /^hourly_range_(\d+)h$/,
    (at, h) =>
      Math.log(
        Math.max(...at.hours(h).map((b) => b.high)) / Math.min(...at.hours(h).map((b) => b.low)),
      ),
  ],
  [
    /^hourly_volume_ratio_24h$/,
    (at) => sum(at.hour(1).map((b) => b.volume)) / (sum(at.hours(24).map((b) => b.volume)) / 24),
  ],
  [/^hour_sin$/, (at) => Math.sin((Math.PI * new Date(at.bar().openAt).getUTCHours()) / 12)],
  [/^hour_cos$/, (at) => Math.cos((Math.PI * new Date(at.bar().openAt).getUTCHours()) / 12)],
  [/^weekday_sin$/, (at) => Math.sin((2 * Math.PI * new Date(at.bar().openAt).getUTCDay()) / 7)],
  [/^weekday_cos$/, (at) => Math.cos((2 * Math.PI * new Date(at.bar().openAt).getUTCDay()) / 7)],
  [/^weekend$/, (at) => (new Date(at.bar().openAt).getUTCDay() % 6 === 0 ? 1 : 0)],
]

/** What TA-Lib has and recurs is compared with TA-Lib, in the system tests; the rest of them is made of those. */
const elsewhere =
  /^(close_to_)?ema_|^rsi_|^macd_|^atr_|^elder_|^obv$|^bollinger_(upper|middle|lower)$/

for (const [k, column] of set.columns.entries()) {
  if (elsewhere.test(column.name)) continue
  test(`${column.name}: ${column.definition}`, () => {
    const found = definitions.find(([pattern]) => pattern.test(column.name))
    assert(found, 'no definition to compare with')
    const [pattern, define] = found
    const w = Number(pattern.exec(column.name)?.[1] ?? 0)
    for (const t of [column.warmup - 1, 1600, 1639, 1700, 1899]) {
      const slow = define(new Slow(t), w)
      const fast = block.row(t)[k]!
      assert(Math.abs(fast - slow) <= 1e-10 * Math.max(1, Math.abs(slow)), `${t}: ${fast}, ${slow}`)
    }
  })
}

test('what is made of recursive averages is made as it says', () => {
  const row = block.row(1899)
  const value = (name: string): number => row[set.indexOf(name)]!
  const { high, low, close } = bars[1899]!
  const near = (a: number, b: number): void =>
    assert(Math.abs(a - b) <= 1e-12 * close, `${a}, ${b}`)
  near(value('close_to_ema_21'), close / value('ema_21') - 1)
  near(value('atr_ratio_14'), value('atr_14') / close)
  near(value('elder_bull_13') - value('elder_bear_13'), high - low)
  near(value('elder_bull_ratio_13'), value('elder_bull_13') / close)
  near(value('elder_bear_ratio_13'), value('elder_bear_13') / close)
  for (const line of ['macd_12_26', 'macd_7_14']) {
    near(value(`${line}_histogram_9`), value(line) - value(`${line}_signal_9`))
    near(value(`${line}_ratio`), value(line) / close)
    near(value(`${line}_signal_9_ratio`), value(`${line}_signal_9`) / close)
    near(value(`${line}_histogram_9_ratio`), value(`${line}_histogram_9`) / close)
  }
})
