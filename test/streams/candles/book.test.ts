import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { BookEvent, CandleBook } from '../../../streams/candles/book.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { candleOf, foldTrades } from '../../../streams/candles/fold.ts'
import { floorTo, minuteMs } from '../../../streams/time.ts'
import { type Trade, tradesOf } from '../../../streams/trade.ts'
import { bookFrom, candlesIn, coin, graceMs, start, told, trade } from './made-book.ts'

/** Prices and sizes are not exact in binary, so sums depend on their order; few instants and ids, so that some collide. */
const someTrade = fc.record({
  at: fc.integer({ min: 0, max: 49 }).map((n) => start + n * 6000),
  id: fc.integer({ min: 0, max: 5 }),
  price: fc.integer({ min: 1, max: 1_000_000 }).map((cents) => cents / 100),
  size: fc.integer({ min: 1, max: 1_000_000 }).map((n) => n / 1000),
  side: fc.constantFrom<-1 | 1>(-1, 1),
})
const someTrades = fc.array(someTrade, { maxLength: 60 })

/** The latest state of each candle. */
function settle(book: CandleBook, bundles: readonly (readonly Trade[])[]): readonly Candle[] {
  const latest = new Map<number, Candle>()
  const keep = (events: readonly BookEvent[]): void => {
    for (const candle of candlesIn(events)) latest.set(candle.openAt, candle)
  }
  for (const bundle of bundles) keep(book.add(tradesOf(bundle)))
  keep(book.clock(start + 5 * minuteMs + graceMs))
  return [...latest.values()].sort((a, b) => a.openAt - b.openAt)
}

test('any arrival order, any bundling and any repetition give bit-equal candles', () => {
  fc.assert(
    fc.property(someTrades, fc.infiniteStream(fc.nat(1000)), (trades, chance) => {
      const next = (): number => chance.next().value as number
      const repeated = [...trades, ...trades.filter(() => next() < 300)]
      const shuffled = repeated
        .map((row) => ({ row, key: next() }))
        .sort((a, b) => a.key - b.key)
        .map(({ row }) => row)
      const bundles: Trade[][] = [[]]
      for (const row of shuffled) {
        if (next() < 200) bundles.push([])
        bundles.at(-1)?.push(row)
      }
      assert.deepEqual(settle(bookFrom(), bundles), settle(bookFrom(), [trades]))
    }),
    { numRuns: 300 },
  )
})

test('the candles are what a plain fold over sorted, distinct trades gives', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(someTrade, { maxLength: 50, selector: (t) => `${t.at} ${t.id}` }),
      (trades) => {
        const sorted = [...trades].sort((a, b) => a.at - b.at || a.id - b.id)
        for (const candle of settle(bookFrom(), [trades])) {
          const mine = sorted.filter((t) => floorTo(t.at, minuteMs) === candle.openAt)
          if (mine.length === 0) {
            assert.equal(candle.state, 'empty')
            assert.equal(candle.volume, 0)
            assert(Number.isNaN(candle.close))
            continue
          }
          const prices = mine.map((t) => t.price)
          assert.equal(candle.open, prices[0])
          assert.equal(candle.close, prices.at(-1))
          assert.equal(candle.high, Math.max(...prices))
          assert.equal(candle.low, Math.min(...prices))
          assert.equal(
            candle.volume,
            mine.reduce((sum, t) => sum + t.size, 0),
          )
          assert.equal(
            candle.quoteVolume,
            mine.reduce((sum, t) => sum + t.price * t.size, 0),
          )
          assert.equal(
            candle.takerBuyVolume,
            mine.reduce((sum, t) => sum + (t.side > 0 ? t.size : 0), 0),
          )
          assert.equal(candle.trades, mine.length)
        }
      },
    ),
  )
})

test('a large bundle in any order gives the same as in order', () => {
  const rows = Array.from({ length: 5000 }, (_, i) => ({
    ...trade(0, 100 + (i % 77) / 10, { size: 0.1 + (i % 13) / 7 }),
    at: start + Math.floor(i / 3) * 50,
    id: i,
  }))
  const shuffled = rows.map((_, i) => rows[(i * 1327) % rows.length] as Trade)
  assert.deepEqual(settle(bookFrom(), [shuffled]), settle(bookFrom(), [rows]))
})

