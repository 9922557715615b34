import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  crossEntropy,
  type FitSettings,
  fit,
  lossOn,
  type Matrix,
} from '../../../models/linear/fit.ts'
import { mulberry32 } from '../../support/candles.ts'

const settings: FitSettings = {
  l2: 1e-4,
  iterationsMax: 300,
  tolerance: 1e-10,
  clip: 8,
  balanced: false,
}

/** Rows whose class depends on the first column, as far as `strength` goes. */
function made(rows: number, width: number, strength: number, seed = 1): Matrix {
  const chance = mulberry32(seed)
  const values = Float32Array.from({ length: rows * width }, () => chance() * 4 - 2)
  const target = Float64Array.from({ length: rows }, (_, r) => {
    const lean = (values[r * width] as number) * strength + (chance() - 0.5) * 2
    return lean > 0.5 ? 2 : lean < -0.5 ? 0 : 1
  })
  return { rows, width, values, target }
}

test('the gradient is that of the loss, by finite differences', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 1_000 }), (seed) => {
      const chance = mulberry32(seed)
      const matrix = made(40, 3, 1, seed)
      const p = Float64Array.from({ length: 12 }, () => chance() - 0.5)
      const g = new Float64Array(12)
      const weights = [1, 2, 0.5]
      crossEntropy(matrix.values, matrix, weights, 0.1, p, g)
      const unread = new Float64Array(12)
      for (let i = 0; i < p.length; i++) {
        const at = (by: number): number =>
          crossEntropy(
            matrix.values,
            matrix,
            weights,
            0.1,
            p.map((it, j) => (j === i ? it + by : it)),
            unread,
          )
        const slope = (at(1e-5) - at(-1e-5)) / 2e-5
        assert.ok(Math.abs(slope - (g[i] as number)) < 1e-6, `${i}: ${slope} and ${g[i]}`)
      }
    }),
    { numRuns: 20 },
  )
})

test('it ends where the gradient is nought, wherever rows come in their order', () => {
  const matrix = made(2_000, 4, 1)
  const { parameters, scale, loss } = fit(matrix, { ...settings, tolerance: 1e-14 })
  const back: Matrix = {
    ...matrix,
    values: Float32Array.from({ length: matrix.values.length }, (_, i) => {
      const [r, c] = [Math.floor(i / 4), i % 4]
      return matrix.values[(1_999 - r) * 4 + c] as number
    }),
    target: matrix.target.toReversed(),
  }
  const again = fit(back, { ...settings, tolerance: 1e-14 })
  assert.ok(Math.abs(again.loss - loss) < 1e-7)
  assert.ok(parameters.length === 15 && scale.mean.length === 4)
})

test('it is never worse than no skill on what it learnt from, and much better where there is something', () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 2, noNaN: true }), (seed, strength) => {
      const matrix = made(600, 3, strength, seed)
      const shares = [0, 1, 2].map((k) => matrix.target.filter((it) => it === k).length / 600)
      const noSkill = -shares.reduce((sum, it) => sum + (it > 0 ? it * Math.log(it) : 0), 0)
      assert.ok(lossOn(fit(matrix, settings), matrix) <= noSkill + 1e-6)
    }),
    { numRuns: 25 },
  )
  const clear = made(2_000, 3, 2)
  assert.ok(lossOn(fit(clear, settings), made(2_000, 3, 2, 9)) < 0.75)
})

test('weighed classes: the seldom one is heard', () => {
  const matrix = made(3_000, 2, 0.2)
  const some = matrix.target.map((it, i) => (it === 2 && i % 10 !== 0 ? 1 : it))
  const seldom = { ...matrix, target: some }
  const share = (balanced: boolean): number => {
    const { parameters } = fit(seldom, { ...settings, balanced })
    return parameters[8] as number
  }
  assert.ok(share(true) > share(false))
})

test('one class, and numbers that are none, are refused by name', () => {
  const matrix = made(100, 2, 1)
  assert.throws(() => fit({ ...matrix, target: new Float64Array(100) }, settings), {
    code: 'data.one_class',
  })
  const values = matrix.values.with(7, Number.NaN)
  assert.throws(() => fit({ ...matrix, values }, settings), { code: 'data.not_finite' })
})

test('a column that never changes is left at nought', () => {
  const matrix = made(500, 3, 1)
  const values = matrix.values.map((it, i) => (i % 3 === 2 ? 5 : it))
  const { parameters } = fit({ ...matrix, values }, settings)
  assert.deepEqual(
    [2, 5, 8].map((i) => Math.abs(parameters[i] as number) < 1e-12),
    [true, true, true],
  )
})
