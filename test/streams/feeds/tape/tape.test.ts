import assert from 'node:assert/strict'
import { test } from 'node:test'
import { from, take, takeWhile, VirtualTimeScheduler } from 'rxjs'
import { type BookEvent, CandleBook } from '../../../../streams/candles/book.ts'
import type { Candle } from '../../../../streams/candles/candle.ts'
import { candleEvents } from '../../../../streams/candles/events.ts'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import type { Feed, FeedItem } from '../../../../streams/feeds/feed.ts'
import { Pace } from '../../../../streams/feeds/pace.ts'
import { seededMarket, seededStartAt } from '../../../../streams/feeds/tape/seeded.ts'
import { type TapeOptions, tapeFeed } from '../../../../streams/feeds/tape/tape.ts'
import type { Gap } from '../../../../streams/gap.ts'
import { floorTo, hourMs, minuteMs } from '../../../../streams/time.ts'

const btc = parseCoin('BTC/USDT') as Coin
const eth = parseCoin('ETH/USDT') as Coin
const graceMs = 2000
const market = seededMarket({ seed: 7 })

function simulated(): VirtualTimeScheduler {
  const clock = new VirtualTimeScheduler()
  clock.maxFrames = Number.POSITIVE_INFINITY
  return clock
}

function feedWith(rest: Partial<TapeOptions>): Feed {
  return tapeFeed({ market, clock: simulated(), speed: Number.POSITIVE_INFINITY, graceMs, ...rest })
}

/** All that arrives until market time reaches `until`, with the wall instants of arrival. */
function record(
  feed: Feed,
  clock: VirtualTimeScheduler,
  coin: Coin,
  from: number,
  until: number,
): readonly (FeedItem & { readonly wall: number })[] {
  const items: (FeedItem & { readonly wall: number })[] = []
  feed
    .open(coin, from)
    .pipe(takeWhile((item) => item.type !== 'clock' || item.at < until, true))
    .subscribe((item) => items.push({ ...item, wall: clock.now() }))
  return items
}

function bookOf(coin: Coin, from: number): CandleBook {
  return new CandleBook({ coin, intervalMs: minuteMs, graceMs, correctionMs: 5 * minuteMs, from })
}

function closedBy(items: readonly FeedItem[], coin: Coin, from: number): readonly Candle[] {
  const book = bookOf(coin, from)
  const candles: Candle[] = []
  const keep = (events: readonly BookEvent[]): void => {
    for (const event of events) {
      assert.equal(event.type, 'closed')
      if (event.type === 'closed') candles.push(event.candle)
    }
  }
  for (const item of items) {
    if (item.type === 'trades') keep(book.add(item.trades))
    if (item.type === 'clock') keep(book.clock(item.at))
  }
  return candles
}

async function history(
  feed: Feed,
  coin: Coin,
  from: number,
  to: number,
): Promise<readonly Candle[]> {
  const candles: Candle[] = []
  for await (const page of feed.history.candles(coin, from, to)) candles.push(...page)
  return candles
}

test('what is played and what history tells afterwards are the same candles, bit for bit', async () => {
  const clock = simulated()
  const feed = feedWith({ clock })
  const until = seededStartAt + 30 * hourMs
  const items = record(feed, clock, btc, seededStartAt, until + graceMs)
  clock.flush()
  const played = closedBy(items, btc, seededStartAt)
  assert.equal(played.length, 30 * 60)
  const traded = played.filter((candle) => candle.state === 'final')
  assert.deepEqual(await history(feed, btc, seededStartAt, until), traded)
  assert(traded.length < played.length, 'a quiet minute is part of the tape')
})

test('arrivals in another order within the grace give the same candles', () => {
  const play = (rest: Partial<TapeOptions>): readonly FeedItem[] => {
    const clock = simulated()
    const items = record(
      feedWith({ clock, ...rest }),
      clock,
      btc,
      seededStartAt,
      seededStartAt + 5 * hourMs,
    )
    clock.flush()
    return items
  }
  const times = (items: readonly FeedItem[]): readonly number[] =>
    items.flatMap((item) => (item.type === 'trades' ? [...item.trades.at] : []))
  const [inOrder, shuffled] = [play({}), play({ shuffleSeed: 5 })]
  const sorted = [...times(shuffled)].sort((a, b) => a - b)
  assert.notDeepEqual(times(shuffled), sorted)
  assert.deepEqual(closedBy(shuffled, btc, seededStartAt), closedBy(inOrder, btc, seededStartAt))
  assert.notDeepEqual(times(play({ shuffleSeed: 6 })), times(shuffled))
})

