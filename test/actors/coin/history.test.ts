import assert from 'node:assert/strict'
import { test } from 'node:test'
import { history } from '../../../actors/coin/history.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { listen } from '../../../streams/channels.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Feed } from '../../../streams/feeds/feed.ts'
import { dayMs, floorTo, type Millis, minuteMs } from '../../../streams/time.ts'
import { type Trade, type Trades, tradesOf } from '../../../streams/trade.ts'
import { MemoryLedger } from '../../support/actors/memory-ledger.ts'
import { probe } from '../../support/actors/probe.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const now = Date.UTC(2026, 0, 10)

/** A source that has `days` of candles, and trades for longer where told, and writes down what it was asked for. */
function source(
  days: number,
  without: (candle: Candle) => boolean = () => false,
  tradedFrom: Millis = Number.POSITIVE_INFINITY,
) {
  const all = madeCandles({ from: now - days * dayMs, count: days * 1_440 })
  const asked: [from: Millis, to: Millis][] = []
  const feed: Pick<Feed, 'now' | 'history'> = {
    now: () => now,
    history: {
      earliest: (_coin, notBefore) => Promise.resolve(Math.max(notBefore, now - days * dayMs)),
      candles: async function* (_coin, from, to) {
        asked.push([from, to])
        yield all.filter((it) => it.openAt >= from && it.openAt < to && !without(it))
      },
      trades: async function* (_coin, from, to) {
        const first = Math.max(from, tradedFrom)
        if (first < to) yield aTradeEach(first, to)
      },
      candleColumns: { takerBuyVolume: true, trades: true },
    },
  }
  return { feed: feed as Feed, asked }
}

/** One trade in the middle of each minute. */
function aTradeEach(from: Millis, to: Millis): Trades {
  const made: Trade[] = []
  for (let openAt = floorTo(from, minuteMs); openAt < to; openAt += minuteMs)
    made.push({ at: openAt + 30_000, id: openAt / minuteMs, price: 100, size: 1, side: 1 })
  return tradesOf(made.filter(({ at }) => at >= from && at < to))
}

async function run(
  ledger: MemoryLedger,
  feed: Feed,
  depthMs: Millis,
  waits: (ms: Millis) => void = () => {},
) {
  const spec = history({
    coin: btc,
    feed,
    reader: ledger,
    writer: ledger,
    intervalMs: minuteMs,
    depthMs,
  })
  type Message = Parameters<typeof spec.receive>[1]
  const { self, told, later, piped } = probe<Message>()
  let state = await spec.start(self)
  const late = (): Message | undefined => {
    const next = later.shift()
    if (next) waits(next.delayMs)
    return next?.message
  }
  for (let turns = 0; ; turns++) {
    await piped()
    const message = told.shift() ?? late()
    if (message === undefined || turns > 100) return turns
    state = await spec.receive(state, message, self)
  }
}

test('it goes back a day at a time from the oldest candle to the depth, and stops there', async () => {
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from: now - 60 * minuteMs, count: 60 }))
  const { feed, asked } = source(30)
  const fetched: number[] = []
  const forget = listen('history.fetched', ({ from }) => fetched.push(from))
  await run(ledger, feed, 3 * dayMs)
  forget()
  assert.equal(asked.length, 3)
  assert.deepEqual(fetched.at(-1), now - 3 * dayMs)
  assert.equal(ledger.all(btc).length, 3 * 1_440)
})

test('a source that is not so deep is left at what it has', async () => {
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from: now - 60 * minuteMs, count: 60 }))
  const { feed } = source(2)
  await run(ledger, feed, 180 * dayMs)
  assert.equal(ledger.all(btc)[0]?.openAt, now - 2 * dayMs)
})

test('minutes that the source leaves out are there, empty, and what was there is left as it was', async () => {
  const ledger = new MemoryLedger()
  const known = madeCandles({ from: now - 60 * minuteMs, count: 60, seed: 9 })
  await ledger.writeHistory(known)
  const hole = now - 5 * 60 * minuteMs
  const { feed } = source(1, ({ openAt }) => openAt === hole)
  await run(ledger, feed, dayMs)
  const all = ledger.all(btc)
  assert.equal(all.length, 1_440)
  assert.equal(all.find(({ openAt }) => openAt === hole)?.state, 'empty')
  assert.deepEqual(all.slice(-60), known)
})

test('where its candles end the trades of the source go on, an hour at a time, from the first whole minute', async () => {
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from: now - 60 * minuteMs, count: 60 }))
  const tradedFrom = now - 2 * dayMs + 20_000
  const { feed } = source(1, () => false, tradedFrom)
  await run(ledger, feed, 180 * dayMs)
  const all = ledger.all(btc)
  assert.equal(all[0]?.openAt, now - 2 * dayMs + minuteMs)
  assert.equal(all.length, 2 * 1_440 - 1)
  assert.ok(all.slice(0, 1_439).every(({ open, trades }) => open === 100 && trades === 1))
})

test('a life that begins in the middle goes on from the oldest candle in the ledger', async () => {
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from: now - 2 * dayMs, count: 2 * 1_440 }))
  const { feed, asked } = source(30)
  await run(ledger, feed, 3 * dayMs)
  assert.deepEqual(asked, [[now - 3 * dayMs, now - 2 * dayMs]])
})

test('where nothing is left to fetch it says so, for whoever waits for it', async () => {
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from: now - 3 * dayMs, count: 3 * 1_440 }))
  const { feed, asked } = source(30)
  const told: unknown[] = []
  const forget = listen('history.fetched', (it) => told.push(it))
  await run(ledger, feed, 3 * dayMs)
  forget()
  assert.deepEqual(asked, [])
  assert.deepEqual(told, [{ coin: btc, from: now - 3 * dayMs, goal: now - 3 * dayMs }])
})

test('a source that does not answer is asked again before long, one that refuses later', async () => {
  for (const [fault, againMs] of [
    [new Fault('feed.away', 'later', { retryable: true }), 15_000],
    [new Fault('feed.no_market', 'never heard of it'), 15 * minuteMs],
  ] as const) {
    const ledger = new MemoryLedger()
    await ledger.writeHistory(madeCandles({ from: now - 60 * minuteMs, count: 60 }))
    const { feed } = source(30)
    const answering = { ...feed.history, earliest: () => Promise.reject(fault) }
    const later: number[] = []
    await run(ledger, { ...feed, history: answering }, 3 * dayMs, (ms) => later.push(ms))
    assert.equal(later[0], againMs)
  }
})

test('before the coin has its first candle it waits for it', async () => {
  const ledger = new MemoryLedger()
  const { feed, asked } = source(30)
  const turns = await run(ledger, feed, 3 * dayMs)
  assert.ok(turns > 100)
  assert.equal(asked.length, 0)
})
