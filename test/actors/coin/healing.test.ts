import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type HealingMessage,
  type HealingPorts,
  healing,
  nextDue,
  wholeCandles,
} from '../../../actors/coin/healing.ts'
import { inProcessBus } from '../../../streams/bus.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Feed, FeedItem } from '../../../streams/feeds/feed.ts'
import type { Gap } from '../../../streams/gap.ts'
import { dayMs, hourMs, type Millis, minuteMs } from '../../../streams/time.ts'
import { tradesOf } from '../../../streams/trade.ts'
import { probe } from '../../support/actors/probe.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const from = Date.UTC(2026, 0, 10)
const now = from + 60 * minuteMs

function gap(fromMs: Millis, toMs: Millis): Gap {
  return { coin: btc, from: from + fromMs, to: from + toMs, cause: 'disconnected' }
}

test('gaps are widened to the candles that they touch, and meet as one', () => {
  const cases: [readonly Gap[], readonly Gap[]][] = [
    [[], []],
    [[gap(10, 20)], [gap(0, minuteMs)]],
    [[gap(0, minuteMs)], [gap(0, minuteMs)]],
    [[gap(90_000, 130_000), gap(10, 61_000)], [gap(0, 3 * minuteMs)]],
    [
      [gap(10, 20), gap(200_000, 210_000)],
      [gap(0, minuteMs), gap(3 * minuteMs, 4 * minuteMs)],
    ],
  ]
  for (const [gaps, whole] of cases) assert.deepEqual(wholeCandles(gaps, minuteMs), whole)
})

test('the oldest is due that ended long enough ago and whose turn it is', () => {
  const [first, second] = [gap(0, minuteMs), gap(3 * minuteMs, 4 * minuteMs)]
  const both = [first, second]
  const settledTo = from + 4 * minuteMs
  assert.equal(nextDue(both, new Map(), settledTo, 0), first)
  assert.equal(nextDue(both, new Map([[first.from, { notBefore: 5 }]]), settledTo, 4), second)
  assert.equal(nextDue(both, new Map([[first.from, { notBefore: 5 }]]), settledTo, 5), first)
  assert.equal(nextDue([second], new Map(), settledTo - 1, 0), undefined)
  const setBack = new Map([[first.from, { notBefore: 5 + hourMs }]])
  assert.equal(nextDue(both, setBack, settledTo, 4), first, 'a wait from before the clock was set')
})

interface Source {
  /** Minutes, counted from the first of the gap, of which the source has trades, and those of which it has candles. */
  readonly traded?: readonly number[]
  readonly candles?: readonly number[]
  /** What it says to any question. */
  readonly says?: Fault
  readonly now?: Millis
}

/** One look at one gap of three minutes; what went onto the bus, and what the actor told itself. */
async function tried({ traded = [], candles = [], says, now: at = now }: Source) {
  const bus = inProcessBus()
  const items: FeedItem[] = []
  bus.of(btc).subscribe((item) => items.push(item))
  const made = madeCandles({ from: from - 10 * minuteMs, count: 20 })
  const known: readonly Candle[] = made.filter((_, i) => candles.includes(i - 10))
  const within = (a: Millis, b: Millis) => known.filter(({ openAt }) => openAt >= a && openAt < b)
  const answer = (): void => {
    if (says) throw says
  }
  const history: Feed['history'] = {
    trades: async function* () {
      answer()
      yield tradesOf(
        traded.map((i) => ({ at: from + i * minuteMs + 1, id: i, price: 1, size: 1, side: 1 })),
      )
    },
    candles: async function* (_, a, b) {
      answer()
      yield within(a, b)
    },
    earliest: async (_, notBefore) => {
      answer()
      return within(notBefore, Number.POSITIVE_INFINITY)[0]?.openAt ?? at
    },
    candleColumns: { takerBuyVolume: true, trades: true },
  }
  const feed = { now: () => at, history } as unknown as Feed
  const open = [gap(1_000, 2 * minuteMs + 1)]
  const reader: HealingPorts['reader'] = { openGaps: () => Promise.resolve(open) }
  const spec = healing({ coin: btc, feed, bus, reader, intervalMs: minuteMs })
  const { self, told, later, piped, crashes } = probe<HealingMessage>()
  let state = await spec.start(self)
  state = await spec.receive(state, told.shift() as HealingMessage, self)
  await piped()
  assert.deepEqual(crashes, [])
  const { outcome } = told.shift() as Extract<HealingMessage, { type: 'tried' }>
  state = await spec.receive(state, { type: 'tried', gap: gap(0, 3 * minuteMs), outcome }, self)
  await spec.receive(state, told.shift() as HealingMessage, self)
  assert.equal(later.length, 1, 'and it looks again')
  const healed = items.filter((it) => it.type === 'healed')
  return {
    outcome,
    told: items.map(({ type }) => type).filter((type) => type !== 'trades'),
    minutes: healed.map((it) => [it.gap.from, it.gap.to].map((at) => (at - from) / minuteMs)),
    candles: healed.flatMap((it) => it.candles ?? []).map((it) => (it.openAt - from) / minuteMs),
  }
}

test('what the source can prove goes onto the bus, then the healing of whole candles', async () => {
  const cases: readonly [string, Source, readonly number[]][] = [
    ['trades for every candle', { traded: [0, 2], candles: [-1, 0, 2] }, []],
    ['a minute without trades', { traded: [0], candles: [-1, 0] }, []],
    ['nothing was traded, and it remembers the time before', { candles: [-1] }, []],
    ['candles where it no longer has trades', { candles: [-1, 0, 1, 2] }, [0, 1, 2]],
    ['trades that begin within a candle', { traded: [1, 2], candles: [-1, 0, 1, 2] }, [0, 1]],
    ['trades that begin with the first candle', { traded: [1, 2], candles: [-1, 1, 2] }, []],
    ['no candles at all: it keeps its trades for longer', { traded: [1] }, []],
  ]
  for (const [what, source, candles] of cases) {
    const { outcome, told, minutes, candles: taken } = await tried(source)
    assert.deepEqual([outcome, told, minutes], ['healed', ['healed'], [[0, 3]]], what)
    assert.deepEqual(taken, candles, what)
  }
})

test('what the source does not say now stays open, and is tried again later', async () => {
  const unavailable = new Fault('feed.away', 'later', { retryable: true })
  const cases: readonly [Source, string][] = [
    [{}, 'unproven'],
    [{ says: unavailable }, 'away'],
    [{ says: new Fault('feed.refused', 'not that') }, 'unproven'],
    [{ says: unavailable, now: now + 3 * dayMs }, 'away'],
  ]
  for (const [source, outcome] of cases) {
    const { told, ...is } = await tried(source)
    assert.deepEqual([is.outcome, told], [outcome, []])
  }
})

test('what the source has forgotten, or has not said within a day, is unhealable; what it has heals', async () => {
  const forgotten = await tried({ candles: [5] })
  assert.deepEqual([forgotten.outcome, forgotten.told], ['unhealable', ['unhealable']])
  const silent = await tried({ now: now + 3 * dayMs })
  assert.deepEqual([silent.outcome, silent.told], ['unhealable', ['unhealable']])
  const half = await tried({ candles: [1, 2] })
  assert.deepEqual([half.outcome, half.told], ['unhealable', ['healed', 'unhealable']])
  assert.deepEqual([half.minutes, half.candles], [[[1, 3]], [1, 2]])
})
