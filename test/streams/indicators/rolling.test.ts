/** The three rolling windows against the window itself. */
import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Layout } from '../../../streams/indicators/layout.ts'
import { RollingDeviation } from '../../../streams/indicators/rolling-deviation.ts'
import { RollingRange } from '../../../streams/indicators/rolling-range.ts'
import { RollingMean, RollingSum } from '../../../streams/indicators/rolling-sum.ts'
import { randomFrom } from '../../../streams/random.ts'
import { type Over, over } from './over.ts'

/** Thousandths: squares of the smallest doubles are 0, which is not what is tested here. */
const numbers = fc.array(
  fc.integer({ min: -1e9, max: 1e9 }).map((i) => i / 1000),
  {
    minLength: 30,
    maxLength: 200,
  },
)
const lengths = fc.integer({ min: 1, max: 25 })
const indices = fc.integer({ min: 0, max: 1000 })
const bundles = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 })

type Given = Pick<Over<unknown>, 'index' | 'bundles'>

function sums(x: readonly number[], length: number, given: Given = {}): number[] {
  const make = (layout: Layout): RollingSum => new RollingSum(layout, length)
  return over({
    make,
    run: (i, s, n, [a], [y]) => i.run(s, a!, n, y!),
    inputs: [x],
    outputs: 1,
    ...given,
  })[0]!
}

function spreads(x: readonly number[], length: number, given: Given = {}): [number[], number[]] {
  return over({
    make: (layout) => new RollingDeviation(layout, length),
    run: (i, s, n, [a], [mean, deviation]) => i.run(s, a!, n, mean!, deviation!),
    inputs: [x],
    outputs: 2,
    ...given,
  }) as [number[], number[]]
}

function deviationsOf(x: readonly number[], length: number, given: Given = {}): number[] {
  return spreads(x, length, given)[1]
}

function exact(
  x: readonly number[],
  t: number,
  length: number,
): { mean: number; deviation: number } {
  const window = x.slice(t + 1 - length, t + 1)
  const mean = window.reduce((a, b) => a + b, 0) / length
  const squares = window.reduce((a, b) => a + (b - mean) ** 2, 0)
  return { mean, deviation: Math.sqrt(squares / length) }
}

test('a rolling sum is the sum of its window', () => {
  fc.assert(
    fc.property(numbers, lengths, indices, bundles, (x, length, index, bundles) => {
      const sum = sums(x, length, { index, bundles })
      for (let t = length - 1; t < x.length; t++) {
        const size = x.slice(t + 1 - length, t + 1).reduce((a, b) => a + Math.abs(b), 0)
        const off = Math.abs(sum[t]! - exact(x, t, length).mean * length)
        assert(off <= 1e-13 * size, `${sum[t]} at ${t}`)
      }
    }),
  )
})

test('a rolling sum may be written over its input, and its mean is a part of it', () => {
  const x = [1, 2, 3, 4, 5, 6]
  const make = (layout: Layout): RollingSum => new RollingSum(layout, 2)
  const [over1] = over({
    make,
    run: (i, s, n, [a], [y]) => {
      i.run(s, a!, n, a!)
      y!.set(a!)
    },
    inputs: [x],
    outputs: 1,
  })
  assert.deepEqual(over1, [1, 3, 5, 7, 9, 11])
  const [means] = over({
    make: (layout) => new RollingMean(layout, 2),
    run: (i, s, n, [a], [y]) => i.run(s, a!, n, y!),
    inputs: [x],
    outputs: 1,
  })
  assert.deepEqual(means!.slice(1), [1.5, 2.5, 3.5, 4.5, 5.5])
})

test('what a window does not hold does not matter, not even NaN', () => {
  fc.assert(
    fc.property(numbers, lengths, fc.nat(29), indices, (x, length, at, index) => {
      const holed = x.with(at, Number.NaN)
      for (const rolling of [sums, deviationsOf]) {
        const clean = rolling(x, length, { index })
        const values = rolling(holed, length, { index })
        for (let t = length - 1; t < x.length; t++) {
          const inside = t >= at && t < at + length
          assert(inside ? Number.isNaN(values[t]) : Object.is(values[t], clean[t]), `${t}`)
        }
      }
    }),
  )
})

test('two that began at different candles agree to the last bit', () => {
  fc.assert(
    fc.property(numbers, lengths, fc.nat(29), indices, (x, length, skipped, index) => {
      const late = { index: index + skipped }
      for (const rolling of [sums, deviationsOf]) {
        const all = rolling(x, length, { index })
        const rest = rolling(x.slice(skipped), length, late)
        for (let t = length - 1; t < rest.length; t++) assert(Object.is(rest[t], all[skipped + t]))
      }
    }),
  )
})

test('a rolling deviation is the deviation of its window', () => {
  fc.assert(
    fc.property(numbers, lengths, indices, bundles, (x, length, index, bundles) => {
      const [means, deviations] = spreads(x, length, { index, bundles })
      for (let t = length - 1; t < x.length; t++) {
        const { mean, deviation } = exact(x, t, length)
        const size = Math.max(...x.slice(t + 1 - length, t + 1).map(Math.abs))
        assert(Math.abs(means[t]! - mean) <= 1e-13 * size, `mean at ${t}`)
        assert(Math.abs(deviations[t]! - deviation) <= 1e-13 * size, `deviation at ${t}`)
      }
    }),
  )
})

test('a flat window deviates by exactly 0, whatever came before', () => {
  fc.assert(
    fc.property(
      numbers,
      lengths,
      fc.double({ noNaN: true, min: -1e9, max: 1e9 }),
      (x, length, value) => {
        const flat = new Array<number>(60).fill(value)
        const [, deviations] = spreads([...x, ...flat], length)
        for (const deviation of deviations.slice(x.length + length - 1)) assert.equal(deviation, 0)
      },
    ),
  )
})

test('a rolling deviation does not drift over a million candles, after crashes and on flat stretches', () => {
  const random = randomFrom('drift')
  let price = 60_000
  const x = Array.from({ length: 1_000_000 }, (_, i) => {
    const flat = i % 5000 < 100
    price = i % 100_000 === 0 ? 60_000 : flat ? price : price * Math.exp(0.001 * random.normal())
    return price
  })
  const [, deviations] = spreads(x, 60, { bundles: [50_000] })
  for (let t = 999_999; t > 59; t -= 997) {
    const { deviation } = exact(x, t, 60)
    // The slow way rounds its mean, so a flat window has 1e-11 there and 0 here.
    assert(
      Math.abs(deviations[t]! - deviation) <= 1e-10 * deviation + 1e-14 * x[t]!,
      `at ${t}: ${deviations[t]}, ${deviation}`,
    )
  }
})

test('a rolling range is that of its window', () => {
  fc.assert(
    fc.property(numbers, lengths, indices, bundles, (x, length, index, bundles) => {
      const lows = x.map((value, i) => value - ((i * 7) % 5))
      const [highest, lowest] = over({
        make: (layout) => new RollingRange(layout, length),
        run: (i, s, n, [high, low], [up, down]) => i.run(s, high!, low!, n, up!, down!),
        inputs: [x, lows],
        outputs: 2,
        index,
        bundles,
      })
      for (let t = length - 1; t < x.length; t++) {
        assert.equal(highest![t], Math.max(...x.slice(t + 1 - length, t + 1)))
        assert.equal(lowest![t], Math.min(...lows.slice(t + 1 - length, t + 1)))
      }
    }),
  )
})
