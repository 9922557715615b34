import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { coin } from '../../../actors/coin/coin.ts'
import { CoinLine, type LineHint } from '../../../actors/coin/coin-line.ts'
import { FeatureHistory } from '../../../actors/coin/feature-history.ts'
import type { SinkCommand } from '../../../actors/sink.ts'
import { inProcessBus } from '../../../streams/bus.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { featureSet } from '../../../streams/features/set.ts'
import type { Feed } from '../../../streams/feeds/feed.ts'
import { dayMs, type Millis, minuteMs } from '../../../streams/time.ts'
import { TradesBuilder } from '../../../streams/trade.ts'
import { MemoryLedger } from '../../support/actors/memory-ledger.ts'
import { inbox, probe } from '../../support/actors/probe.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const from = Date.UTC(2026, 0, 10)
const graceMs = 2_000
const correctionMs = 10 * minuteMs
const set = featureSet(minuteMs)
const at = (minutes: number): Millis => from + minutes * minuteMs
/** What the source has: two days before `from`, and a day after it. */
const past = madeCandles({ from: from - 2 * dayMs, count: 3 * 1_440 })

interface Stood {
  readonly now?: Millis
  readonly ledger?: MemoryLedger
  /** The source keeps candles from here on. */
  readonly keptFrom?: Millis
}

async function stand(stood: Stood = {}) {
  const { now = from + graceMs, ledger = new MemoryLedger(), keptFrom = 0 } = stood
  const asked: [from: Millis, to: Millis][] = []
  const feed: Feed = {
    source: 'tape',
    mode: 'tape',
    market: 'made',
    speed: Number.POSITIVE_INFINITY,
    now: () => now,
    open: () => assert.fail('the feed is opened by its own actor'),
    history: {
      candleColumns: { takerBuyVolume: true, trades: true },
      earliest: (_coin, notBefore) => Promise.resolve(Math.max(notBefore, keptFrom)),
      candles: async function* (_coin, since, to) {
        asked.push([since, to])
        const kept = Math.max(since, keptFrom)
        yield past.filter(({ openAt }) => openAt >= kept && openAt < to)
      },
      trades: async function* () {},
    },
  }
  const line = new CoinLine(btc, minuteMs, set.columns.length, 64)
  const bus = inProcessBus()
  const box = inbox<SinkCommand>()
  const committed: Millis[] = []
  const hints: LineHint[] = []
  line.hints$.subscribe((hint) => hints.push(hint))
  const spec = coin({
    ...{ line, feed, bus, reader: ledger, history: ledger, sink: box, graceMs, correctionMs },
    features: new FeatureHistory({
      reader: ledger,
      set,
      dueAt: ({ openAt }) => openAt + minuteMs,
    }),
    featureHash: set.hash,
    intervalMs: minuteMs,
    warmMs: 2 * dayMs,
    tradesReachMs: 2 * 60 * minuteMs,
    committed: (to) => committed.push(to),
  })
  type Message = Parameters<typeof spec.receive>[1]
  const { self, told, later, piped, crashes } = probe<Message>()
  const starting = Promise.resolve(spec.start(self))
  // It goes on only when the gap of its absence is durable.
  for (
    let isUp = false;
    !isUp;
    isUp = await Promise.race([starting.then(() => true), setImmediate(false)])
  ) {
    const write = box.taken.find((it) => it.entries.every(({ type }) => type === 'gap'))
    if (write === undefined) continue
    box.taken.splice(box.taken.indexOf(write), 1)
    await ledger.commit(write.entries)
    write.replyTo?.({ predictions: [], stale: 0 })
  }
  let state = await starting
  const settle = async (): Promise<void> => {
    for (;;) {
      await piped()
      const message = told.shift()
      if (!message) return
      state = await spec.receive(state, message, self)
    }
  }
  /** Commits what the sink was given, oldest first, and lets the actor hear of it. */
  const commit = async (): Promise<void> => {
    for (let next = box.taken.shift(); next; next = box.taken.shift()) {
      if (next.type !== 'write') continue
      const { predictions } = await ledger.commit(next.entries)
      next.replyTo?.({ predictions, stale: 0 })
      await settle()
      await setImmediate()
    }
  }
  const minute = (i: number, price = 100 + i): void => {
    const trades = new TradesBuilder()
    trades.push(at(i) + 1_000, i * 10, price, 1, 1)
    trades.push(at(i) + 30_000, i * 10 + 1, price + 1, 2, -1)
    bus.publish(btc, { type: 'trades', coin: btc, trades: trades.take() })
  }
  const clock = (i: number): void =>
    bus.publish(btc, { type: 'clock', coin: btc, at: at(i) + graceMs, receivedAt: 0 })
  const elapse = async (): Promise<void> => {
    const due = later.shift()
    assert.ok(due, 'it has set a timer')
    state = await spec.receive(state, due.message, self)
    await settle()
  }
  await commit()
  hints.length = 0
  /** Another life begins, and is given up at once. */
  const startInVain = async (): Promise<void> => {
    const { self: other, abort } = probe<Message>()
    const started = spec.start(other)
    abort()
    await assert.rejects(async () => started, { name: 'AbortError' })
  }
  return {
    ...{ ledger, line, bus, box, committed, hints, crashes, asked, later },
    ...{ settle, commit, minute, clock, elapse, startInVain },
  }
}

