import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import { Fault } from '../../../streams/fault.ts'
import type { StatedBar } from '../../../streams/features/columns.ts'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { tolerance } from '../../../streams/features/feature.ts'
import type { FeatureRow } from '../../../streams/features/row.ts'
import { RowBlock } from '../../../streams/features/rows.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { hourMs, minuteMs } from '../../../streams/time.ts'
import { madeCandles, without } from './made-candles.ts'

const set = featureSet(minuteMs)
const width = set.columns.length
const warmupMax = Math.max(...set.columns.map((column) => column.warmup))
/** Averages that never quite forget; every other column is a window and must agree to the last bit. */
const recursive = /^(close_to_)?ema_|^rsi_|^macd_|^elder_|^atr_/

function block(candles: readonly StatedBar[], engine = new FeatureEngine(minuteMs)): RowBlock {
  const rows = new RowBlock(engine.set.columns.length, candles.length)
  rows.fill(engine, candles)
  return rows
}

function rowOf(engine: FeatureEngine, candle: StatedBar): Omit<FeatureRow, 'openAt' | 'state'> {
  const values = new Float64Array(engine.set.columns.length)
  engine.step(candle, values)
  const { whole, after } = engine
  return { whole, after, values }
}

function sameBits(a: Float64Array, b: Float64Array): boolean {
  return Buffer.compare(bytesOf(a), bytesOf(b)) === 0
}

function bytesOf(a: Float64Array): Uint8Array {
  return new Uint8Array(a.buffer, a.byteOffset, a.byteLength)
}

test('a column has a value exactly where it is whole, and it is finite', () => {
  const candles = madeCandles({ seed: 'warm', candles: 4000, empty: 0.03 })
  const rows = block(candles.with(2000, without(candles[2000]!.openAt, 'missing')))
  assert(rows.whole[1999]! > warmupMax && rows.whole[3999]! > warmupMax)
  for (let i = 0; i < rows.length; i++) {
    for (const [k, column] of set.columns.entries()) {
      const value = rows.values[i * width + k]!
      const expected = rows.whole[i]! >= column.warmup
      assert(
        expected ? Number.isFinite(value) : Number.isNaN(value),
        `${column.name} at ${rows.whole[i]}: ${value}`,
      )
    }
  }
})

test('rows do not depend on what comes after, nor on how candles are bundled', () => {
  const candles = madeCandles({ seed: 'bundles', candles: 3000, empty: 0.05, missing: 0.0005 })
  const whole = block(candles)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1 }), (bundles) => {
      const engine = new FeatureEngine(minuteMs)
      const rows = new RowBlock(width, 400)
      let from = 0
      for (const bundle of bundles) {
        const page = candles.slice(from, from + bundle)
        if (page.length === 0) break
        rows.fill(engine, page)
        for (let i = 0; i < rows.length; i++) {
          assert(sameBits(rows.row(i), whole.row(from + i)), `row ${from + i}`)
          assert.equal(rows.whole[i], whole.whole[from + i])
        }
        from += page.length
      }
    }),
    { numRuns: 30 },
  )
})

test('saved and restored anywhere, the engine goes on to the same bits', () => {
  const candles = madeCandles({ seed: 'save', candles: 2400, empty: 0.02, missing: 0.0005 })
  const whole = block(candles)
  fc.assert(
    fc.property(fc.integer({ min: 0, max: candles.length - 1 }), (at) => {
      const engine = new FeatureEngine(minuteMs)
      if (at > 0) block(candles.slice(0, at), engine)
      const restored = FeatureEngine.restore(engine.save())
      assert.equal(restored.whole, engine.whole)
      assert.equal(restored.after, engine.after)
      assert.equal(restored.openAt, engine.openAt)
      const rest = block(candles.slice(at), restored)
      for (let i = 0; i < rest.length; i++) {
        assert(sameBits(rest.row(i), whole.row(at + i)), `row ${at + i}`)
      }
    }),
    { numRuns: 25 },
  )
})

