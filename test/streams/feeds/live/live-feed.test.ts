/** What the live feed decides, in simulated time, against an exchange of a few lines. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { of as observableOf } from 'rxjs'
import { CandleBook } from '../../../../streams/candles/book.ts'
import type { Candle } from '../../../../streams/candles/candle.ts'
import { candleEvents } from '../../../../streams/candles/events.ts'
import { candleOf, foldTrades } from '../../../../streams/candles/fold.ts'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import { Fault } from '../../../../streams/fault.ts'
import type { FeedItem } from '../../../../streams/feeds/feed.ts'
import { pollingSocket } from '../../../../streams/feeds/live/ccxt/poll.ts'
import { liveLimits } from '../../../../streams/feeds/live/limits.ts'
import { liveFeed } from '../../../../streams/feeds/live/live-feed.ts'
import {
  type Cursor,
  Limited,
  type SocketEar,
  type TradesPage,
  type Venue,
} from '../../../../streams/feeds/live/venue.ts'
import { type Trades, TradesBuilder } from '../../../../streams/trade.ts'
import { SimulatedClock } from '../../../support/simulated-clock.ts'

const coin = parseCoin('BTC/USDT') as Coin
const start = Date.UTC(2026, 0, 1)
const minute = 60_000

function bundleOf(trades: readonly (readonly [number, number])[]): Trades {
  const bundle = new TradesBuilder()
  for (const [at, id] of trades) bundle.push(at, id, 100, 1, 1)
  return bundle.take()
}

/** The candles that a book makes of these items, none of which it corrects. */
function closedOnce(
  items: readonly FeedItem[],
  from: number,
  known: readonly Candle[] = [],
): readonly Candle[] {
  const options = { coin, intervalMs: minute, graceMs: 2_000, correctionMs: 10 * minute }
  const book = new CandleBook({ ...options, from, known })
  const closed: Candle[] = []
  candleEvents(
    book,
    1,
  )(observableOf(...items)).subscribe((event) => {
    assert.notEqual(event.type, 'corrected')
    if (event.type === 'closed') closed.push(event.candle)
  })
  return closed
}

/** What is `lost` lies in a gap, and nobody said that it healed. */
function assertOnRecord(
  items: readonly FeedItem[],
  lost: readonly (readonly [at: number, id: number])[],
): void {
  const isIn = (type: 'gap' | 'healed', at: number): boolean =>
    items.some((it) => it.type === type && at >= it.gap.from && at < it.gap.to)
  for (const [at] of lost) assert.deepEqual([isIn('gap', at), isIn('healed', at)], [true, false])
}

/**
 * An exchange that knows trades from `keptFrom` on, answers as long as `fails` is undefined, and is not connected to while
 * `deaf`. Where it tells but so many of its `newest`, it passes over what it was asked since.
 */
