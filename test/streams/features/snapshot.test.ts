import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { minuteMs } from '../../../streams/time.ts'
import { madeCandles } from '../../support/candles.ts'

const candles = madeCandles({ from: Date.UTC(2026, 0, 1), count: 300 })
const columns = featureSet(minuteMs).columns.length

function lastRow(engine: FeatureEngine): Float64Array {
  const row = new Float64Array(columns)
  for (const candle of candles.slice(200)) engine.step(candle, row)
  return row
}

test('a snapshot may lie anywhere in memory, as a database hands it over', () => {
  const engine = new FeatureEngine(minuteMs)
  const row = new Float64Array(columns)
  for (const candle of candles.slice(0, 200)) engine.step(candle, row)
  const bytes = engine.save()
  const within = Buffer.concat([Buffer.alloc(3, 7), bytes, Buffer.alloc(5, 9)])
  const restored = FeatureEngine.restore(within.subarray(3, 3 + bytes.length))
  assert.deepEqual(lastRow(restored), lastRow(engine))
})

test('what is cut off, or is no snapshot, is refused', () => {
  const bytes = new FeatureEngine(minuteMs).save()
  for (const wrong of [
    bytes.subarray(0, 20),
    bytes.subarray(0, bytes.length - 8),
    new Uint8Array(100),
  ]) {
    assert.throws(() => FeatureEngine.restore(wrong), /snapshot cannot be used/)
  }
})