test('an engine that began anywhere agrees once it is warm: windows to the bit, averages within the tolerance', () => {
  const candles = madeCandles({ seed: 'anywhere', candles: 7000, empty: 0.02 })
  const all = block(candles)
  const spread = set.columns.map((_, k) => spreadOf(all, k))
  fc.assert(
    fc.property(fc.integer({ min: 1, max: candles.length - warmupMax - 50 }), (at) => {
      const late = block(candles.slice(at, at + warmupMax + 50))
      for (const [k, column] of set.columns.entries()) {
        if (column.cumulative) continue
        for (let i = column.warmup - 1; i < late.length; i++) {
          if (late.whole[i]! < column.warmup) continue
          const a = all.values[(at + i) * width + k]!
          const b = late.values[i * width + k]!
          const near = recursive.test(column.name)
            ? Math.abs(a - b) <= tolerance * spread[k]!
            : Object.is(a, b)
          assert(near, `${column.name}, ${i + 1} candles after ${at}: ${a} and ${b}`)
        }
      }
    }),
    { numRuns: 12 },
  )
})

function spreadOf(rows: RowBlock, column: number): number {
  const values: number[] = []
  for (let i = 0; i < rows.length; i++) {
    const value = rows.values[i * width + column]!
    if (!Number.isNaN(value)) values.push(value)
  }
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
}

test('what models are fed is free of scale', () => {
  const made = { seed: 'scale', candles: 2000, empty: 0.02 }
  const small = block(madeCandles({ ...made, price: 0.000123, size: 3e6 }))
  const large = block(madeCandles({ ...made, price: 61234, size: 0.02 }))
  for (const [k, column] of set.columns.entries()) {
    if (column.audience === 'people') continue
    for (let i = column.warmup - 1; i < made.candles; i++) {
      const a = small.values[i * width + k]!
      const b = large.values[i * width + k]!
      assert(Math.abs(a - b) <= 1e-8 * Math.max(1, Math.abs(a)), `${column.name}: ${a} and ${b}`)
    }
  }
})

test('a column that the source does not tell is NaN, and nothing else is', () => {
  const rows = block(madeCandles({ seed: 'untold', candles: 1700, told: false }))
  const last = rows.row(1699)
  for (const [k, column] of set.columns.entries()) {
    assert.equal(Number.isNaN(last[k]), column.needs !== null, column.name)
  }
})

test('a candle that was not told is forgotten when it has left the window', () => {
  const candles = madeCandles({ seed: 'once', candles: 1700 })
  const at = 1600
  const holed = candles.with(at, { ...candles[at]!, takerBuyVolume: Number.NaN })
  const rows = block(holed)
  const clean = block(candles)
  const share = set.indexOf('taker_share_60')
  for (let i = at - 1; i < 1700; i++) {
    const inside = i >= at && i < at + 60
    assert.equal(Number.isNaN(rows.row(i)[share]), inside, `row ${i}`)
    if (!inside) assert(sameBits(rows.row(i), clean.row(i)), `row ${i}`)
  }
})

test('a gap empties the memory: what follows is as from a fresh engine', () => {
  const candles = madeCandles({ seed: 'gap', candles: 2500 })
  const fresh = block(candles.slice(501))
  const lost = candles.with(500, without(candles[500]!.openAt, 'missing'))
  const left = candles.toSpliced(500, 1)
  for (const [name, series, from] of [
    ['missing', lost, 501],
    ['left out', left, 500],
  ] as const) {
    const rows = block(series)
    for (let i = 0; i < fresh.length; i++) {
      assert(sameBits(rows.row(from + i), fresh.row(i)), `${name}, row ${i}`)
      assert.equal(rows.whole[from + i], i + 1)
      assert.equal(rows.afterGap[from + i], 1)
    }
  }
  const row = block(lost).row(500)
  assert(row.every(Number.isNaN))
})

