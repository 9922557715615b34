import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inputWidth, isInSample, parseManifest, trainingRanges } from '../../models/manifest.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import { minuteMs } from '../../streams/time.ts'
import { baseManifest, encode } from '../support/models/artifacts.ts'

const file = { bytes: 1, sha256: 'a'.repeat(64) }
const files = { 'model.onnx': file, 'golden.json': file, 'metrics.json': file }
const whole = (): Record<string, unknown> => ({ ...baseManifest(), files })
const input = baseManifest().input as Record<string, unknown>
const trained = baseManifest().trained as Record<string, unknown>
const regression = { task: 'regress', output: { tensor: 'value', kind: 'value' } }

test('a manifest as in the contract is read, and keys that are not known are kept', () => {
  const manifest = parseManifest(encode({ ...whole(), note: 'kept' }))
  assert.equal(manifest.family, 'linear')
  assert.equal(inputWidth(manifest.input), 2)
  assert.equal((manifest as Record<string, unknown>).note, 'kept')
})

const refusals: [what: string, manifest: Record<string, unknown>, names: RegExp][] = [
  ['another format', { format: 'starling-model/2' }, /format/],
  ['a family that is no name', { family: 'Light GBM' }, /family/],
  ['a coin that is none', { coin: 'bitcoin' }, /coin/],
  ['an interval that is none', { interval: 'minute' }, /interval/],
  ['no horizon', { horizonCandles: 0 }, /horizonCandles/],
  ['a class twice', { classes: ['buy', 'buy', 'hold'] }, /classes/],
  ['no classes', { classes: undefined }, /classes/],
  ['a label that is upside down', { label: { kind: 'threshold', up: -1, down: 1 } }, /label.up/],
  ['columns missing', { input: { ...input, columns: [] } }, /input.columns/],
  ['a column twice', { input: { ...input, columns: ['a', 'a'] } }, /input.columns/],
  ['a row of two candles', { input: { ...input, length: 2 } }, /input.length/],
  ['a kind of input unheard of', { input: { ...input, kind: 'image' } }, /input.kind/],
  ['a feature set without hash', { input: { ...input, featureSet: 'v1' } }, /input.featureSet/],
  ['a classifier with a value', { output: { tensor: 'v', kind: 'value' } }, /output.kind/],
  ['a regression with thresholds for classes', regression, /label.kind/],
  ['no markets', { trained: { ...trained, markets: [] } }, /trained.markets/],
  ['a training range in words', { trained: { ...trained, from: 'spring' } }, /trained.from/],
  ['no golden rows', { files: { 'model.onnx': file, 'metrics.json': file } }, /golden.json/],
  ['a hash too short', { files: { ...files, 'a.json': { bytes: 1, sha256: 'ab' } } }, /sha256/],
  ['a file above its folder', { files: { ...files, '../a.json': file } }, /files/],
  ['a file at the root', { files: { ...files, '/etc/passwd': file } }, /files/],
  ['a hidden file', { files: { ...files, 'a/.ssh/b': file } }, /files/],
  ['a file behind a backslash', { files: { ...files, '..\\a.json': file } }, /files/],
]
for (const [what, change, names] of refusals) {
  test(`refused, naming the field: ${what}`, () => {
    assert.throws(
      () => parseManifest(encode({ ...whole(), ...change })),
      (error) =>
        error instanceof Fault && error.code === 'artifact.manifest' && names.test(error.message),
    )
  })
}

test('bytes that are no manifest are refused, whatever they are', () => {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array(), fc.json().map(encodeText)), (bytes) => {
      assert.throws(() => parseManifest(bytes), Fault)
    }),
  )
})

function encodeText(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}

test('what it was trained on, and the purge around it, is in sample', () => {
  const manifest = parseManifest(encode(whole()))
  const from = Date.parse('2019-01-01T00:00:00.000Z')
  const to = Date.parse('2019-02-01T00:00:00.000Z')
  const ranges = trainingRanges(manifest, 'binance', 'BTC/USDT' as Coin)
  const cases: [at: number, inSample: boolean][] = [
    [from - 16 * minuteMs, false],
    [from - 15 * minuteMs, true],
    [from, true],
    [to, true],
    [to + 14 * minuteMs, true],
    [to + 15 * minuteMs, false],
  ]
  for (const [at, inSample] of cases) assert.equal(isInSample(ranges, at), inSample, `${at - from}`)
})

test('another asset, and a tape, are other markets', () => {
  const manifest = parseManifest(encode(whole()))
  assert.deepEqual(trainingRanges(manifest, 'binance', 'ETH/USDT' as Coin), [])
  assert.deepEqual(trainingRanges(manifest, 'tape', 'BTC/USDT' as Coin), [])
})
