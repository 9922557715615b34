import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  deflatedSharpe,
  estimateSharpe,
  expectedMaxSharpe,
  probabilisticSharpe,
} from '../../../models/statistics/sharpe.ts'
import { randomFrom } from '../../../streams/random.ts'

const to4 = (value: number): number => Math.round(value * 1e4) / 1e4

/**
 * The example of Bailey and López de Prado (2014): an annual ratio of 2.5 over five years of 250 days, skewness −3,
 * kurtosis 10, the best of 100 trials whose annual ratios vary by 1/2.
 */
const found = { sharpe: 2.5 / Math.sqrt(250), skewness: -3, kurtosis: 10, n: 1250 }
const variance = 1 / 2 / 250

test('the published example: SR0 is 0.1132 and the deflated ratio 0.9004', () => {
  assert.equal(to4(expectedMaxSharpe(100, variance)), 0.1132)
  assert.equal(to4(deflatedSharpe(found, 100, variance)), 0.9004)
})

test('the published example goes on: 46 trials would have given 0.9505, and 88 of normal returns', () => {
  assert.equal(to4(deflatedSharpe(found, 46, variance)), 0.9505)
  assert.equal(to4(deflatedSharpe({ ...found, skewness: 0, kurtosis: 3 }, 88, variance)), 0.9505)
})

test('the published probabilistic ratios: 0.982 of normal returns, 0.913 of those that were seen', () => {
  // Bailey and López de Prado (2012): two years of monthly returns with a ratio of 0.458.
  const monthly = { sharpe: 0.458, skewness: -2.448, kurtosis: 10.164, n: 24 }
  const to3 = (value: number): number => Math.round(value * 1e3) / 1e3
  assert.equal(to3(probabilisticSharpe({ ...monthly, skewness: 0, kurtosis: 3 })), 0.982)
  assert.equal(to3(probabilisticSharpe(monthly)), 0.913)
})

test('one trial deflates nothing, more trials deflate more', () => {
  assert.equal(deflatedSharpe(found, 1), probabilisticSharpe(found))
  const deflated = [2, 10, 100, 1000].map((trials) => deflatedSharpe(found, trials))
  assert.deepEqual(
    deflated,
    deflated.toSorted((a, b) => b - a),
  )
})

test('what does not vary has no ratio, and one day has none', () => {
  assert.equal(estimateSharpe([0.1]), null)
  assert.equal(estimateSharpe([0.1, 0.1, 0.1]), null)
  assert.equal(estimateSharpe([]), null)
})

test('the standard error is the deviation that the ratio has over many samples', () => {
  const random = randomFrom('sharpe')
  const draw = (): number => 0.2 + (random.uniform() < 0.1 ? 3 : 1) * random.normal()
  const estimates = Array.from({ length: 2000 }, () =>
    estimateSharpe(Array.from({ length: 200 }, draw)),
  )
  const ratios = estimates.map((it) => it?.sharpe ?? Number.NaN)
  const mean = ratios.reduce((a, b) => a + b) / ratios.length
  const deviation = Math.sqrt(ratios.reduce((a, b) => a + (b - mean) ** 2, 0) / ratios.length)
  const told = estimates.reduce((a, b) => a + (b?.standardError ?? 0), 0) / estimates.length
  assert.ok(Math.abs(told / deviation - 1) < 0.05, `${told} beside ${deviation}`)
})
