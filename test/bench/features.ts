/**
 * Candles to features: columns of candles that were made before the clock started, through the engine into a matrix, one
 * core. Beside it the numbers that TA-Lib has as well, through our indicators and through TA-Lib's O(1) handles where
 * Python is at hand. Seconds are seconds of processor time of the one thread, here and there: others may be at work on
 * the same machine.
 */
import { type CandleColumns, candleColumns, setCandle } from '../../streams/features/columns.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import { Atr } from '../../streams/indicators/atr.ts'
import { Bollinger } from '../../streams/indicators/bollinger.ts'
import { Ema } from '../../streams/indicators/ema.ts'
import { begin, Layout, type Memory, type Series, turn } from '../../streams/indicators/layout.ts'
import { Macd } from '../../streams/indicators/macd.ts'
import { Obv } from '../../streams/indicators/obv.ts'
import { RollingDeviation } from '../../streams/indicators/rolling-deviation.ts'
import { RollingMean } from '../../streams/indicators/rolling-sum.ts'
import { Rsi } from '../../streams/indicators/rsi.ts'
import { minuteMs } from '../../streams/time.ts'
import { madeCandles } from '../streams/features/made-candles.ts'
import { type Call, hasPython, type Input, installTalib, talibHandles } from '../support/talib.ts'
import type { Figure } from './figure.ts'

const candles = 200_000
const rounds = 5

export async function benchFeatures(): Promise<readonly Figure[]> {
  const columns = columnsOf(madeCandles({ seed: 'bench', candles }))
  const width = new FeatureEngine(minuteMs).set.columns.length
  const unit = 'candles/s'
  const both = sharedIndicators()
  const all = (how: string, coins: number, bundle: number): Figure => ({
    ...{ name: `candles to all ${width} features, ${how}`, unit },
    value: throughEngines(columns, coins, bundle),
  })
  const limit = { atLeast: 1_000_000 }
  const whole = [
    { ...all('1 coin, blocks of 256', 1, 256), limit },
    { ...all('50 coins, blocks of 8', 50, 8), limit },
    all('1 coin, one by one', 1, 1),
  ]
  const shared = 'the numbers TA-Lib has too'
  const ours = [
    { name: `${shared}, blocks of 64`, value: throughShared(columns, both, 64), unit },
    { name: `${shared}, one by one`, value: throughShared(columns, both, 1), unit },
  ]
  if (!hasPython()) {
    const against = 'TA-Lib was not measured: there is no python3 here'
    return [...whole, ...ours.map((it) => ({ ...it, against }))]
  }
  await installTalib()
  const theirs = await talibHandles(columns, 30_000, both.calls)
  return [
    ...whole,
    ...ours.map((it) => ({
      ...{ ...it, theirs, ratio: it.value / theirs, limit: { atLeast: 5 } },
      against: `TA-Lib's O(1) handles: ${Math.round(theirs).toLocaleString('en')}`,
    })),
  ]
}

function columnsOf(made: ReturnType<typeof madeCandles>): CandleColumns {
  const columns = candleColumns(made.length)
  for (const [i, candle] of made.entries()) setCandle(columns, i, candle)
  return columns
}

/** The median of the rounds after a first one that does not count. */
function rateOf(round: () => number): number {
  round()
  const rates = Array.from({ length: rounds }, () => {
    const began = process.threadCpuUsage()
    const done = round()
    const { user, system } = process.threadCpuUsage(began)
    return (done / (user + system)) * 1e6
  })
  return rates.sort((a, b) => a - b)[Math.floor(rounds / 2)]!
}

function throughEngines(columns: CandleColumns, coins: number, bundle: number): number {
  return rateOf(() => {
    const engines = Array.from({ length: coins }, () => new FeatureEngine(minuteMs))
    const rows = new RowBlock(engines[0]!.set.columns.length, bundle)
    let done = 0
    for (let from = 0; from + bundle <= candles / coins; from += bundle) {
      for (const engine of engines) {
        engine.run(columns, from, from + bundle, rows, 0)
        done += bundle
      }
    }
    return done
  })
}

interface Shared {
  readonly calls: readonly Call[]
  readonly layout: Layout
  readonly run: (
    s: Memory,
    columns: Readonly<Record<Input | 'trueRange', Series>>,
    n: number,
  ) => void
}

/** 36 numbers: averages, deviations, strengths, two MACDs, bands, true range, balance. */
function sharedIndicators(): Shared {
  const layout = new Layout()
  const [a, b, c] = [new Float64Array(64), new Float64Array(64), new Float64Array(64)] as const
  const windows = [7, 14, 21, 60]
  const means = windows.map((w) => new RollingMean(layout, w))
  const averages = windows.map((w) => new Ema(layout, w))
  const strengths = windows.map((w) => new Rsi(layout, w))
  const spreads = [5, 15, 30, 60].map((w) => new RollingDeviation(layout, w))
  const macds = [new Macd(layout, 12, 26, 9), new Macd(layout, 7, 14, 9)]
  const bands = new Bollinger(layout, 20, 2)
  const atr = new Atr(layout, 14)
  const obv = new Obv(layout)
  const call = (name: string, inputs: Input[], parameters: number[], outputs = 1): Call => ({
    name,
    inputs,
    parameters,
    outputs,
  })
  const calls = [
    ...windows.flatMap((w) => ['SMA', 'EMA', 'RSI'].map((name) => call(name, ['close'], [w]))),
    ...[5, 15, 30, 60].flatMap((w) => [
      call('SMA', ['close'], [w]),
      call('STDDEV', ['close'], [w, 1]),
    ]),
    call('MACD', ['close'], [12, 26, 9], 3),
    call('MACD', ['close'], [7, 14, 9], 3),
    call('BBANDS', ['close'], [20, 2, 2, 0], 3),
    call('ATR', ['high', 'low', 'close'], [14]),
    call('OBV', ['close', 'volume'], []),
  ]
  return {
    calls,
    layout,
    run(s, { close, volume, trueRange }, n) {
      for (const mean of means) mean.run(s, close, n, a)
      for (const average of averages) average.run(s, close, n, a)
      for (const strength of strengths) strength.run(s, close, n, a)
      for (const spread of spreads) spread.run(s, close, n, a, b)
      for (const macd of macds) macd.run(s, close, n, a, b, c)
      bands.run(s, close, n, a, b, c)
      atr.run(s, trueRange, n, a)
      obv.run(s, close, volume, n, a, b)
    },
  }
}

function throughShared(columns: CandleColumns, shared: Shared, bundle: number): number {
  const block = {
    open: new Float64Array(bundle),
    high: new Float64Array(bundle),
    low: new Float64Array(bundle),
    close: new Float64Array(bundle),
    volume: new Float64Array(bundle),
    trueRange: new Float64Array(bundle),
  }
  const { layout } = shared
  const { cycles } = layout
  return rateOf(() => {
    const s = new Float64Array(layout.size)
    begin(s, cycles, 0)
    let before = columns.close[0]!
    for (let from = 0; from + bundle <= candles; from += bundle) {
      for (let j = 0; j < bundle; j++) {
        const [high, low] = [columns.high[from + j]!, columns.low[from + j]!]
        block.close[j] = columns.close[from + j]!
        block.volume[j] = columns.volume[from + j]!
        block.trueRange[j] = Math.max(high, before) - Math.min(low, before)
        before = block.close[j]!
      }
      shared.run(s, block, bundle)
      turn(s, cycles, bundle)
    }
    return candles
  })
}
