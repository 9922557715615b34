/** The live feed over the real ccxt, against exchanges that speak Binance's and Kraken's own formats over loopback. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Subject } from 'rxjs'
import { listen } from '../../../streams/channels.ts'
import { type Coin, parseCoin } from '../../../streams/coin.ts'
import { canReach, ccxtFeed } from '../../../streams/feeds/ccxt.ts'
import type { LiveLimits } from '../../../streams/feeds/live/limits.ts'
import type { LiveFeed } from '../../../streams/feeds/live/live-feed.ts'
import { wallClock } from '../../../streams/time.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { liveFeedOf, quick, Record, untilHeard } from '../../exchange/record.ts'
import { steadyClock as clock } from '../../exchange/steady-clock.ts'

const venues = [
  { source: 'binance', coin: parseCoin('BTC/USDT') as Coin, other: parseCoin('ETH/USDT') as Coin },
  { source: 'kraken', coin: parseCoin('BTC/USD') as Coin, other: parseCoin('ETH/USD') as Coin },
] as const

/** Candles of a second, so that a test sees many close. */
const intervalMs = 1000
const graceMs = quick.graceMs as number

interface Stage {
  readonly exchange: Exchange
  readonly feed: LiveFeed
  readonly record: Record
  readonly coin: Coin
  readonly from: number
  /** `count` trades, told as the faults in force let them. */
  readonly trade: (count: number) => void
}