/** The same feed with a hole in it: nothing arrives of `[from, to)` until it is healed at `healAt`. */
function withGap(items: readonly FeedItem[], gap: Gap, healAt: number): readonly FeedItem[] {
  const lost: FeedItem[] = []
  const out: FeedItem[] = []
  let isOpen = false
  let isHealed = false
  for (const item of items) {
    const isLost =
      item.type === 'trades' && item.trades.at[0]! >= gap.from && item.trades.at[0]! < gap.to
    if (isLost) {
      lost.push(item)
      continue
    }
    if (!isOpen && item.type === 'clock' && item.at >= gap.to) {
      out.push({ type: 'gap', gap })
      isOpen = true
    }
    if (!isHealed && item.type === 'clock' && item.at >= healAt) {
      out.push(...lost, { type: 'healed', gap })
      isHealed = true
    }
    out.push(item)
  }
  return out
}

test('a gap of an hour, found late and healed hours after, ends in the candles of an unbroken market', () => {
  const clock = simulated()
  const items = record(feedWith({ clock }), clock, btc, seededStartAt, seededStartAt + 5 * hourMs)
  clock.flush()
  const gap: Gap = {
    coin: btc,
    from: seededStartAt + hourMs,
    to: seededStartAt + 2 * hourMs,
    cause: 'silent',
  }
  const latest = new Map<number, Candle>()
  const book = new CandleBook({
    coin: btc,
    intervalMs: minuteMs,
    graceMs,
    correctionMs: 2 * hourMs,
    from: seededStartAt,
  })
  const revisions: number[] = []
  from(withGap(items, gap, seededStartAt + 4 * hourMs))
    .pipe(candleEvents(book, Number.POSITIVE_INFINITY))
    .subscribe((event) => {
      if (event.type !== 'closed' && event.type !== 'corrected') return
      latest.set(event.candle.openAt, event.candle)
      if (event.type === 'corrected') revisions.push(event.candle.revision)
    })
  const prices = (c: Candle): unknown => ({ ...c, state: c.state === 'empty', revision: 0 })
  const whole = closedBy(items, btc, seededStartAt).map(prices)
  assert.deepEqual([...latest.values()].sort((a, b) => a.openAt - b.openAt).map(prices), whole)
  assert(revisions.includes(1) && Math.max(...revisions) <= 2)
})

test('the clock never says more than was delivered, and stands at every end and grace', () => {
  for (const speed of [1, 60, 777, Number.POSITIVE_INFINITY]) {
    const clock = simulated()
    const until = seededStartAt + 3 * minuteMs
    const items = record(feedWith({ clock, speed }), clock, btc, seededStartAt, until)
    clock.flush()
    let told = seededStartAt
    const stood = new Set<number>()
    for (const item of items) {
      if (item.type === 'trades') for (const at of item.trades.at) assert(at >= told)
      if (item.type !== 'clock') continue
      assert(item.at > told)
      told = item.at
      stood.add(item.at - seededStartAt)
    }
    for (const at of [60_000, 62_000, 120_000, 122_000, 180_000])
      assert(stood.has(at), `${speed}× ${at}`)
  }
})

test('market time runs at the speed of the wall that was asked for, in few deliveries', () => {
  const clock = simulated()
  const items = record(
    feedWith({ clock, speed: 60 }),
    clock,
    btc,
    seededStartAt,
    seededStartAt + 10 * minuteMs,
  )
  clock.flush()
  const last = items.at(-1)
  assert(last && Math.abs(last.wall - 10_000) <= 2, `10 minutes took ${last?.wall} ms`)
  const clocks = items.filter((item) => item.type === 'clock')
  assert(clocks.length <= 10 * 10, `${clocks.length} clock items in 10 s`)
})

test('a close is due when it fell on the wall, though its turn came later', () => {
  const clock = simulated()
  const feed = feedWith({ clock, speed: 7 })
  const due: number[] = []
  feed
    .open(btc, seededStartAt)
    .pipe(candleEvents(bookOf(btc, seededStartAt), feed.speed))
    .subscribe((event) => {
      if (event.type === 'closed') due.push(event.dueAt)
    })
  clock.maxFrames = 60_000
  clock.flush()
  assert(due.length > 5)
  due.forEach((at, i) => {
    assert(Math.abs(at - ((i + 1) * minuteMs) / 7) < 1e-6, `${at}`)
  })
})

test('coins move in lockstep, and one that is opened later is brought up to the present', () => {
  const clock = simulated()
  const feed = feedWith({ clock, speed: 60 })
  const seen: [Coin, number][] = []
  const note = (item: FeedItem): void => {
    if (item.type === 'clock') seen.push([item.coin, item.at])
  }
  const subscriptions = [feed.open(btc, seededStartAt).subscribe(note)]
  clock.maxFrames = 30_000
  clock.flush()
  const joinedAt = feed.now()
  assert.equal(joinedAt, seededStartAt + 30 * minuteMs)
  const before = seen.length
  subscriptions.push(feed.open(eth, seededStartAt - 10 * minuteMs).subscribe(note))
  clock.maxFrames = 40_000
  clock.flush()
  const caughtUp = seen.slice(before).findIndex(([coin, at]) => coin === eth && at >= joinedAt)
  assert.equal(seen.slice(before, before + caughtUp).filter(([coin]) => coin === btc).length, 0)
  const latest = (coin: Coin): number =>
    Math.max(...seen.filter(([c]) => c === coin).map(([, at]) => at))
  assert.equal(latest(btc), latest(eth))
  assert.equal(latest(btc), seededStartAt + 40 * minuteMs)
  for (const subscription of subscriptions) subscription.unsubscribe()
  assert.equal(
    clock.actions.filter((action) => !action.closed).length,
    0,
    'nothing is left on the clock',
  )
})

