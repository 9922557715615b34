import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Manifest, parseManifest } from '../../models/manifest.ts'
import { readAnswer } from '../../models/signal.ts'
import { softmaxRows } from '../../models/softmax.ts'
import { baseManifest, encode } from '../support/models/artifacts.ts'

const file = { bytes: 1, sha256: 'a'.repeat(64) }
const files = { 'model.onnx': file, 'golden.json': file, 'metrics.json': file }
function manifest(change: Record<string, unknown> = {}): Manifest {
  return parseManifest(encode({ ...baseManifest(), files, ...change }))
}
const careful = manifest({ decision: { kind: 'threshold', buy: 0.5, sell: 0.4 } })
const upsideDown = manifest({ classes: ['buy', 'hold', 'sell'] })

function signalOf(it: Manifest, ...outputs: number[]): string {
  const reading = readAnswer(it, Float32Array.from(outputs))
  return reading.type === 'answered' ? `${reading.answer.signal}` : reading.reason
}

const cases: [what: string, it: Manifest, outputs: number[], signal: string][] = [
  ['the likeliest class', manifest(), [0.2, 0.3, 0.5], 'buy'],
  ['the likeliest class', manifest(), [0.5, 0.3, 0.2], 'sell'],
  ['two equally likely', manifest(), [0.4, 0.2, 0.4], 'hold'],
  ['equally likely to hold', manifest(), [0, 0.5, 0.5], 'hold'],
  ['classes in another order', upsideDown, [0.5, 0.3, 0.2], 'buy'],
  ['a threshold reached', careful, [0.125, 0.375, 0.5], 'buy'],
  ['a threshold missed', careful, [0.1, 0.45, 0.45], 'hold'],
  ['a threshold reached though holding is likelier', careful, [0.4375, 0.5, 0.0625], 'sell'],
  ['more than 1 together', manifest(), [0.5, 0.5, 0.5], 'not_probabilities'],
  ['less than nothing', manifest(), [-0.2, 0.7, 0.5], 'not_probabilities'],
  ['NaN', manifest(), [Number.NaN, 0.5, 0.5], 'not_finite'],
  ['infinity', manifest(), [Number.POSITIVE_INFINITY, 0, 0], 'not_finite'],
]
for (const [what, it, outputs, signal] of cases) {
  test(`${what}: [${outputs.join(', ')}] is ${signal}`, () => {
    assert.equal(signalOf(it, ...outputs), signal)
  })
}

test('a return is a signal from the label on, a volatility never', () => {
  const value = { task: 'regress', output: { tensor: 'value', kind: 'value' } }
  const returns = manifest({ ...value, label: { kind: 'return', up: 0.001, down: -0.002 } })
  const volatility = manifest({ ...value, label: { kind: 'volatility' } })
  assert.equal(signalOf(returns, 0.0011), 'buy')
  assert.equal(signalOf(returns, -0.0011), 'hold')
  assert.equal(signalOf(returns, -0.0021), 'sell')
  assert.deepEqual(readAnswer(volatility, Float32Array.of(0.5)), {
    type: 'answered',
    answer: { signal: null, probabilities: null, value: 0.5 },
  })
  assert.equal(signalOf(volatility, Number.NaN), 'not_finite')
})

const logits = fc.array(fc.float({ min: -80, max: 80, noNaN: true }), {
  minLength: 3,
  maxLength: 3,
})
test('whatever logits there are, probabilities sum to 1 and a signal comes out', () => {
  fc.assert(
    fc.property(logits, (row) => {
      const reading = readAnswer(manifest(), softmaxRows(Float32Array.from(row), 3))
      assert(reading.type === 'answered' && reading.answer.probabilities !== null)
      const { sell, hold, buy } = reading.answer.probabilities
      assert.ok(Math.abs(sell + hold + buy - 1) < 1e-12)
      assert.ok(Math.min(sell, hold, buy) >= 0)
    }),
  )
})
