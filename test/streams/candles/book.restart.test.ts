import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { CandleBook } from '../../../streams/candles/book.ts'
import { candleOf, foldTrades } from '../../../streams/candles/fold.ts'
import { minuteMs } from '../../../streams/time.ts'
import { tradesOf } from '../../../streams/trade.ts'
import { bookFrom, candlesIn, coin, graceMs, start, told, trade } from './made-book.ts'

test('after a restart, known candles that fold the same are not told again', () => {
  const rows = [trade(1, 10), trade(61, 20), trade(121, 30)]
  const before = bookFrom()
  before.add(tradesOf(rows))
  const known = candlesIn(before.clock(start + 2 * minuteMs + graceMs))
  const after = bookFrom({ known })
  for (const row of rows) assert.deepEqual(told(after.add(tradesOf([row]))), [])
  assert.deepEqual(told(after.clock(start + 3 * minuteMs + graceMs)), ['closed 2 final r0 30'])
  assert.deepEqual(told(after.add(tradesOf([trade(62, 21)]))), ['corrected 1 corrected r1 21'])
})

test('after a restart, a known candle that folds differently gets the next revision', () => {
  const before = bookFrom()
  before.add(tradesOf([trade(1, 10)]))
  const known = candlesIn(before.clock(start + minuteMs + graceMs))
  const after = bookFrom({ known })
  after.add(tradesOf([trade(1, 10), trade(2, 12)]))
  assert.deepEqual(told(after.clock(start + minuteMs + graceMs)), ['corrected 0 corrected r1 12'])
})

test('what is known stands where the feed repeats nothing of it', () => {
  const before = bookFrom()
  before.add(tradesOf([trade(1, 10)]))
  const known = candlesIn(before.clock(start + minuteMs + graceMs))
  const after = bookFrom({ known })
  assert.deepEqual(told(after.clock(start + 2 * minuteMs + graceMs)), ['closed 1 empty r0 NaN'])
  assert.deepEqual(told(after.add(tradesOf([trade(2, 12)]))), ['aside settled 1'])
})

test('a candle of before the restart that a gap covers in part stays missing: its other trades are gone', () => {
  const gap = { from: start + 30_000, to: start + 90_000 }
  const before = bookFrom()
  before.add(tradesOf([trade(1, 10), trade(100, 20)]))
  before.gap(gap)
  const known = candlesIn(before.clock(start + 2 * minuteMs + graceMs))
  const after = bookFrom({ from: start + 2 * minuteMs, known, gaps: [gap] })
  after.add(tradesOf([trade(40, 15), trade(80, 18)]))
  assert.deepEqual(told(after.healed(gap)), [])
})

test('the gap of a restart does not unmake what was recorded as whole, and heals what was missing', () => {
  const gap = { from: start + minuteMs, to: start + 2 * minuteMs }
  const before = bookFrom()
  before.add(tradesOf([trade(1, 10), trade(61, 20)]))
  before.gap(gap)
  const known = candlesIn(before.clock(start + 2 * minuteMs + graceMs))
  const after = bookFrom({ from: start + 2 * minuteMs, known, gaps: [gap] })
  const stopped = { from: start + 2 * minuteMs, to: start + 3 * minuteMs }
  assert.deepEqual(told(after.gap(stopped)), [])
  after.add(tradesOf([trade(61, 20), trade(110, 25), trade(130, 30)]))
  assert.deepEqual(told(after.healed(gap)), ['corrected 1 corrected r1 25'])
  assert.deepEqual(told(after.healed(stopped)), [])
  assert.deepEqual(told(after.clock(start + 3 * minuteMs + graceMs)), ['closed 2 final r0 30'])
})

test('trades that come late into the gap of a restart do not unmake what was recorded as whole', () => {
  const trades = [0, 10, 20, 30, 40, 50].map((second) => trade(second, 1 + second))
  const whole = candleOf(coin, foldTrades(tradesOf(trades), 0, 6, start, {}), 0)
  const gap = { from: start, to: start + minuteMs }
  const late = tradesOf([...trades.slice(3), trade(61, 7)])
  const own = { ...whole, takerBuyVolume: Number.NaN }
  const stand = (): CandleBook => {
    const book = bookFrom({ known: [whole] })
    assert.deepEqual(told(book.gap(gap)), [])
    assert.deepEqual(told(book.clock(start + minuteMs + graceMs)), [])
    assert.deepEqual(told(book.add(late)), [])
    return book
  }
  const byTrades = stand()
  byTrades.add(tradesOf(trades))
  assert.deepEqual(told(byTrades.healed(gap)), [], 'all of them were told again')
  const byCandle = stand()
  assert.deepEqual(
    told(byCandle.healed(gap, [own])),
    [],
    'the source had its candle, not its trades',
  )
  assert.deepEqual(told(byCandle.add(tradesOf([trade(55, 99)]))), ['aside settled 1'])
  const abandoned = stand()
  abandoned.abandon(gap)
  assert.deepEqual(told(abandoned.add(tradesOf([trade(55, 99)]))), ['aside settled 1'])
})
