/**
 * What there was to be learnt at each candle, from the candles as they were: the class or the value that the market then
 * showed, the return that a trade would have had, and what no skill would have said. Training learns it, and the ledger's
 * outcomes are it.
 *
 * Between two candles a price changes from close to close. A candle without trades carries the last close; over a candle
 * that is missing nothing is known, and what would need it is NaN.
 */
import { Fault } from '../streams/fault.ts'
import { FirstReach } from './first-reach.ts'
import type { Label } from './manifest.ts'

/** Consecutive candles. `close` is carried over empty ones; all three are NaN where a candle is missing. */
export interface PriceColumns {
  readonly close: Float64Array
  readonly high: Float64Array
  readonly low: Float64Array
}

export interface Labels {
  /** Of the close over the horizon, as a share. */
  readonly change: Float64Array
  /** 0 sell, 1 hold, 2 buy, or the value. */
  readonly target: Float64Array
  /** What no skill says of a value: no return, or as much movement as over the horizon just past. 0 for a class. */
  readonly naive: Float64Array
}

export const [sell, hold, buy] = [0, 1, 2]

/** How far past its own candle a label knows the market: what purging and the embargo are made of. */
export function informationCandles(label: Label, horizon: number): number {
  switch (label.kind) {
    case 'threshold':
    case 'scaled_threshold':
    case 'triple_barrier':
    case 'return':
    case 'volatility':
      return horizon
  }
}

/** How far back of its own candle it must know the market. */
export function lookbackCandles(label: Label, horizon: number): number {
  switch (label.kind) {
    case 'threshold':
    case 'return':
      return 0
    case 'scaled_threshold':
      return label.lookback
    case 'triple_barrier':
      return label.lookback ?? 0
    case 'volatility':
      return horizon
  }
}

export function taskOf(label: Label): 'classify' | 'regress' {
  switch (label.kind) {
    case 'threshold':
    case 'scaled_threshold':
    case 'triple_barrier':
      return 'classify'
    case 'return':
    case 'volatility':
      return 'regress'
  }
}

/** The seed's label: beyond ±0.00015 of the next minute. */
export const nextMinute: Label = { kind: 'threshold', up: 0.00015, down: -0.00015 }

export function labelled(label: Label, horizon: number, candles: PriceColumns): Labels {
  const n = candles.close.length
  if (!Number.isInteger(horizon) || horizon < 1)
    throw new Fault('data.horizon', `a label looks a whole number of candles ahead, not ${horizon}`)
  const change = changes(candles.close, horizon)
  const naive = new Float64Array(n)
  switch (label.kind) {
    case 'threshold':
      return {
        change,
        target: classes(change, constant(n, label.up), constant(n, label.down)),
        naive,
      }
    case 'scaled_threshold': {
      const { up, down } = scaled(label, label.lookback, horizon, candles.close)
      return { change, target: classes(change, up, down), naive }
    }
    case 'triple_barrier':
      return { change, target: firstTouched(label, horizon, candles, change), naive }
    case 'return':
      return { change, target: change, naive }
    case 'volatility': {
      const moved = movement(candles.close, horizon)
      return { change, target: shifted(moved, horizon), naive: moved }
    }
  }
}

function changes(close: Float64Array, horizon: number): Float64Array {
  const out = new Float64Array(close.length).fill(Number.NaN)
  for (let i = 0; i + horizon < close.length; i++)
    out[i] = (close[i + horizon] as number) / (close[i] as number) - 1
  return out
}

function classes(change: Float64Array, up: Float64Array, down: Float64Array): Float64Array {
  return change.map((it, i) => {
    const [high, low] = [up[i] as number, down[i] as number]
    if (Number.isNaN(it) || Number.isNaN(high)) return Number.NaN
    if (it >= high) return buy
    return it <= low ? sell : hold
  })
}

/** Thresholds in deviations of the return over the horizon, as the movement just past lets one expect it. */
function scaled(
  { up, down }: { readonly up: number; readonly down: number },
  lookback: number,
  horizon: number,
  close: Float64Array,
): { readonly up: Float64Array; readonly down: Float64Array } {
  const deviation = movement(close, lookback).map((it) => it * Math.sqrt(horizon / lookback))
  return { up: deviation.map((it) => it * up), down: deviation.map((it) => it * down) }
}

/**
 * The barrier that the market touches first within the horizon, by highs and lows. Where one candle touches both, nobody
 * knows which came first: hold. Where neither is touched: hold, or by `timeout: sign` the side it ends on.
 */
function firstTouched(
  label: Extract<Label, { kind: 'triple_barrier' }>,
  horizon: number,
  { close, high, low }: PriceColumns,
  change: Float64Array,
): Float64Array {
  const n = close.length
  const { up, down } =
    label.lookback === undefined
      ? { up: constant(n, label.up), down: constant(n, label.down) }
      : scaled(label, label.lookback, horizon, close)
  const target = new Float64Array(n).fill(Number.NaN)
  const [above, below] = [new FirstReach(high), new FirstReach(low.map((it) => -it))]
  const unknown = new FirstReach(high.map((it) => (Number.isNaN(it) ? 1 : 0)))
  for (let i = 0; i + horizon < n; i++) {
    const from = close[i] as number
    const ended = change[i] as number
    const [ceiling, floor] = [from * (1 + (up[i] as number)), from * (1 + (down[i] as number))]
    if (Number.isNaN(ceiling) || Number.isNaN(ended)) continue
    const [rises, falls] = [above.at(i + 1, ceiling), below.at(i + 1, -floor)]
    const first = Math.min(rises, falls)
    if (unknown.at(i + 1, 1) <= Math.min(first, i + horizon)) continue
    if (first > i + horizon) target[i] = label.timeout === 'sign' ? Math.sign(ended) + 1 : hold
    else target[i] = rises === falls ? hold : rises < falls ? buy : sell
  }
  return target
}

/**
 * Root of the summed squares of the log returns of the `length` candles up to each: how much it moved, whichever way. Each
 * is summed by itself, so that it is the same bits wherever the series begins.
 */
export function movement(close: Float64Array, length: number): Float64Array {
  const n = close.length
  const out = new Float64Array(n).fill(Number.NaN)
  const squares = new Float64Array(n)
  for (let i = 1; i < n; i++)
    squares[i] = Math.log((close[i] as number) / (close[i - 1] as number)) ** 2
  let unknowns = 0
  for (let i = 1; i < n; i++) {
    if (Number.isNaN(squares[i])) unknowns++
    if (i > length && Number.isNaN(squares[i - length])) unknowns--
    if (i < length || unknowns > 0) continue
    let sum = 0
    for (let j = i - length + 1; j <= i; j++) sum += squares[j] as number
    out[i] = Math.sqrt(sum)
  }
  return out
}

function shifted(values: Float64Array, by: number): Float64Array {
  const out = new Float64Array(values.length).fill(Number.NaN)
  out.set(values.subarray(by))
  return out
}

function constant(n: number, value: number): Float64Array {
  return new Float64Array(n).fill(value)
}
