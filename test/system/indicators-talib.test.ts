import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import { featureSet } from '../../streams/features/set.ts'
import { Atr } from '../../streams/indicators/atr.ts'
import { Ema } from '../../streams/indicators/ema.ts'
import { begin, Layout, type Memory, type Series } from '../../streams/indicators/layout.ts'
import { Macd } from '../../streams/indicators/macd.ts'
import { Rsi } from '../../streams/indicators/rsi.ts'
import { minuteMs } from '../../streams/time.ts'
import { madeCandles } from '../streams/features/made-candles.ts'
import { type Call, hasPython, type Input, installTalib, talib } from '../support/talib.ts'

const candles = 5000
const relative = 1e-9
const skip = hasPython() ? false : 'python3 is not on this machine, and TA-Lib is compared in it'

const set = featureSet(minuteMs)
const block = new RowBlock(set.columns.length, candles)
block.fill(new FeatureEngine(minuteMs), madeCandles({ seed: 'talib', candles }))

/** Of the engine's rows, or something made of them. */
type Ours = string | ((value: (name: string) => number, i: number) => number)

const ours: [Ours[], Call][] = [
  ...[7, 14, 21, 60].flatMap((w): [Ours[], Call][] => [
    [[`sma_${w}`], on('SMA', ['close'], [w])],
    [[`ema_${w}`], on('EMA', ['close'], [w])],
    [[`rsi_${w}`], on('RSI', ['close'], [w])],
  ]),
  ...[5, 15, 30, 60].flatMap((w): [Ours[], Call][] => [
    [[`mean_${w}`], on('SMA', ['close'], [w])],
    [[`deviation_${w}`], on('STDDEV', ['close'], [w, 1])],
  ]),
  ...[
    [12, 26, 9],
    [7, 14, 9],
  ].map((p): [Ours[], Call] => {
    const line = `macd_${p[0]}_${p[1]}`
    return [[line, `${line}_signal_9`, `${line}_histogram_9`], on('MACD', ['close'], p, 3)]
  }),
  [
    ['bollinger_upper', 'bollinger_middle', 'bollinger_lower'],
    on('BBANDS', ['close'], [20, 2, 2, 0], 3),
  ],
  [['atr_14'], on('ATR', ['high', 'low', 'close'], [14])],
  [
    [(value, i) => value('true_range') * block.candles.close[i]!],
    on('TRANGE', ['high', 'low', 'close'], []),
  ],
  [['obv'], on('OBV', ['close', 'volume'], [])],
  ...[10, 30].map((w): [Ours[], Call] => [[`rate_of_change_${w}`], on('ROC', ['close'], [w])]),
  ...[1, 3, 5, 15, 60, 240, 1440].map((w): [Ours[], Call] => [
    [`return_${w}`],
    on('ROCP', ['close'], [w]),
  ]),
  ...[15, 60, 240, 1440].map((w): [Ours[], Call] => [
    [(value, i) => highestOf(value, i, w)],
    on('MAX', ['high'], [w]),
  ]),
]

/** Back from the range and the close's position in it. */
function highestOf(value: (name: string) => number, i: number, w: number): number {
  const close = block.candles.close[i]!
  return close + (1 - value(`range_position_${w}`)) * value(`range_${w}`) * close
}

function on(
  name: string,
  inputs: readonly Input[],
  parameters: readonly number[],
  outputs = 1,
): Call {
  return { name, inputs, parameters, outputs }
}

/** Relative to the value, or to the series' usual size where it passes through zero. */
function assertNear(name: string, a: ArrayLike<number>, b: Float64Array, from: number): void {
  let size = 0
  for (let i = from; i < b.length; i++) size += Math.abs(b[i]!) / (b.length - from)
  for (let i = from; i < b.length; i++) {
    const off = Math.abs(a[i]! - b[i]!) / Math.max(Math.abs(b[i]!), size)
    assert(off <= relative, `${name} at ${i}: ${a[i]} here, ${b[i]} in TA-Lib, ${off} apart`)
  }
}

test('past their warm-up the columns are what TA-Lib says', { skip }, async () => {
  await installTalib()
  const theirs = await talib(
    block.candles,
    candles,
    ours.map(([, call]) => call),
  )
  let compared = 0
  for (const [columns, call] of ours) {
    for (const column of columns) {
      const their = theirs[compared++]!
      const value = (i: number) => (name: string) => block.row(i)[set.indexOf(name)]!
      const our = Float64Array.from({ length: candles }, (_, i) =>
        typeof column === 'string' ? value(i)(column) : column(value(i), i),
      )
      const name = typeof column === 'string' ? column : `${call.name} ${call.parameters}`
      const from = our.findIndex((x) => !Number.isNaN(x))
      assert(from >= 0 && from < 2000, `${name} begins at ${from}`)
      assertNear(
        name,
        our,
        their,
        Math.max(
          from,
          their.findIndex((x) => !Number.isNaN(x)),
        ),
      )
    }
  }
  assert.equal(compared, theirs.length)
})

test('averages that recur are seeded like TA-Lib, and agree from its first value on', {
  skip,
}, async () => {
  await installTalib()
  const { close, high, low } = block.candles
  const trueRange = close.map((_, i) => {
    const before = close[Math.max(0, i - 1)]!
    return Math.max(high[i]!, before) - Math.min(low[i]!, before)
  })
  const cases: [Call, Float64Array[]][] = [
    [
      on('EMA', ['close'], [21]),
      one(
        (l) => new Ema(l, 21),
        (e, s, out) => e.run(s, close, candles, out),
      ),
    ],
    [
      on('RSI', ['close'], [60]),
      one(
        (l) => new Rsi(l, 60),
        (e, s, out) => e.run(s, close, candles, out),
      ),
    ],
    [
      on('ATR', ['high', 'low', 'close'], [14]),
      one(
        (l) => new Atr(l, 14),
        (e, s, out) => e.run(s, trueRange, candles, out),
      ),
    ],
    ...[
      [12, 26, 9],
      [7, 14, 9],
    ].map(([fast, slow, signal]): [Call, Float64Array[]] => [
      on('MACD', ['close'], [fast!, slow!, signal!], 3),
      one(
        (l) => new Macd(l, fast!, slow!, signal!),
        (e, s, out, second, third) => e.run(s, close, candles, out, second, third),
        3,
      ),
    ]),
  ]
  const theirs = await talib(
    block.candles,
    candles,
    cases.map(([call]) => call),
  )
  let at = 0
  for (const [call, outs] of cases) {
    for (const out of outs) {
      const their = theirs[at++]!
      assertNear(
        call.name,
        out,
        their,
        their.findIndex((x) => !Number.isNaN(x)),
      )
    }
  }
})

/** The indicator over all candles, from empty memory. */
function one<T>(
  make: (layout: Layout) => T,
  run: (indicator: T, s: Memory, a: Series, b: Series, c: Series) => void,
  outputs = 1,
): Float64Array[] {
  const layout = new Layout()
  const indicator = make(layout)
  const s = new Float64Array(layout.size)
  begin(s, layout.cycles, 0)
  const outs = [0, 1, 2].map(() => new Float64Array(candles))
  run(indicator, s, outs[0]!, outs[1]!, outs[2]!)
  return outs.slice(0, outputs)
}