test('a resumed market stands where it was, and goes on from the past at once', () => {
  const clock = simulated()
  const startAt = seededStartAt + 90 * minuteMs + 12_345
  const from = floorTo(startAt, minuteMs) - 10 * minuteMs
  const feed = feedWith({ clock, speed: 1, startAt })
  const items = record(feed, clock, btc, from, startAt)
  clock.maxFrames = 10
  clock.flush()
  assert.equal(items.filter((item) => item.type === 'clock').at(-1)?.at, startAt)
  assert.equal(closedBy(items, btc, from).length, 10)
})

test('it waits for the fleet: never more than one candle ahead of the slowest', () => {
  for (const speed of [60, Number.POSITIVE_INFINITY]) {
    const clock = simulated()
    const pace = new Pace()
    pace.answered('fast', seededStartAt)
    pace.answered('slow', seededStartAt)
    const feed = feedWith({ clock, speed, pace })
    const clocks: number[] = []
    const open = feed.open(btc, seededStartAt).subscribe((item) => {
      if (item.type === 'clock') clocks.push(item.at)
    })
    const settle = (): void => {
      clock.maxFrames += 600_000
      clock.flush()
    }
    clock.maxFrames = 0
    settle()
    assert.equal(feed.now(), seededStartAt + minuteMs + graceMs, 'one candle has closed')
    pace.answered('fast', seededStartAt + minuteMs)
    settle()
    assert.equal(feed.now(), seededStartAt + minuteMs + graceMs)
    pace.answered('slow', seededStartAt + minuteMs)
    settle()
    assert.equal(feed.now(), seededStartAt + 2 * minuteMs + graceMs)
    pace.leave('slow')
    pace.answered('fast', seededStartAt + 5 * minuteMs)
    settle()
    assert.equal(feed.now(), seededStartAt + 6 * minuteMs + graceMs)
    assert.equal(clocks.at(-1), feed.now())
    open.unsubscribe()
  }
})

test('a fleet that answers inside the delivery keeps it going', () => {
  const clock = simulated()
  const pace = new Pace()
  pace.answered('lane', seededStartAt)
  const feed = feedWith({ clock, pace })
  let closed = 0
  feed
    .open(btc, seededStartAt)
    .pipe(
      candleEvents(bookOf(btc, seededStartAt), feed.speed, {
        previewMsMin: Number.POSITIVE_INFINITY,
      }),
      take(100),
    )
    .subscribe((event) => {
      closed++
      if (event.type === 'closed') pace.answered('lane', event.candle.openAt + minuteMs)
    })
  clock.flush()
  assert.equal(closed, 100)
})

test('history does not tell what has not been played', async () => {
  const clock = simulated()
  const feed = feedWith({ clock })
  const ahead = await history(feed, btc, seededStartAt - 5 * minuteMs, seededStartAt + hourMs)
  assert(ahead.every((candle) => candle.openAt < seededStartAt))
  const trades: number[] = []
  for await (const page of feed.history.trades(
    btc,
    seededStartAt - minuteMs,
    seededStartAt + hourMs,
  )) {
    trades.push(...page.at)
  }
  assert(trades.length > 0 && trades.every((at) => at < seededStartAt))
})

test('at full speed the event loop gets its turns', () => {
  const clock = simulated()
  let others = 0
  clock.schedule(function () {
    others++
    if (others < 1000) this.schedule(undefined, 1)
  }, 1)
  feedWith({ clock }).open(btc, seededStartAt).pipe(take(2000)).subscribe()
  clock.flush()
  assert.equal(others, 1000)
})

test('a wall clock that is set back or forward does not hold the tape up, and does not hurry it beyond the fleet', () => {
  const clock = simulated()
  let offsetMs = 0
  const now = clock.now.bind(clock)
  clock.now = () => now() + offsetMs
  const startAt = seededStartAt
  const feed = feedWith({ clock, speed: 60, startAt })
  const times: number[] = []
  feed
    .open(btc, startAt)
    .pipe(takeWhile((item) => item.type !== 'clock' || item.at < startAt + 60 * minuteMs, true))
    .subscribe((item) => {
      if (item.type !== 'clock') return
      times.push(now())
      if (times.length === 10) offsetMs = -hourMs
      if (times.length === 20) offsetMs = 0
    })
  clock.flush()
  assert.ok((times.at(-1) as number) < 70_000, `an hour at 60x took ${times.at(-1)} ms`)
})
