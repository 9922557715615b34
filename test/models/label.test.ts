import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { labelled, movement, type PriceColumns } from '../../models/label.ts'
import type { Label } from '../../models/manifest.ts'
import { mulberry32 } from '../support/candles.ts'

function walk(n: number, seed = 1, missing: readonly number[] = []): PriceColumns {
  const chance = mulberry32(seed)
  const [close, high, low] = [0, 1, 2].map(() => new Float64Array(n)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  let price = 100
  for (let i = 0; i < n; i++) {
    const open = price
    price *= 1 + (chance() - 0.5) / 200
    const isMissing = missing.includes(i)
    close[i] = isMissing ? Number.NaN : price
    high[i] = isMissing ? Number.NaN : Math.max(open, price) * (1 + chance() / 500)
    low[i] = isMissing ? Number.NaN : Math.min(open, price) * (1 - chance() / 500)
  }
  return { close, high, low }
}

function columns(...close: number[]): PriceColumns {
  const values = Float64Array.from(close)
  return { close: values, high: values, low: values }
}

const near = (a: number, b: number): boolean => Math.abs(a - b) < 1e-12

test('fixed thresholds: at or beyond them is a signal, and nothing is said past the end', () => {
  const label: Label = { kind: 'threshold', up: 0.01, down: -0.01 }
  const { target, change } = labelled(label, 1, columns(100, 101, 101.5, 99, 99))
  assert.deepEqual([...target], [2, 1, 0, 1, Number.NaN])
  assert.ok(near(change[0] as number, 0.01))
})

test('a missing candle leaves unknown what would need it, and nothing else', () => {
  const label: Label = { kind: 'threshold', up: 0.01, down: -0.01 }
  const { target } = labelled(label, 2, columns(100, 100, Number.NaN, 100, 100, 100))
  assert.deepEqual([...target], [Number.NaN, 1, Number.NaN, 1, Number.NaN, Number.NaN])
})

test('movement is the root of the summed squared log returns, exact after a hundred thousand candles', () => {
  const { close } = walk(100_000, 3, [50_000])
  const moved = movement(close, 60)
  for (const i of [60, 61, 4_096, 4_097, 49_999, 50_061, 99_999]) {
    let sum = 0
    for (let j = i - 59; j <= i; j++)
      sum += Math.log((close[j] as number) / (close[j - 1] as number)) ** 2
    assert.ok(Math.abs((moved[i] as number) - Math.sqrt(sum)) < 1e-12, `at ${i}`)
  }
  assert.ok(Number.isNaN(moved[59] as number))
  assert.ok(Number.isNaN(moved[50_060] as number))
})

test('the next movement is the target of volatility, the one just past is its no skill', () => {
  const candles = walk(500)
  const { target, naive } = labelled({ kind: 'volatility' }, 60, candles)
  assert.equal(target[100], naive[160])
  assert.ok(Number.isNaN(target[440] as number))
})

test('scaled thresholds grow with the movement of the candles just past, and not of those to come', () => {
  const label: Label = { kind: 'scaled_threshold', up: 1, down: -1, lookback: 30 }
  const candles = walk(400, 5)
  const { target, change } = labelled(label, 15, candles)
  const moved = movement(candles.close, 30)
  for (let i = 30; i < 385; i++) {
    const deviation = (moved[i] as number) * Math.sqrt(15 / 30)
    const expected =
      (change[i] as number) >= deviation ? 2 : (change[i] as number) <= -deviation ? 0 : 1
    assert.equal(target[i], expected)
  }
  const later = { ...candles, close: candles.close.map((it, i) => (i > 215 ? it * 1.5 : it)) }
  assert.deepEqual(labelled(label, 15, later).target.subarray(0, 200), target.subarray(0, 200))
})

test('of two barriers the first that is touched counts; both in one candle count as neither', () => {
  const label: Label = { kind: 'triple_barrier', up: 0.01, down: -0.01, timeout: 'hold' }
  const flat = { close: Float64Array.of(100, 100, 100, 100) }
  const high = (i: number): Float64Array =>
    Float64Array.from([100, 100, 100, 100]).fill(102, i, i + 1)
  const low = (i: number): Float64Array =>
    Float64Array.from([100, 100, 100, 100]).fill(98, i, i + 1)
  const first = (h: number, l: number): number =>
    labelled(label, 3, { ...flat, high: high(h), low: low(l) }).target[0] as number
  assert.deepEqual([first(1, 2), first(2, 1), first(2, 2), first(9, 9)], [2, 0, 1, 1])
})

test('where no barrier is touched the side on which it ends may count', () => {
  const label: Label = { kind: 'triple_barrier', up: 0.05, down: -0.05, timeout: 'sign' }
  const { target } = labelled(label, 2, columns(100, 100, 101, 100, 100))
  assert.deepEqual([...target.subarray(0, 3)], [2, 1, 0])
})

test('barriers in deviations, over a missing candle, are unknown', () => {
  const label: Label = { kind: 'triple_barrier', up: 2, down: -2, lookback: 30, timeout: 'hold' }
  const { target } = labelled(label, 15, walk(200, 7, [100]))
  assert.ok(Number.isNaN(target[29] as number))
  assert.ok(!Number.isNaN(target[80] as number))
  assert.ok(Number.isNaN(target[90] as number) || (target[90] as number) !== 1)
  assert.ok(Number.isNaN(target[120] as number), 'its lookback has the missing candle')
  assert.ok(!Number.isNaN(target[131] as number))
})

/** Candle by candle, as one would look it up in a chart. */
function touchedFirst(label: Barrier, horizon: number, candles: PriceColumns): Float64Array {
  const { close, high, low } = candles
  const target = new Float64Array(close.length).fill(Number.NaN)
  for (let i = 0; i + horizon < close.length; i++) {
    const from = close[i] as number
    const change = (close[i + horizon] as number) / from - 1
    if (Number.isNaN(change)) continue
    target[i] = label.timeout === 'sign' ? Math.sign(change) + 1 : 1
    for (let j = i + 1; j <= i + horizon; j++) {
      const isUp = (high[j] as number) >= from * (1 + label.up)
      const isDown = (low[j] as number) <= from * (1 + label.down)
      const isKnown = !Number.isNaN(high[j])
      if (isKnown && !isUp && !isDown) continue
      target[i] = !isKnown ? Number.NaN : isUp === isDown ? 1 : isUp ? 2 : 0
      break
    }
  }
  return target
}

type Barrier = Extract<Label, { kind: 'triple_barrier' }>

test('whatever the market, the horizon and the barriers: the same as candle by candle', () => {
  const barrier = fc.double({ min: 0.0005, max: 0.03, noNaN: true })
  const cases = fc.record({
    ...{
      n: fc.integer({ min: 2, max: 300 }),
      seed: fc.nat(),
      horizon: fc.integer({ min: 1, max: 80 }),
    },
    ...{ up: barrier, down: barrier, timeout: fc.constantFrom('hold' as const, 'sign' as const) },
    missing: fc.array(fc.nat(300), { maxLength: 4 }),
  })
  fc.assert(
    fc.property(cases, ({ n, seed, horizon, up, down, timeout, missing }) => {
      const label: Barrier = { kind: 'triple_barrier', up, down: -down, timeout }
      const candles = walk(n, seed, missing)
      const { target } = labelled(label, horizon, candles)
      assert.deepEqual(target, touchedFirst(label, horizon, candles))
    }),
  )
})

test('far barriers over a long horizon cost no more than some times near ones over a short one', () => {
  const candles = walk(200_000, 9)
  const spent = (up: number, down: number, horizon: number) => {
    const from = process.cpuUsage()
    const label: Label = { kind: 'triple_barrier', up, down, timeout: 'hold' }
    const { target } = labelled(label, horizon, candles)
    return { target, user: process.cpuUsage(from).user }
  }
  const [close, distant] = [spent(0.001, -0.001, 20), spent(5, -0.9, 20_000)]
  assert.equal(distant.target[0], 1)
  // Measured 1.8 times; looked up candle by candle it would be four thousand million steps, some seventy times.
  assert.ok(distant.user < 10 * close.user, `${distant.user} µs against ${close.user}`)
})
