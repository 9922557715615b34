import { strict as assert } from 'node:assert'
import { test } from 'node:test'
import { begin, Layout, turn } from '../../../streams/indicators/layout.ts'

test('places do not overlap, and counters of one length are one', () => {
  const layout = new Layout()
  assert.equal(layout.take(3), 0)
  const five = layout.cycle(5)
  assert.equal(five, 3)
  assert.equal(layout.cycle(5), five)
  assert.equal(layout.take(1), 4)
  assert.equal(layout.size, 5)
})

test('counters follow the number of the candle, however candles are bundled', () => {
  const layout = new Layout()
  const [five, day] = [layout.cycle(5), layout.cycle(1440)]
  const s = new Float64Array(layout.size)
  const first = 29_500_000
  begin(s, layout.cycles, first)
  let index = first
  for (const n of [1, 64, 3, 5, 1440, 2000]) {
    turn(s, layout.cycles, n)
    index += n
    assert.equal(s[five], index % 5)
    assert.equal(s[day], index % 1440)
  }
})