test('a first start fetches what the features need, and begins with the candle that is open', async () => {
  const { line, asked, committed, ledger } = await stand()
  assert.deepEqual(asked, [[from - 2 * dayMs, from]])
  assert.deepEqual(committed, [from])
  assert.equal(line.ring.to, from)
  assert.equal(ledger.written('snapshot')[0]?.isOrigin, true)
})

test('candle, position and features go to the sink in one write, and only then are versions told', async () => {
  const { minute, clock, settle, commit, box, hints, ledger, line } = await stand()
  minute(0)
  clock(1)
  await settle()
  assert.equal(box.taken.length, 1)
  const [write] = box.taken
  assert.deepEqual(write?.type === 'write' && write.entries.map(({ type }) => type), [
    'trades',
    'candle',
    'position',
    'features',
  ])
  assert.deepEqual(hints, [{ type: 'closed', openAt: from }])
  assert.equal(line.committedTo, from, 'nothing is said to be durable before it is')
  await commit()
  assert.equal(line.committedTo, at(1))
  assert.equal(await ledger.position(btc), at(1))
  assert.equal(ledger.all(btc).at(-1)?.close, 101)
})

test('many candles that close at once are one hint: what a version waits for is not crowded out', async () => {
  const { clock, settle, commit, hints, line } = await stand()
  clock(200)
  await settle()
  assert.deepEqual(hints, [{ type: 'closed', openAt: at(199) }])
  await commit()
  assert.equal(line.committedTo, at(200))
})

test('while nothing is committed a coin gathers, and what it gathered follows when the first commits come', async () => {
  const { minute, clock, settle, commit, box, ledger } = await stand()
  for (let i = 0; i < 100; i++) {
    minute(i)
    clock(i + 1)
    await settle()
  }
  assert.ok(box.taken.length <= 32, `${box.taken.length} writes wait for their commit`)
  await commit()
  const candles = ledger.all(btc).filter(({ openAt }) => openAt >= from)
  assert.deepEqual(
    candles.map(({ openAt }) => openAt),
    Array.from({ length: 100 }, (_, i) => at(i)),
  )
})

test('a start that is given up leaves the living one its ring and its position', async () => {
  const { minute, clock, settle, commit, line, startInVain } = await stand()
  for (const i of [0, 1, 2]) {
    minute(i)
    clock(i + 1)
  }
  await settle()
  await commit()
  const { ring } = line
  await startInVain()
  assert.equal(line.ring, ring)
  assert.deepEqual([line.ring.to, line.committedTo], [at(3), at(3)])
})

test('a full sink is offered the very same write again, and nothing overtakes it', async () => {
  const { minute, clock, settle, commit, elapse, box, ledger, hints } = await stand()
  box.isFull = true
  minute(0)
  clock(1)
  await settle()
  minute(1)
  clock(2)
  await settle()
  assert.deepEqual(hints, [])
  box.isFull = false
  await elapse()
  await commit()
  await commit()
  const candles = ledger.written('candle').map(({ candle }) => candle.openAt)
  assert.deepEqual(candles, [at(0), at(1)])
})

test('a late trade inside the window rewrites candle and rows at once, as an unbroken pass would have', async () => {
  const { minute, clock, settle, commit, bus, hints, ledger, line } = await stand()
  for (const i of [0, 1, 2, 3]) {
    minute(i)
    clock(i + 1)
  }
  await settle()
  await commit()
  const late = new TradesBuilder()
  late.push(at(1) + 40_000, 15, 500, 1, 1)
  bus.publish(btc, { type: 'trades', coin: btc, trades: late.take() })
  await settle()
  await commit()
  const candles = ledger.all(btc)
  const mended = candles.find(({ openAt }) => openAt === at(1))
  assert.deepEqual([mended?.high, mended?.state, mended?.revision], [500, 'corrected', 1])
  assert.deepEqual(hints.at(-1), { type: 'mended', from: at(1) })
  const engine = new FeatureEngine(minuteMs)
  const values = new Float64Array(set.columns.length)
  for (const candle of candles) engine.step(candle, values)
  assert.deepEqual(line.ring.at(at(3))?.values, values)
})