test('the clock alone closes, at the end plus the grace, with or without trades', () => {
  const book = bookFrom()
  assert.deepEqual(told(book.add(tradesOf([trade(1, 10), trade(2, 11), trade(61, 12)]))), [])
  assert.deepEqual(told(book.clock(start + minuteMs + graceMs - 1)), [])
  assert.deepEqual(told(book.clock(start + minuteMs + graceMs)), ['closed 0 final r0 11'])
  assert.deepEqual(told(book.clock(start + 4 * minuteMs + graceMs)), [
    'closed 1 final r0 12',
    'closed 2 empty r0 NaN',
    'closed 3 empty r0 NaN',
  ])
  assert.deepEqual(told(book.clock(start)), [], 'a clock that steps back closes nothing')
})

test('a late trade corrects with a revision, a repeated one says nothing', () => {
  const book = bookFrom()
  book.add(tradesOf([trade(1, 10)]))
  book.clock(start + 2 * minuteMs + graceMs)
  assert.deepEqual(told(book.add(tradesOf([trade(1, 10)]))), [])
  assert.deepEqual(told(book.add(tradesOf([trade(90, 20), trade(2, 11)]))), [
    'corrected 0 corrected r1 11',
    'corrected 1 corrected r1 20',
  ])
  assert.deepEqual(told(book.add(tradesOf([trade(2, 11), trade(3, 9)]))), [
    'corrected 0 corrected r2 9',
  ])
})

test('past the correction window trades are handed back whole, and those before the start too', () => {
  const book = bookFrom()
  book.clock(start + 11 * minuteMs + graceMs)
  const events = book.add(tradesOf([trade(59, 1), trade(60, 2), trade(-1, 3)]))
  assert.deepEqual(told(events), [
    'corrected 1 corrected r1 2',
    'aside settled 1',
    'aside before_start 1',
  ])
  const aside = events.find((e) => e.type === 'aside')
  assert.equal(aside?.type === 'aside' && aside.trades.price[0], 1)
})

test('what was forgotten does not grow: a day of trades keeps a window of them', () => {
  const book = bookFrom()
  for (let minute = 0; minute < 1440; minute++) {
    const rows = Array.from({ length: 20 }, (_, i) => trade(minute * 60 + i, 100 + i))
    book.add(tradesOf(rows))
    book.clock(start + (minute + 1) * minuteMs + graceMs)
  }
  assert(book.kept <= 20 * 12, `${book.kept} kept`)
})

test('a gap makes the candles it touches missing, and healing refolds them', () => {
  const book = bookFrom()
  const gap = { from: start + 90_000, to: start + 150_000 }
  book.add(tradesOf([trade(1, 10), trade(80, 20)]))
  assert.deepEqual(told(book.gap(gap)), [])
  book.add(tradesOf([trade(170, 40)]))
  assert.deepEqual(told(book.clock(start + 4 * minuteMs + graceMs)), [
    'closed 0 final r0 10',
    'closed 1 missing r0 NaN',
    'closed 2 missing r0 NaN',
    'closed 3 empty r0 NaN',
  ])
  assert.deepEqual(told(book.add(tradesOf([trade(100, 30)]))), [], 'not before it is whole')
  assert.deepEqual(told(book.healed(gap)), [
    'corrected 1 corrected r1 30',
    'corrected 2 corrected r1 40',
  ])
})

test('a gap that is found late unmakes candles that were told as whole', () => {
  const book = bookFrom()
  book.add(tradesOf([trade(1, 10)]))
  book.clock(start + 2 * minuteMs + graceMs)
  const gap = { from: start + 30_000, to: start + 2 * minuteMs }
  assert.deepEqual(told(book.gap(gap)), [
    'corrected 0 missing r1 NaN',
    'corrected 1 missing r1 NaN',
  ])
  assert.deepEqual(told(book.healed(gap)), [
    'corrected 0 corrected r2 10',
    'corrected 1 empty r2 NaN',
  ])
})