for (const { source, coin, other } of venues) {
  async function stage(
    t: TestContext,
    options: { readonly limits?: Partial<LiveLimits>; readonly ccxtReads?: boolean } = {},
  ): Promise<Stage> {
    const exchange = await Exchange.start(source, [coin, other], 0, clock)
    const { urls } = exchange
    const feed = await liveFeedOf({ source, urls, clock, intervalMs, ...options })
    t.after(() => {
      feed.close()
      return exchange.close()
    })
    const from = exchange.now() - 5_000
    exchange.market(coin).generate(from, from + 4_900, 20)
    const record = new Record(feed, coin, from)
    await record.until(() => record.of('connected').length === 1, 'connected')
    await record.hears(exchange.market(coin).deals)
    const trade = (count: number): void => {
      for (let i = 0; i < count; i++) exchange.trade(coin, { price: 100 + i, size: 1 + i })
    }
    return { exchange, feed, record, coin, from, trade }
  }

  async function endsWell(s: Stage): Promise<void> {
    const { deals } = s.exchange.market(coin)
    await s.record.hears(deals)
    s.record.honest(deals, intervalMs, graceMs, s.from)
  }

  test(`${source}: trades before and after the start arrive once, coins share a socket`, async (t) => {
    const s = await stage(t)
    const second = new Record(s.feed, other, s.exchange.now())
    await second.until(() => second.of('connected').length === 1, 'connected')
    s.trade(50)
    for (let i = 0; i < 50; i++) s.exchange.trade(other, { price: 10 + i, size: 2 })
    await endsWell(s)
    await second.hears(s.exchange.market(other).deals)
    assert.equal(s.exchange.connections, 1)
    assert.equal(s.record.of('gap').length, 0)
    const at = s.feed.now()
    await s.record.until(() => (s.record.of('clock').at(-1)?.at ?? 0) > at, 'the clock goes on')
  })

  test(`${source}: a socket that breaks between opening and subscribing is one more that broke`, async (t) => {
    const s = await stage(t)
    const second = new Record(s.feed, other, s.exchange.now())
    for (let breaks = 0; breaks < 10; breaks++) {
      const opened = s.exchange.connections
      s.exchange.drop()
      await untilHeard(s.exchange.visited$, () => s.exchange.connections > opened, 'opened')
    }
    await second.until(() => second.of('connected').length > 0, 'connected')
    await untilHeard(s.exchange.visited$, () => s.exchange.listeners === 1, 'subscribed')
    s.trade(10)
    await endsWell(s)
  })

  test(`${source}: ccxt's own reading of frames gives the same trades`, async (t) => {
    const s = await stage(t, { ccxtReads: true })
    s.exchange.faults.shuffle = 50
    s.trade(100)
    await endsWell(s)
    assert.equal(s.record.of('gap').length, 0)
  })

  test(`${source}: a dropped socket is replaced and what it missed is a gap that heals`, async (t) => {
    const s = await stage(t)
    s.trade(5)
    s.exchange.drop()
    s.trade(5)
    await s.record.until(() => s.record.of('connected').length === 2, 'connected again')
    await s.record.until(() => s.record.mended(), 'healed')
    s.trade(5)
    await endsWell(s)
    assert.equal(s.record.of('reconnecting')[0]?.attempt, 1)
    assert.deepEqual([...new Set(s.record.of('gap').map(({ gap }) => gap.cause))], ['disconnected'])
  })

  test(`${source}: a silent socket is replaced, a quiet market is not`, async (t) => {
    const staleness = { limitMsMin: 250, limitMsMax: 500, limitMsUnknown: 250 }
    const s = await stage(t, { limits: { staleness } })
    await untilHeard(
      s.exchange.visited$,
      () => s.exchange.questions.filter(isTrades).length >= 3,
      'the quiet market is asked',
    )
    assert.equal(s.record.of('reconnecting').length, 0)
    s.exchange.mute()
    s.trade(3)
    await s.record.until(() => s.record.mended(), 'healed')
    assert.equal(s.record.of('reconnecting')[0]?.cause, 'silent')
    assert.equal(s.record.of('gap')[0]?.gap.cause, 'silent')
    s.trade(3)
    await endsWell(s)
  })

  test(`${source}: repeated, shuffled and delayed trades are each handed on once`, async (t) => {
    const s = await stage(t)
    s.exchange.faults.repeats = 3
    s.trade(20)
    s.exchange.faults.shuffle = 25
    s.trade(100)
    s.exchange.faults.shuffle = 0
    s.exchange.faults.delayMs = 30
    s.trade(20)
    s.exchange.trade(coin, { price: 5, size: 5, at: s.exchange.now() - 3_600_000 })
    await endsWell({ ...s, from: s.from })
    assert.equal(s.record.of('reconnecting').length, 0)
  })

  test(`${source}: trades that the socket swallowed are missed by their numbers and fetched`, async (t) => {
    const s = await stage(t)
    s.trade(3)
    for (let i = 0; i < 4; i++) {
      s.exchange.market(coin).add({ at: s.exchange.now(), price: 7, size: 7 })
    }
    s.trade(3)
    await s.record.until(() => s.record.mended(), 'healed')
    assert.deepEqual([...new Set(s.record.of('gap').map(({ gap }) => gap.cause))], ['sequence'])
    await endsWell(s)
    assert.equal(s.record.of('reconnecting').length, 0)
  })

  test(`${source}: what cannot be a trade or a frame is counted and costs nothing else`, async (t) => {
    const s = await stage(t)
    const refused: string[] = []
    const refusals$ = new Subject<void>()
    t.after(
      listen('feed.refused', ({ what }) => {
        refused.push(what)
        refusals$.next()
      }),
    )
    s.exchange.say('{"e":"aggTrade","channel":"trade",')
    s.exchange.say('good morning')
    s.exchange.say('[]')
    s.exchange.say('null')
    const market = s.exchange.market(coin)
    const absurd = [
      { price: 'NaN', size: '1' },
      { price: '-3', size: '1' },
      { price: '1', size: '0' },
      { price: '1', size: '1e300' },
    ]
    const id = market.deals.at(-1)?.id as number
    const deal = { at: s.exchange.now(), micros: 0, side: 'buy', fills: 1 } as const
    for (const [i, bad] of absurd.entries()) {
      s.exchange.tell(coin, [{ ...deal, ...bad, id: id + 1 + i }])
    }
    const future = { ...deal, id: id + 9, price: '1', size: '1', at: deal.at + 3_600_000 }
    s.exchange.tell(coin, [future])
    await untilHeard(
      refusals$,
      () => refused.length >= 7,
      () => `seven refusals, not ${refused}`,
    )
    s.trade(10)
    await endsWell(s)
    assert.equal(s.record.of('reconnecting').length, 0)
  })

  for (const fault of [
    { status: 429, retryAfter: '1' },
    { status: 429 },
    { status: 503, retryAfter: '1' },
    { status: 503 },
  ] as const) {
    const told = 'retryAfter' in fault ? 'with' : 'without'
    test(`${source}: ${fault.status} ${told} Retry-After delays the healing, not more`, async (t) => {
      const s = await stage(t)
      s.exchange.faults.rest = { ...fault, times: 2 }
      const droppedAt = Date.now()
      s.exchange.drop()
      s.trade(5)
      await s.record.until(() => s.record.mended(), 'healed')
      if (told === 'with') assert.ok(Date.now() - droppedAt >= 1000)
      s.trade(5)
      await endsWell(s)
    })
  }

  test(`${source}: an hour's outage is on record while it lasts and heals to the last trade`, async (t) => {
    const s = await stage(t, { limits: { patienceMs: 200 } })
    s.exchange.faults.outage = true
    s.exchange.drop()
    await s.record.until(() => s.record.of('gap').length > 1, 'declared while it lasts')
    const lastAt = s.exchange.market(coin).deals.at(-1)?.at as number
    s.exchange.offsetMs += 3_600_000
    s.exchange.market(coin).generate(lastAt + 1, s.exchange.now() - 1, 500)
    s.exchange.faults.outage = false
    await s.record.until(() => s.record.of('connected').length === 2, 'connected again')
    await s.record.until(() => s.record.mended(), 'healed')
    s.trade(5)
    await endsWell(s)
    const gaps = s.record.of('gap').map(({ gap }) => gap)
    const covered = gaps.reduce((all, gap) => all + gap.to - gap.from, 0)
    assert.ok(covered >= 3_600_000, `${covered} ms of the hour are on record`)
    assert.ok(Math.abs(s.feed.now() - s.exchange.now()) < 1500)
  })

  test(`${source}: a delisted coin ends, its neighbour goes on`, async (t) => {
    const staleness = { limitMsMin: 100, limitMsMax: 100, limitMsUnknown: 100 }
    const s = await stage(t, { limits: { staleness } })
    const second = new Record(s.feed, other, s.exchange.now())
    await second.until(() => second.of('connected').length === 1, 'connected')
    s.exchange.market(coin).delisted = true
    await s.record.until(() => s.record.completed, 'ended')
    assert.equal(s.record.items.at(-1)?.type, 'ended')
    s.exchange.trade(other, { price: 10, size: 2 })
    await second.hears(s.exchange.market(other).deals)
    assert.equal(second.of('ended').length, 0)
    const never = new Record(s.feed, parseCoin('NO/SUCH') as Coin, s.exchange.now())
    await never.until(() => never.completed, 'a coin that was never listed ends at once')
  })

  for (const offsetMs of [-90_000, 90_000]) {
    test(`${source}: an exchange whose clock is ${offsetMs / 1000} s off is followed in its own time`, async (t) => {
      const exchange = await Exchange.start(source, [coin], 0, clock)
      exchange.offsetMs = offsetMs
      const feed = await liveFeedOf({ source, urls: exchange.urls, clock, intervalMs })
      t.after(() => {
        feed.close()
        return exchange.close()
      })
      const from = exchange.now()
      const record = new Record(feed, coin, from)
      await record.until(() => record.of('connected').length === 1, 'connected')
      for (let i = 0; i < 5; i++) exchange.trade(coin, { price: 1 + i, size: 1 })
      await record.hears(exchange.market(coin).deals)
      await record.until(() => (record.of('clock').at(-1)?.at ?? 0) > from + 200, 'time is told')
      // Kraken tells whole seconds.
      const toldAt = record.of('clock').at(-1)?.at as number
      assert.ok(Math.abs(toldAt - exchange.now()) < 1500, `${toldAt} at ${exchange.now()}`)
      record.honest(exchange.market(coin).deals, intervalMs, graceMs + 1500, from)
    })
  }

  test(`${source}: history gives the candles and trades that were`, async (t) => {
    const exchange = await Exchange.start(source, [coin], 0, clock)
    const feed = await liveFeedOf({ source, urls: exchange.urls, clock })
    t.after(() => {
      feed.close()
      return exchange.close()
    })
    const to = Math.floor(exchange.now() / 60_000) * 60_000
    const from = to - 600 * 60_000
    const market = exchange.market(coin)
    market.generate(from, to - 3_600_000, 20_000)
    const trades: number[] = []
    for await (const page of feed.history.trades(coin, from, to)) trades.push(...page.id)
    assert.deepEqual(
      trades,
      market.deals.map((deal) => deal.id),
    )
    const candles = []
    for await (const page of feed.history.candles(coin, from, to)) candles.push(...page)
    const lines = market.klines(from, to - 1, 60_000).filter((line) => line.deals.length > 0)
    assert.deepEqual(
      candles.map(({ openAt, open, close, takerBuyVolume }) => [
        openAt,
        open,
        close,
        takerBuyVolume,
      ]),
      lines.map(({ openAt, deals }) => [
        openAt,
        Number(deals[0]?.price),
        Number(deals.at(-1)?.price),
        source === 'kraken' ? Number.NaN : bought(deals),
      ]),
    )
    assert.equal(await feed.history.earliest(coin, from), lines[0]?.openAt)
  })
}

function bought(deals: readonly { side: string; size: string }[]): number {
  const size = deals.reduce((all, deal) => all + (deal.side === 'buy' ? Number(deal.size) : 0), 0)
  return Number(size.toFixed(8))
}

function isTrades(question: string): boolean {
  return /aggTrades|Trades/.test(question)
}

test('an unknown exchange names those that were meant', async () => {
  const opened = ccxtFeed({ source: 'binanse', clock: wallClock, random: Math.random })
  await assert.rejects(opened, { code: 'feed.unknown_source', message: /binance/ })
})

test('an exchange that answers can be reached, one that is gone cannot', async () => {
  const exchange = await Exchange.start('binance', ['BTC/USDT'])
  assert.equal(await canReach('binance', 60_000, exchange.urls), true)
  await exchange.close()
  assert.equal(await canReach('binance', 60_000, exchange.urls), false)
})