function stage(
  sequential: boolean,
  {
    from = start,
    newest = Number.POSITIVE_INFINITY,
    past = [] as [number, number][],
    polled = false,
  } = {},
) {
  const clock = new SimulatedClock(start)
  const truth = [...past]
  const ears: SocketEar[] = []
  const exchange = {
    offsetMs: 0,
    keptFrom: 0,
    newest,
    fails: undefined as Fault | undefined,
    asked: 0,
    deaf: false,
  }
  const venue: Venue = {
    source: 'few-lines',
    sequential,
    deep: sequential,
    candleColumns: { takerBuyVolume: false, trades: false },
    socket: (ear) => {
      if (polled) return pollingSocket(venue, ear, clock, 7_000)
      ears.push(ear)
      const up = (one: Coin): void => queueMicrotask(() => ear.up(one))
      return { watch: (one) => exchange.deaf || up(one), close: () => {} }
    },
    trades: async (_coin: Coin, from: Cursor): Promise<TradesPage> => {
      exchange.asked += 1
      if (exchange.fails !== undefined) throw exchange.fails
      const since = Math.max(from.at, exchange.keptFrom)
      const isAsked = exchange.newest === Number.POSITIVE_INFINITY
      const kept = isAsked ? truth.filter(([at]) => at >= since) : truth.slice(-exchange.newest)
      const trades = bundleOf(kept)
      return { trades, coveredTo: clock.now(), next: undefined }
    },
    candles: async () => [],
    time: async () => clock.now() + exchange.offsetMs,
    listed: async () => 'listed',
    close: () => {},
  }
  const options = { clock, random: () => 0.5, intervalMs: minute, limits: liveLimits }
  const feed = liveFeed(venue, options)
  const items: FeedItem[] = []
  const following = feed.open(coin, from).subscribe((item) => items.push(item))
  let id = past.length
  return {
    ...{ clock, exchange, truth, ears, feed, items, following },
    trade: (told = true) => {
      id += 1
      const trade: [number, number] = [clock.now() + exchange.offsetMs, id]
      truth.push(trade)
      if (told) ears.at(-1)?.trades(coin, bundleOf([trade]))
    },
    /** Time passes, second by second, with a trade in each where `trades` says so. */
    pass: async (ms: number, each: () => void = () => {}) => {
      for (let passed = 0; passed < ms; passed += 1000) {
        each()
        clock.advance(1000)
        await setImmediate()
      }
    },
    of: <T extends FeedItem['type']>(type: T) =>
      items.filter((item): item is Extract<FeedItem, { type: T }> => item.type === type),
    clockAt: () => items.findLast((item) => item.type === 'clock')?.at ?? 0,
    ids: () => items.flatMap((item) => (item.type === 'trades' ? [...item.trades.id] : [])),
  }
}

test('the clock is told every second and to the moment at which a candle closes', async () => {
  const s = stage(true)
  await s.pass(63_000, s.trade)
  const told = s.of('clock').map(({ at }) => at - start)
  assert.ok(told.includes(minute + liveLimits.graceMs))
  for (const [i, at] of told.entries()) assert.ok(i === 0 || at - (told[i - 1] as number) <= 1000)
  s.following.unsubscribe()
  assert.equal(s.clock.timers, 0)
})

test('a machine that slept closes no candle before it has asked what it slept through', async () => {
  const s = stage(true)
  await s.pass(30_000, s.trade)
  const before = s.clockAt()
  s.clock.suspend(minute)
  s.trade(false)
  s.exchange.fails = new Fault('feed.unavailable', 'down', { retryable: true })
  await s.pass(10_000)
  assert.equal(s.clockAt(), before)
  s.exchange.fails = undefined
  await s.pass(30_000)
  assert.deepEqual(s.of('gap')[0]?.gap.cause, 'stopped')
  assert.equal(s.of('healed').length, s.of('gap').length)
  assert.ok(s.ids().includes(31))
  assert.ok(s.clockAt() > before + minute)
  s.following.unsubscribe()
})

test('when the wall clock is set, market time stays with the exchange', async () => {
  const s = stage(true)
  await s.pass(10_000, s.trade)
  s.clock.suspend(3_600_000)
  s.exchange.offsetMs = -3_600_000
  await s.pass(10_000, s.trade)
  assert.ok(s.clockAt() < start + minute, `${s.clockAt() - start} ms`)
  assert.ok(s.clockAt() > start + 15_000)
  assert.ok(Math.abs(s.feed.now() - (s.clock.now() - 3_600_000)) < 10)
  s.following.unsubscribe()
})

test('what the exchange no longer has stays a gap, what it has heals', async () => {
  const s = stage(false)
  await s.pass(10_000, s.trade)
  s.ears.at(-1)?.lost('cut')
  for (let i = 0; i < 3; i++) s.trade(false)
  s.exchange.keptFrom = s.clock.now() + 30_000
  s.exchange.deaf = true
  await s.pass(40_000, () => s.trade(false))
  s.exchange.deaf = false
  await s.pass(60_000)
  const gaps = s.of('gap').map(({ gap }) => gap)
  const healed = s.of('healed').map(({ gap }) => gap)
  assert.equal(healed.at(-1)?.to, gaps.at(-1)?.to)
  assert.equal(healed[0]?.from, s.exchange.keptFrom + 1)
  assert.ok((gaps[0]?.from as number) < (healed[0]?.from as number))
  s.following.unsubscribe()
})