test('a gap keeps its candles correctable past the window, and only them', () => {
  const book = bookFrom()
  const gap = { from: start + 90_000, to: start + 150_000 }
  book.add(tradesOf([trade(1, 10), trade(80, 20), trade(170, 40)]))
  book.gap(gap)
  for (let minute = 1; minute <= 60; minute++) {
    book.add(tradesOf([trade(minute * 60 + 200, 50)]))
    book.clock(start + minute * minuteMs + graceMs)
  }
  assert(book.kept < 20, 'an open gap does not hold back all that follows it')
  assert.deepEqual(told(book.add(tradesOf([trade(100, 30), trade(2, 11)]))), ['aside settled 1'])
  assert.deepEqual(told(book.healed(gap)), [
    'corrected 1 corrected r1 30',
    'corrected 2 corrected r1 40',
  ])
  assert.deepEqual(told(book.add(tradesOf([trade(101, 31)]))), ['aside settled 1'])
})

test('what heals by the source’s own candle stands, whatever trades of it come late', () => {
  const book = bookFrom()
  const gap = { from: start + minuteMs, to: start + 3 * minuteMs }
  book.add(tradesOf([trade(1, 10), trade(110, 20)]))
  book.gap(gap)
  book.clock(start + 4 * minuteMs + graceMs)
  const own = foldTrades(
    tradesOf([trade(70, 30), trade(110, 20), trade(115, 25)]),
    0,
    3,
    start + minuteMs,
    {},
  )
  assert.deepEqual(told(book.healed(gap, [candleOf(coin, own, 0)])), [
    'corrected 1 corrected r1 25',
    'corrected 2 empty r1 NaN',
  ])
  assert.deepEqual(told(book.add(tradesOf([trade(111, 40), trade(130, 50)]))), [
    'corrected 2 corrected r2 50',
    'aside settled 1',
  ])
})

test('what will never heal stays missing, and is held no longer', () => {
  const book = bookFrom()
  const gap = { from: start + 90_000, to: start + 150_000 }
  book.add(tradesOf([trade(1, 10), trade(80, 20), trade(170, 40)]))
  book.gap(gap)
  book.clock(start + 60 * minuteMs + graceMs)
  assert(book.kept > 0)
  book.abandon(gap)
  assert.equal(book.kept, 0)
  assert.deepEqual(told(book.add(tradesOf([trade(100, 30)]))), ['aside settled 1'])
  assert.deepEqual(told(book.healed(gap)), [])
})

test('of overlapping gaps, what one healed does not heal the other', () => {
  const book = bookFrom()
  book.gap({ from: start, to: start + 90_000 })
  book.gap({ from: start + 70_000, to: start + 150_000 })
  book.clock(start + 3 * minuteMs + graceMs)
  assert.deepEqual(told(book.healed({ from: start, to: start + 90_000 })), [
    'corrected 0 empty r1 NaN',
  ])
  assert.deepEqual(told(book.healed({ from: start + 70_000, to: start + 150_000 })), [
    'corrected 1 empty r1 NaN',
    'corrected 2 empty r1 NaN',
  ])
})

test('impossible trades are refused and counted, the rest of their bundle is not', () => {
  const book = bookFrom()
  const rows = [
    trade(1, 10),
    trade(2, Number.NaN),
    trade(3, 0),
    trade(4, 5, { size: -1 }),
    trade(5, 5, { size: Number.POSITIVE_INFINITY }),
    trade(6, 5, { at: Number.NaN }),
    trade(7, 5, { id: Number.NaN }),
    trade(200, 99),
    trade(8, 11),
  ]
  assert.deepEqual(told(book.add(tradesOf(rows), start + 10_000)), [
    'refused price 2',
    'refused size 2',
    'refused identity 2',
    'refused future 1',
  ])
  assert.deepEqual(told(book.clock(start + minuteMs + graceMs)), ['closed 0 final r0 11'])
})

test('the preview is the open candle so far', () => {
  const book = bookFrom()
  assert.equal(book.preview(), undefined)
  book.add(tradesOf([trade(1, 10), trade(61, 20), trade(62, 25)]))
  assert.equal(book.preview()?.openAt, start + minuteMs)
  assert.equal(book.preview()?.close, 25)
  book.clock(start + 2 * minuteMs + graceMs)
  assert.equal(book.preview(), undefined)
})
