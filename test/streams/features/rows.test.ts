import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { from, lastValueFrom, toArray } from 'rxjs'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { type RowBlock, rowBlocks, toRows } from '../../../streams/features/rows.ts'
import { minuteMs } from '../../../streams/time.ts'
import { madeCandles } from './made-candles.ts'

const candles = madeCandles({ seed: 'rows', candles: 1800, empty: 0.02, missing: 0.001 })

async function* pages(size: number): AsyncGenerator<typeof candles> {
  for (let at = 0; at < candles.length; at += size) yield candles.slice(at, at + size)
}

test('live rows and rows in blocks are bit-equal, candle by candle', async () => {
  const live = await lastValueFrom(
    from(candles).pipe(toRows(new FeatureEngine(minuteMs)), toArray()),
  )
  assert.equal(live.length, candles.length)
  const blocks = new Set<RowBlock>()
  let at = 0
  for await (const block of rowBlocks(new FeatureEngine(minuteMs), pages(700), 256)) {
    blocks.add(block)
    for (let i = 0; i < block.length; i++, at++) {
      const row = live[at]!
      assert.equal(row.openAt, block.candles.openAt[i])
      assert.equal(row.state, candles[at]!.state)
      assert.equal(row.whole, block.whole[i])
      assert.equal(row.after, block.afterGap[i] === 1 ? 'gap' : 'start')
      assert.deepEqual(row.values, block.row(i).slice())
    }
  }
  assert.equal(at, candles.length)
  assert.equal(blocks.size, 1, 'one matrix serves them all')
})

test('a live row keeps its numbers when the next one comes', async () => {
  const engine = new FeatureEngine(minuteMs)
  const rows = await lastValueFrom(from(candles.slice(0, 2)).pipe(toRows(engine), toArray()))
  assert.notEqual(rows[0]!.values, rows[1]!.values)
  assert.equal(rows[0]!.values[engine.set.indexOf('trade_count')], candles[0]!.trades)
})