test('what came first of an exchange that tells only its newest proves nothing of the time before', async () => {
  const past = Array.from({ length: 1_200 }, (_, i): [number, number] => [
    start - 600_000 + 500 * i,
    i + 1,
  ])
  const candleOfTruth = (openAt: number): Candle => {
    const trades = bundleOf(past.filter(([at]) => at >= openAt && at < openAt + minute))
    return candleOf(coin, foldTrades(trades, 0, trades.length, openAt, {}), 0)
  }
  const from = start - 10 * minute
  const known = [10, 9, 8, 7, 6].map((ago) => candleOfTruth(start - ago * minute))
  // The page begins in the middle of a minute: in the last that is known, or in one of the absence.
  for (const newest of [610, 350]) {
    const s = stage(false, { from, newest, past })
    await s.pass(70_000, s.trade)
    // One more was traded before it was asked.
    const firstTold = past.at(1 - newest)?.[0] as number
    assert.deepEqual(s.of('gap')[0]?.gap, { coin, from, to: firstTold + 1, cause: 'stopped' })
    assert.ok(
      s.items.findIndex(({ type }) => type === 'gap') <
        s.items.findIndex(({ type }) => type === 'clock'),
    )
    assert.equal(s.of('healed').length, 0)
    const told = closedOnce(s.items, from, known)
    assert.equal(told.length, 6)
    for (const candle of told) {
      const isWhole = candle.openAt >= firstTold
      assert.equal(candle.state, isWhole ? 'final' : 'missing')
      if (isWhole && candle.openAt < start) assert.deepEqual(candle, candleOfTruth(candle.openAt))
    }
    s.following.unsubscribe()
  }
})

test('a page that begins in the middle of an instant proves nothing of that instant', async () => {
  // Two in each second, as exchanges tell them that know no milliseconds.
  const past = Array.from({ length: 240 }, (_, i): [number, number] => [
    start - 2 * minute + 1_000 * Math.floor(i / 2),
    i + 1,
  ])
  const s = stage(false, { from: start - 2 * minute, newest: 120, past })
  await s.pass(minute, s.trade)
  // One more was traded before it was asked: of the first two of the minute only the second is told, or none.
  assert.deepEqual(s.ids()[0], 122)
  assert.deepEqual(
    closedOnce(s.items, start - 2 * minute).map(({ state }) => state),
    ['missing', 'missing'],
  )
  s.following.unsubscribe()
})

test('a trade that was heard after a hole does not prove that REST tells of the hole', async () => {
  const s = stage(false)
  await s.pass(10_000, s.trade)
  s.exchange.fails = new Fault('feed.unavailable', 'down', { retryable: true })
  s.ears.at(-1)?.lost('cut')
  await s.pass(20_000, () => s.trade(s.ears.length > 1))
  s.ears.at(-1)?.lost('cut again')
  s.exchange.fails = undefined
  s.exchange.newest = 5
  await s.pass(30_000, s.trade)
  const lost = s.truth.filter(([, id]) => !s.ids().includes(id))
  assert.ok(lost.length > 0, 'of the hole nobody ever told')
  assertOnRecord(s.items, lost)
  s.following.unsubscribe()
})

test('what came before a machine noticed that it had slept does not hide what it slept through', async () => {
  const s = stage(false)
  await s.pass(30_000, s.trade)
  s.clock.suspend(10_000)
  s.trade(false)
  s.clock.suspend(10_000)
  s.trade()
  await s.pass(10_000)
  assert.ok(s.ids().includes(31))
  assert.deepEqual(
    s.of('healed').map(({ gap }) => gap),
    s.of('gap').map(({ gap }) => gap),
  )
  s.following.unsubscribe()
})