test('a gap is recorded when it comes; healed late, the engine is rebuilt from the ledger before anything follows', async () => {
  const { minute, clock, settle, commit, bus, hints, ledger, line } = await stand()
  const gap = { coin: btc, from: at(1), to: at(3), cause: 'disconnected' } as const
  minute(0)
  clock(1)
  bus.publish(btc, { type: 'gap', gap })
  clock(3)
  for (let i = 3; i < 30; i++) {
    minute(i)
    clock(i + 1)
  }
  await settle()
  await commit()
  const states = ledger.all(btc).filter(({ openAt }) => openAt >= from && openAt < at(4))
  assert.deepEqual(
    states.map(({ state }) => state),
    ['final', 'missing', 'missing', 'final'],
  )
  minute(1)
  // Of the second minute the source has its own candle and no trades any more.
  const [own] = madeCandles({ from: at(2), count: 1 })
  bus.publish(btc, { type: 'healed', gap, candles: [own as Candle] })
  minute(30)
  clock(31)
  await settle()
  await commit()
  await commit()
  assert.deepEqual(await ledger.openGaps(btc), [])
  assert.ok(hints.some((hint) => hint.type === 'mended' && hint.from === at(1)))
  const candles = ledger.all(btc)
  assert.ok(candles.every(({ state }) => state !== 'missing'))
  const healed = candles.find(({ openAt }) => openAt === at(2))
  assert.deepEqual([healed?.state, healed?.close], ['corrected', own?.close])
  const engine = new FeatureEngine(minuteMs)
  const values = new Float64Array(set.columns.length)
  for (const candle of candles) engine.step(candle, values)
  assert.deepEqual(line.ring.at(at(30))?.values, values)
})

test('a short absence goes on from the position; a long one is filled with candles of the source', async () => {
  const first = await stand()
  first.minute(0)
  first.clock(1)
  await first.settle()
  await first.commit()
  const soon = await stand({ now: at(100), ledger: first.ledger })
  assert.deepEqual(soon.asked, [])
  assert.deepEqual(soon.committed, [at(1)])
  // A try before this one came as far as that.
  await first.ledger.writeHistory(past.filter(({ openAt }) => openAt >= at(1) && openAt < at(500)))
  const late = await stand({ now: at(1_000) + graceMs, ledger: first.ledger })
  assert.deepEqual(late.asked, [[at(500), at(1_000)]])
  assert.deepEqual(late.committed, [at(1_000)])
  assert.equal(late.line.ring.to, at(1_000))
})

test('of a long absence what the source no longer reaches is missing, on record, and heals', async () => {
  const first = await stand()
  first.minute(0)
  first.clock(1)
  await first.settle()
  await first.commit()
  const late = await stand({ now: at(1_000) + graceMs, ledger: first.ledger, keptFrom: at(280) })
  const gap = { coin: btc, from: at(1), to: at(280), cause: 'missing_history' } as const
  assert.deepEqual(await late.ledger.openGaps(btc), [gap])
  const states = late.ledger.all(btc).filter(({ openAt }) => openAt >= from)
  assert.equal(states.length, 1_000)
  for (const { openAt, state } of states) {
    const isTold = openAt === from || openAt >= at(280)
    assert.equal(state, isTold ? 'final' : 'missing')
  }
  for (let i = 1; i < 280; i++) late.minute(i)
  late.bus.publish(btc, { type: 'healed', gap })
  await late.settle()
  await late.commit()
  assert.deepEqual(await late.ledger.openGaps(btc), [])
  assert.ok(late.ledger.all(btc).every(({ state }) => state !== 'missing'))
})

test('what a try before this one came to proves nothing of what the source no longer reaches', async () => {
  const { ledger, minute, clock, settle, commit } = await stand()
  minute(0)
  clock(1)
  await settle()
  await commit()
  await ledger.writeHistory(past.filter(({ openAt }) => openAt >= at(1) && openAt < at(100)))
  await stand({ now: at(1_000) + graceMs, ledger, keptFrom: at(280) })
  const gap = { coin: btc, from: at(100), to: at(280), cause: 'missing_history' } as const
  assert.deepEqual(await ledger.openGaps(btc), [gap])
  const missing = ledger.all(btc).filter(({ state }) => state === 'missing')
  assert.deepEqual([missing.length, missing[0]?.openAt], [180, at(100)])
})
