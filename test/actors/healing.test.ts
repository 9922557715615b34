import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type HealingMessage,
  type HealingPorts,
  healing,
  nextDue,
  wholeCandles,
} from '../../actors/healing.ts'
import { inProcessBus } from '../../streams/bus.ts'
import type { Candle } from '../../streams/candles/candle.ts'
import { Fault } from '../../streams/fault.ts'
import type { Feed, FeedItem } from '../../streams/feeds/feed.ts'
import type { Gap } from '../../streams/gap.ts'
import { type Millis, minuteMs } from '../../streams/time.ts'
import { tradesOf } from '../../streams/trade.ts'
import { btc, madeCandles } from '../support/candles.ts'
import { probe } from '../support/probe.ts'

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
})

interface Source {
  /** Minutes of which the source has trades, and those of which it has candles. */
  readonly traded: readonly number[]
  readonly candles: readonly number[]
  readonly refuses?: boolean
}

/** One look at one gap of three minutes; what went onto the bus, and what the actor told itself. */
async function tried({ traded, candles, refuses }: Source) {
  const bus = inProcessBus()
  const items: FeedItem[] = []
  bus.of(btc).subscribe((item) => items.push(item))
  const made: readonly Candle[] = madeCandles({ from, count: 3 })
  const history: Partial<Feed['history']> = {
    trades: async function* () {
      if (refuses) throw new Fault('feed.no_market', 'gone')
      yield tradesOf(
        traded.map((i) => ({ at: from + i * minuteMs + 1, id: i, price: 1, size: 1, side: 1 })),
      )
    },
    candles: async function* () {
      yield made.filter((_, i) => candles.includes(i))
    },
  }
  const feed = { now: () => now, history } as unknown as Feed
  const open = [gap(1_000, 2 * minuteMs + 1)]
  const reader: HealingPorts['reader'] = { openGaps: () => Promise.resolve(open) }
  const spec = healing({ coin: btc, feed, bus, reader, intervalMs: minuteMs })
  const { self, told, later, piped, crashes } = probe<HealingMessage>()
  let state = await spec.start(self)
  state = await spec.receive(state, told.shift() as HealingMessage, self)
  await piped()
  assert.deepEqual(crashes, [])
  const outcome = told.shift() as Extract<HealingMessage, { type: 'tried' }>
  state = await spec.receive(state, outcome, self)
  await spec.receive(state, told.shift() as HealingMessage, self)
  return { items, healed: outcome.healed, later }
}

test('what the source can prove goes onto the bus: its trades, then the healing of whole candles', async () => {
  const { items, healed, later } = await tried({ traded: [0, 2], candles: [0, 2] })
  assert.equal(healed, true)
  assert.deepEqual(
    items.map(({ type }) => type),
    ['trades', 'healed'],
  )
  const last = items[1] as Extract<FeedItem, { type: 'healed' }>
  assert.deepEqual(last.gap, gap(0, 3 * minuteMs))
  assert.equal(later.length, 1, 'and it looks again')
})

test('what the source cannot prove stays on record, and is tried again later', async () => {
  const sources: Source[] = [
    { traded: [0], candles: [0, 1] },
    { traded: [], candles: [0, 1, 2] },
    { traded: [], candles: [] },
    { traded: [], candles: [], refuses: true },
  ]
  for (const source of sources) {
    const { items, healed, later } = await tried(source)
    assert.equal(healed, false)
    assert.ok(items.every(({ type }) => type !== 'healed'))
    assert.equal(later.length, 1)
  }
})

test('trades without candles are proof enough: a source keeps its trades for longer', async () => {
  assert.equal((await tried({ traded: [1], candles: [] })).healed, true)
})