test('while nothing is known candles wait, and once patience is over they are closed inside a gap', async () => {
  const s = stage(true)
  await s.pass(50_000, s.trade)
  s.exchange.fails = new Fault('feed.unavailable', 'down', { retryable: true })
  s.ears.at(-1)?.lost('cut')
  await s.pass(59_000)
  assert.ok(s.clockAt() <= start + 51_000)
  await s.pass(5_000)
  assert.ok(s.clockAt() > start + minute + liveLimits.graceMs)
  const gap = s.of('gap').at(-1)?.gap
  assert.ok(gap !== undefined && gap.to >= s.clockAt())
  s.following.unsubscribe()
})

test('when the exchange says how long to wait, nothing is asked before', async () => {
  const s = stage(true)
  await s.pass(5_000, s.trade)
  s.exchange.fails = new Limited('busy', 20_000)
  s.ears.at(-1)?.lost('cut')
  await s.pass(2_000)
  const asked = s.exchange.asked
  s.exchange.fails = undefined
  await s.pass(17_000)
  assert.equal(s.exchange.asked, asked)
  await s.pass(20_000)
  assert.ok(s.exchange.asked > asked)
  assert.equal(s.of('healed').length, 1)
  s.following.unsubscribe()
})

test('what REST shows a little late is caught by a second look where trades have no numbers', async () => {
  const s = stage(false)
  await s.pass(1_000)
  s.trade(false)
  await s.pass(10_000)
  assert.deepEqual(s.ids(), [1])
  s.following.unsubscribe()
})

test('an exchange without sockets is asked again and again', async () => {
  const clock = new SimulatedClock(start)
  const pages = [[[start, 1]], [], [[start + 7000, 2]]] as [number, number][][]
  const heard: number[] = []
  const asked: number[] = []
  let lost = ''
  const venue = {
    deep: true,
    trades: async (): Promise<TradesPage> => {
      const page = pages.shift()
      if (page === undefined) throw new Fault('feed.unavailable', 'gone', { retryable: true })
      return { trades: bundleOf(page), coveredTo: clock.now(), next: undefined }
    },
  }
  const ear: SocketEar = {
    up: () => heard.push(0),
    trades: (_coin, trades) => heard.push(...trades.id),
    told: (_coin, askedAt) => asked.push(askedAt - start),
    torn: () => assert.fail('its pages begin where they were asked to'),
    lost: (cause) => {
      lost = cause
    },
    refused: () => {},
  }
  const socket = pollingSocket(venue, ear, clock, 5_000)
  socket.watch(coin)
  for (let i = 0; i < 4; i++) {
    await setImmediate()
    // Whoever watches it anew is told that it is up, and it is asked no more often.
    if (i === 1) socket.watch(coin)
    clock.advance(5_000)
  }
  await setImmediate()
  assert.deepEqual(heard, [0, 1, 0, 2])
  assert.deepEqual(asked, [0, 5_000, 10_000])
  assert.equal(lost, 'gone')
  assert.equal(clock.timers, 0)
})

test('where trades are asked for a candle waits until they were, and is right at once', async () => {
  const s = stage(false, { polled: true })
  await s.pass(5 * minute, () => s.trade(false))
  const told = closedOnce(s.items, start)
  assert.deepEqual(
    told.map(({ state, trades }) => [state, trades]),
    Array.from({ length: 4 }, () => ['final', 60]),
  )
  assert.equal(s.of('gap').length, 0)
  s.following.unsubscribe()
})

test('where trades are asked for, what was traded beyond a page is on record', async () => {
  const s = stage(false, { polled: true, newest: 10 })
  await s.pass(90_000, () => s.trade(false))
  await s.pass(10_000, () => {
    for (let i = 0; i < 3; i++) {
      s.trade(false)
      s.clock.advance(100)
    }
  })
  await s.pass(2 * minute, () => s.trade(false))
  const lost = s.truth.filter(([at, id]) => at < start + 3 * minute && !s.ids().includes(id))
  assert.ok(lost.length > 0, 'more was traded between two questions than a page tells')
  assertOnRecord(s.items, lost)
  assert.deepEqual(
    closedOnce(s.items, start).map(({ state }) => state),
    ['final', 'missing', 'final'],
  )
  s.following.unsubscribe()
})
