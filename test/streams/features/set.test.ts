import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { Fault } from '../../../streams/fault.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { hourMs, minuteMs } from '../../../streams/time.ts'

const set = featureSet(minuteMs)

test('every feature that was promised is there', () => {
  const each = (windows: readonly number[], name: (w: number) => string): string[] =>
    windows.map(name)
  const far = [1, 3, 5, 15, 60, 240, 1440]
  const promised = [
    ...each(far, (w) => `return_${w}`),
    ...each(far, (w) => `log_return_${w}`),
    ...['candle_range', 'candle_body', 'range_60', 'range_1440'],
    ...each([5, 15, 30, 60], (w) => `mean_${w}`),
    ...each([5, 15, 30, 60], (w) => `deviation_${w}`),
    ...['sma', 'ema', 'close_to_sma', 'close_to_ema', 'rsi'].flatMap((name) =>
      each([7, 14, 21, 60], (w) => `${name}_${w}`),
    ),
    ...['macd_12_26', 'macd_7_14'].flatMap((line) => [
      line,
      `${line}_ratio`,
      `${line}_signal_9`,
      `${line}_signal_9_ratio`,
      `${line}_histogram_9`,
      `${line}_histogram_9_ratio`,
    ]),
    ...each([1, 2, 3, 4, 5], (i) => `bollinger_${bands[i - 1]}`),
    ...['atr_14', 'atr_ratio_14', 'obv', 'obv_slope_15', 'obv_slope_60'],
    ...['elder_bull_13', 'elder_bear_13', 'elder_bull_ratio_13', 'elder_bear_ratio_13'],
    ...['close_to_vwap_60', 'close_to_vwap_24h', 'rate_of_change_10', 'rate_of_change_30'],
    ...['log_volume', 'log_volume_mean_15', 'log_volume_ratio_15'],
    ...['taker_share', 'taker_share_60', 'trade_count', 'trade_count_ratio_60'],
    ...each([15, 60, 240], (w) => `realised_volatility_${w}`),
    ...each([15, 60, 240], (w) => `realised_volatility_variation_${w}`),
    ...each([1, 3, 5, 15], (w) => `log_return_1_lag_${w}`),
    ...['acceleration_1', 'acceleration_15', 'volume_change_1', 'volume_change_24h'],
    ...['volume_ratio_24h', 'hour_volume_ratio_24h'],
    ...['hour_sin', 'hour_cos', 'weekday_sin', 'weekday_cos', 'weekend'],
    ...['return', 'volatility', 'range'].flatMap((name) =>
      each([1, 4, 24], (h) => `hourly_${name}_${h}h`),
    ),
  ]
  assert.deepEqual(
    promised.filter((name) => set.indexOf(name) < 0),
    [],
  )
})

const bands = ['upper', 'middle', 'lower', 'width', 'position']

test('names are unique, definitions are sentences, warm-ups are lengths', () => {
  assert.equal(new Set(set.columns.map((column) => column.name)).size, set.columns.length)
  for (const [i, column] of set.columns.entries()) {
    assert.match(column.name, /^[a-z]+(_[a-z0-9]+)*$/)
    assert.match(column.definition, /^[^\n]{10,}\.$/, column.name)
    assert(Number.isInteger(column.warmup) && column.warmup >= 1, column.name)
    assert.equal(set.indexOf(column.name), i)
    if (column.cumulative) assert.equal(column.audience, 'people')
  }
  assert.equal(set.indexOf('no_such_feature'), -1)
})

test('the hash is that of the interval and the columns', () => {
  assert.match(set.hash, /^sha256:[0-9a-f]{64}$/)
  assert.equal(featureSet(minuteMs), set)
  assert.notEqual(featureSet(5 * minuteMs).hash, set.hash)
})

test('a day is a day at any length of candle', () => {
  const warmup = (intervalMs: number, name: string): number => {
    const at = featureSet(intervalMs)
    return at.columns[at.indexOf(name)]!.warmup
  }
  assert.equal(warmup(minuteMs, 'volume_ratio_24h'), 1440)
  assert.equal(warmup(15 * minuteMs, 'volume_ratio_24h'), 96)
  assert.equal(warmup(hourMs, 'hourly_return_24h'), 25)
  assert.equal(warmup(minuteMs, 'return_15'), 16)
  assert.equal(warmup(hourMs, 'return_15'), 16)
})

test('candles that do not divide an hour have no feature set', () => {
  for (const intervalMs of [7 * minuteMs, 4 * hourMs, 0, -minuteMs, Number.NaN]) {
    assert.throws(
      () => featureSet(intervalMs),
      (fault) => fault instanceof Fault && fault.code === 'features.interval',
      `${intervalMs}`,
    )
  }
})

test('a window of rows needs its longest warm-up and the rows before the last', () => {
  assert.equal(set.candlesNeeded(['return_1', 'return_60']), 61)
  assert.equal(set.candlesNeeded(['return_1', 'return_60'], 30), 90)
  assert.equal(set.candlesNeeded([]), 0)
  assert.throws(
    () => set.candlesNeeded(['return_2']),
    (fault) => fault instanceof Fault && fault.code === 'features.column',
  )
})
