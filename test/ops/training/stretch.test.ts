import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chronological } from '../../../models/split.ts'
import { candlesFor, stretchFor } from '../../../ops/training/stretch.ts'
import { dayMs, minuteMs } from '../../../streams/time.ts'

const to = Date.UTC(2026, 0, 1)
const needs = { to, intervalMs: minuteMs, testDaysMin: 5 }

const cases: readonly [name: string, days: number, rowsMax: number, used: number, test: number][] =
  [
    ['half a year, rows for all of it', 180, 1e6, 180, 36],
    ['as much as the family uses, with its test', 180, 65 * 1_440, 100, 20],
    ['a few rows are still judged on six days', 180, 1_440, 8.24, 6],
    ['twelve days are cut in half', 12, 1e6, 12, 6],
    ['less than that is learnt from, and judged by less', 4, 1e6, 4, 2],
  ]
for (const [name, days, rowsMax, used, tested] of cases) {
  test(`${name}: ${used} days, ${tested} of them to be judged by`, () => {
    const it = stretchFor({ ...needs, from: to - days * dayMs, rowsMax })
    const usedDays = (it.to - it.from) / dayMs
    assert.equal(Number(usedDays.toFixed(2)), used)
    assert.equal(Number((usedDays * it.shares.test).toFixed(2)), tested)
  })
}

test('whatever is stored, the newest candles are used, and what is learnt from stays within its bound', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 2, max: 400 }),
      fc.integer({ min: 500, max: 500_000 }),
      (days, rowsMax) => {
        const from = to - days * dayMs
        const it = stretchFor({ ...needs, from, rowsMax })
        assert.ok(it.to === to && it.from >= from && it.from < to)
        const split = chronological(
          { ...it, intervalMs: minuteMs, informationCandles: 15, embargoCandles: 15 },
          it.shares,
        )
        assert.ok(split.test[1] === to && split.train[0] === it.from)
        assert.ok((split.train[1] - split.train[0]) / minuteMs <= rowsMax + 2)
      },
    ),
  )
})

test('how much history a lane waits for: enough to be judged, at most what it uses', () => {
  const few = candlesFor({ intervalMs: minuteMs, testDaysMin: 5, rowsMax: 1_440 })
  assert.deepEqual(few, { candlesMin: 17_280, candlesMax: 17_280 })
  const many = candlesFor({ intervalMs: minuteMs, testDaysMin: 5, rowsMax: 65_000 })
  assert.deepEqual(many, { candlesMin: 17_280, candlesMax: 100_000 })
})
