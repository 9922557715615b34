import assert from 'node:assert/strict'
import { test } from 'node:test'
import { from, Subject } from 'rxjs'
import { CandleBook } from '../../../streams/candles/book.ts'
import { type CandleEvent, candleEvents } from '../../../streams/candles/events.ts'
import { type Coin, parseCoin } from '../../../streams/coin.ts'
import type { FeedItem } from '../../../streams/feeds/feed.ts'
import type { Gap } from '../../../streams/gap.ts'
import { minuteMs } from '../../../streams/time.ts'
import { tradesOf } from '../../../streams/trade.ts'

const coin = parseCoin('BTC/USDT') as Coin
const start = Date.UTC(2026, 0, 1)
const graceMs = 2000

function book(): CandleBook {
  const correctionMs = 5 * minuteMs
  return new CandleBook({ coin, intervalMs: minuteMs, graceMs, correctionMs, from: start })
}

function tradeAt(ms: number, price: number): FeedItem {
  const row = { at: start + ms, id: ms, price, size: 1, side: 1 } as const
  return { type: 'trades', coin, trades: tradesOf([row]) }
}

function clockAt(ms: number, receivedAt: number): FeedItem {
  return { type: 'clock', coin, at: start + ms, receivedAt }
}

function run(items: readonly FeedItem[], speed = 1, now?: () => number): readonly CandleEvent[] {
  const events: CandleEvent[] = []
  const options = now === undefined ? {} : { now }
  from(items)
    .pipe(candleEvents(book(), speed, options))
    .subscribe((event) => events.push(event))
  return events
}

function due(events: readonly CandleEvent[]): readonly number[] {
  return events.flatMap((e) => (e.type === 'closed' ? [e.dueAt] : []))
}

test('a candle is due when its end fell on the wall, whatever the speed', () => {
  const items = [tradeAt(1, 5), clockAt(minuteMs + graceMs, 900_000)]
  assert.deepEqual(due(run(items)), [898_000])
  assert.deepEqual(due(run(items, 100)), [899_980])
  assert.deepEqual(due(run(items, Number.POSITIVE_INFINITY)), [900_000])
})

test('previews show the open candle, no oftener than asked, and only when it has changed', () => {
  const bars = run([
    tradeAt(1, 5),
    clockAt(10, 1000),
    clockAt(20, 2000),
    tradeAt(30, 6),
    clockAt(40, 2100),
    tradeAt(50, 7),
    clockAt(60, 2260),
    clockAt(70, 2350),
  ]).flatMap((e) => (e.type === 'preview' ? [e.bar.close] : []))
  assert.deepEqual(bars, [5, 6, 7])
})

test('gaps and healing arrive as missing candles and corrections', () => {
  const gap: Gap = { coin, from: start, to: start + 30_000, cause: 'silent' }
  const events = run([
    { type: 'gap', gap },
    clockAt(minuteMs + graceMs, 0),
    tradeAt(1, 5),
    { type: 'healed', gap },
    { type: 'ended', coin, reason: 'over' },
  ])
  assert.deepEqual(
    events.map((e) =>
      'candle' in e ? `${e.type} ${e.candle.state} ${e.candle.revision}` : e.type,
    ),
    ['closed missing 0', 'corrected corrected 1'],
  )
})

test('a trade from the future is refused by the feed clock', () => {
  const events = run([tradeAt(0, 5), tradeAt(60_000, 6)], 1, () => start + 1000)
  assert.deepEqual(
    events.map((e) => (e.type === 'refused' ? `${e.reason} ${e.count}` : e.type)),
    ['future 1'],
  )
})

test('an invariant that breaks downstream or here ends the stream as an error', () => {
  const items = new Subject<FeedItem>()
  let ended: unknown
  const broken = book()
  broken.clock = () => {
    throw new Error('broken')
  }
  items.pipe(candleEvents(broken, 1)).subscribe({ error: (cause) => (ended = cause) })
  items.next(clockAt(0, 0))
  assert(ended instanceof Error)
  assert.equal(items.observed, false)
})
