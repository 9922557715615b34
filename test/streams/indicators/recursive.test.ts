/** Averages that recur, on hand-made series; TA-Lib is compared in the system tests. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { Atr } from '../../../streams/indicators/atr.ts'
import { Bollinger } from '../../../streams/indicators/bollinger.ts'
import { Ema } from '../../../streams/indicators/ema.ts'
import { Lags } from '../../../streams/indicators/lags.ts'
import { Macd } from '../../../streams/indicators/macd.ts'
import { Obv } from '../../../streams/indicators/obv.ts'
import { Rsi } from '../../../streams/indicators/rsi.ts'
import { over } from './over.ts'

const bundlings = [[100], [1], [3, 1, 2]]

test('an EMA is seeded with the mean of its first numbers', () => {
  for (const bundles of bundlings) {
    const [average] = over({
      make: (layout) => new Ema(layout, 3),
      run: (i, s, n, [x], [y]) => i.run(s, x!, n, y!),
      inputs: [[1, 2, 6, 5, 9]],
      outputs: 1,
      bundles,
    })
    assert.deepEqual(average!.slice(2), [3, 4, 6.5])
  }
})

test('an RSI is 100 while all rises, 0 while all falls, 50 while nothing moves', () => {
  const rsi = (x: number[], bundles: number[]): number =>
    over({
      make: (layout) => new Rsi(layout, 3),
      run: (i, s, n, [a], [y]) => i.run(s, a!, n, y!),
      inputs: [x],
      outputs: 1,
      bundles,
    })[0]!.at(-1)!
  for (const bundles of bundlings) {
    assert.equal(rsi([1, 2, 3, 4, 5, 6], bundles), 100)
    assert.equal(rsi([6, 5, 4, 3, 2, 1], bundles), 0)
    assert.equal(rsi([7, 7, 7, 7, 7, 7], bundles), 50)
    assert.equal(rsi([1, 2, 4, 3], bundles), 75)
  }
})

test('a MACD of a straight line is half the difference of its lengths', () => {
  const x = Array.from({ length: 200 }, (_, i) => 10 + i)
  for (const bundles of bundlings) {
    const [line, signal, histogram] = over({
      make: (layout) => new Macd(layout, 4, 10, 3),
      run: (i, s, n, [a], [b, c, d]) => i.run(s, a!, n, b!, c!, d!),
      inputs: [x],
      outputs: 3,
      bundles,
    })
    for (let t = 11; t < 200; t++) {
      assert(Math.abs(line![t]! - 3) < 1e-10 && Math.abs(signal![t]! - 3) < 1e-10, `${t}`)
      assert(Math.abs(histogram![t]!) < 1e-10)
    }
  }
})

test('an ATR is seeded without the first candle', () => {
  for (const bundles of bundlings) {
    const [average] = over({
      make: (layout) => new Atr(layout, 2),
      run: (i, s, n, [x], [y]) => i.run(s, x!, n, y!),
      inputs: [[100, 2, 4, 5, 8]],
      outputs: 1,
      bundles,
    })
    assert.deepEqual(average!.slice(2), [3, 4, 6])
  }
})

test('Bollinger bands are as wide as the deviation says', () => {
  const [upper, middle, lower] = over({
    make: (layout) => new Bollinger(layout, 4, 2),
    run: (i, s, n, [x], [a, b, c]) => i.run(s, x!, n, a!, b!, c!),
    inputs: [[1, 3, 1, 3, 5, 5, 5, 5]],
    outputs: 3,
  })
  assert.deepEqual([upper![3], middle![3], lower![3]], [4, 2, 0])
  assert.deepEqual([upper![7], middle![7], lower![7]], [5, 5, 5])
})

test('on-balance volume begins with the first volume and follows the close', () => {
  for (const bundles of bundlings) {
    const [balance, signed] = over({
      make: (layout) => new Obv(layout),
      run: (i, s, n, [close, volume], [a, b]) => i.run(s, close!, volume!, n, a!, b!),
      inputs: [
        [5, 6, 6, 4],
        [10, 1, 2, 4],
      ],
      outputs: 2,
      bundles,
    })
    assert.deepEqual(balance, [10, 11, 11, 7])
    assert.deepEqual(signed, [0, 1, 0, -4])
  }
})

test('lags give back what was, across bundles', () => {
  const x = Array.from({ length: 100 }, (_, i) => i + 1)
  for (const bundles of [[64], [1], [5, 17]]) {
    const [seventh] = over({
      make: (layout) => new Lags(layout, 7, 64),
      run: (i, s, n, [a], [y]) => {
        i.push(s, a!, n)
        i.read(s, 7, n, y!)
      },
      inputs: [x],
      outputs: 1,
      index: 1234,
      bundles,
    })
    assert.deepEqual(seventh!.slice(7), x.slice(0, -7))
  }
})
