import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { RowBlock } from '../../../streams/features/rows.ts'
import { minuteMs } from '../../../streams/time.ts'
import { madeCandles } from './made-candles.ts'

const candles = madeCandles({ seed: 'rows', candles: 1800, empty: 0.02, missing: 0.001 })

test('rows in blocks and rows one by one are bit-equal, candle by candle', () => {
  const [one, many] = [new FeatureEngine(minuteMs), new FeatureEngine(minuteMs)]
  const width = one.set.columns.length
  const [row, block] = [new Float64Array(width), new RowBlock(width, 256)]
  let at = 0
  while (at < candles.length) {
    const filled = block.fill(many, candles, at)
    assert.equal(filled, block.length)
    for (let i = 0; i < filled; i++, at++) {
      const candle = candles[at]!
      one.step(candle, row)
      assert.equal(block.candles.openAt[i], candle.openAt)
      assert.equal(block.whole[i], one.whole)
      assert.equal(block.afterGap[i] === 1 ? 'gap' : 'start', one.after)
      assert.deepEqual(block.row(i), row)
    }
  }
  assert.equal(block.length, candles.length % 256)
})