test('empty candles count once there is a close to carry, and step it', () => {
  const start = 0
  const bar: StatedBar = {
    ...without(2 * minuteMs, 'final'),
    open: 10,
    high: 12,
    low: 9,
    close: 11,
    volume: 5,
  }
  const engine = new FeatureEngine(minuteMs)
  const before = [start, minuteMs].map((at) => rowOf(engine, without(at, 'empty')))
  assert.deepEqual(
    before.map((row) => [row.whole, row.after, row.values.every(Number.isNaN)]),
    [
      [0, 'start', true],
      [0, 'start', true],
    ],
  )
  assert.equal(rowOf(engine, bar).whole, 1)
  const quiet = rowOf(engine, without(3 * minuteMs, 'empty'))
  const value = (name: string): number | undefined => quiet.values[set.indexOf(name)]
  assert.equal(quiet.whole, 2)
  assert.equal(value('return_1'), 0)
  assert.equal(value('candle_range'), 0)
  assert.equal(value('close_position'), 0.5)
  assert.equal(value('taker_share'), 0.5)
  assert.equal(value('trade_count'), 0)
  assert.equal(value('volume_change_1'), -1)
  assert.equal(value('obv'), 5)
})

test('candles out of order, twice, off their grid or with impossible prices are broken invariants', () => {
  const [first, second] = madeCandles({ seed: 'order', candles: 2 }) as [StatedBar, StatedBar]
  const after = (candle: StatedBar, next: StatedBar) => (): void => {
    const engine = new FeatureEngine(minuteMs)
    rowOf(engine, candle)
    rowOf(engine, next)
  }
  assert.throws(after(second, second), /each once/)
  assert.throws(after(second, first), /in order/)
  assert.throws(after(first, { ...second, openAt: second.openAt + 1 }), /multiple/)
  assert.throws(after(first, { ...second, close: Number.NaN }), /positive/)
  assert.throws(after(first, { ...second, low: 0 }), /positive/)
  assert.throws(after(first, { ...second, volume: Number.POSITIVE_INFINITY }), /finite/)
  assert.doesNotThrow(after(first, second))
})

test('a snapshot that is cut, of another format or of another set is refused', () => {
  const engine = new FeatureEngine(minuteMs)
  block(madeCandles({ seed: 'refuse', candles: 100 }), engine)
  const bytes = engine.save()
  const changed = (at: number): Uint8Array => bytes.with(at, bytes[at]! ^ 1)
  const cases: readonly [string, Uint8Array][] = [
    ['empty', new Uint8Array(0)],
    ['format', changed(3)],
    ['hash', changed(20)],
    ['cut', bytes.slice(0, -8)],
    ['longer', Buffer.concat([bytes, bytes.slice(0, 8)])],
  ]
  for (const [name, wrong] of cases) {
    assert.throws(
      () => FeatureEngine.restore(wrong),
      (fault) => fault instanceof Fault && fault.code === 'features.snapshot',
      name,
    )
  }
  const unaligned = new Uint8Array(bytes.length + 3).subarray(3)
  unaligned.set(bytes)
  assert.equal(FeatureEngine.restore(unaligned).whole, 100)
})

test('hours of other candles are hours all the same', () => {
  const hours = featureSet(hourMs)
  const engine = new FeatureEngine(hourMs)
  const candles = madeCandles({ seed: 'hours', candles: 30, intervalMs: hourMs })
  const row = candles.map((candle) => rowOf(engine, candle)).at(-1)!
  const value = (name: string): number => row.values[hours.indexOf(name)]!
  const log = (i: number): number => Math.log(candles[i]!.close)
  assert.equal(value('hourly_return_4h'), log(29) - log(25))
  assert.equal(value('hour_volume_ratio_24h'), value('volume_ratio_24h'))
  assert(Number.isFinite(value('hourly_volatility_24h')))
})
