import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Mode, Prediction } from '../../../../models/prediction.ts'
import { assignSlot } from '../../../../ops/store/versions/versions.ts'
import type { Coin } from '../../../../streams/coin.ts'
import { dayMs, minuteMs } from '../../../../streams/time.ts'
import {
  blank,
  btc,
  candle,
  deadlocks,
  entries,
  noon,
  openTestStore,
  prediction,
  version,
} from '../../../support/store/database.ts'

const inTime = (): number => noon + minuteMs
const late = (): number => noon + 100 * minuteMs

test('the ledger decides the mode from the pointers, the clock and what was asked', async (t) => {
  const store = await openTestStore()
  const held = await version(store, { slot: 'v1' })
  const former = await version(store, { family: 'former', slot: 'v2', from: noon - dayMs })
  const heir = await version(store, { family: 'former', slot: 'v2', from: noon + minuteMs })
  const unheld = await version(store, { family: 'tst' })
  const cases: [string, typeof held, number, () => number, Partial<Prediction>, Mode][] = [
    ['held and in time', held, 0, inTime, {}, 'live'],
    ['the last moment before the next close', held, 1, () => noon + 3 * minuteMs - 1, {}, 'live'],
    ['at the next close', held, 2, () => noon + 4 * minuteMs, {}, 'backfill'],
    ['held and late', held, 3, late, {}, 'backfill'],
    ['history was asked for', held, 4, inTime, { asked: 'backfill' }, 'backfill'],
    ['seen in training', held, 5, inTime, { inSample: true }, 'in_sample'],
    [
      'seen in training, asked as history',
      held,
      6,
      late,
      { inSample: true, asked: 'backfill' },
      'in_sample',
    ],
    ['before the slot was given', held, -1, inTime, {}, 'shadow'],
    ['without a slot', unheld, 0, inTime, {}, 'shadow'],
    ['the last candle of a slot that was lost', former, 0, inTime, {}, 'live'],
    ['after the slot was lost', former, 1, inTime, {}, 'shadow'],
    ['the first candle of a slot that was won', heir, 1, inTime, {}, 'live'],
    ['before the slot was won', heir, 0, inTime, {}, 'shadow'],
  ]
  for (const [name, who, i, marketNow, change, mode] of cases) {
    await t.test(name, async () => {
      const done = await store.write.commit(entries(prediction(who, i, change)), marketNow)
      assert.deepEqual(
        done.predictions.map((it) => [it.mode, it.fresh]),
        [[mode, true]],
      )
    })
  }
})

test('a prediction comes back as it was written, with its slot', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v3' })
  store.wallNow = noon + 250
  const given = prediction(who, 0, {
    probabilities: { sell: 0.1, hold: 0.2 + 1e-17, buy: 1 / 3 },
    flags: ['a "quoted" one', 'back\\slash'],
    inputHash: '0123456789abcdef',
    traceId: '',
    epoch: 2 ** 40,
  })
  const done = await store.write.commit(entries(given), inTime)
  assert.equal(done.predictions[0]?.waitMs, 250)
  const read = await store.reads.prediction(who, noon)
  assert.deepEqual(read, {
    ...who,
    slot: 'v3',
    openAt: noon,
    closeAt: noon + minuteMs,
    horizon: '15m',
    mode: 'live',
    signal: 'buy',
    probabilities: given.probabilities,
    value: null,
    madeAt: noon,
    waitMs: 250,
    inferMs: 0.5,
    featureSet: 'sha256:set',
    inputHash: '0123456789abcdef',
    traceId: '',
    epoch: 2 ** 40,
    flags: given.flags,
    outcome: null,
  })
})

test('a clock that was set back while a prediction was under way makes no wait negative', async () => {
  const store = await openTestStore()
  const who = await version(store)
  store.wallNow = noon - dayMs
  const done = await store.write.commit(entries(prediction(who, 0)), inTime)
  assert.equal(done.predictions[0]?.waitMs, 0)
})

test('what is there is not written again, and another answer from equal inputs is reported', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  await store.write.commit(entries(prediction(who, 0), prediction(who, 1)), inTime)
  const rerun = await store.write.commit(
    entries(
      prediction(who, 0),
      prediction(who, 1, { signal: 'sell' }),
      prediction(who, 2),
      prediction(who, 2, { probabilities: { sell: 0.2, hold: 0.30000001, buy: 0.5 } }),
    ),
    late,
  )
  assert.deepEqual(
    rerun.predictions.map((it) => [it.mode, it.fresh]),
    [
      ['live', false],
      ['live', false],
      ['backfill', true],
      ['backfill', false],
    ],
  )
  assert.deepEqual(
    rerun.disagreed.map((it) => (it.openAt - noon) / minuteMs),
    [1, 2, 2],
  )
  assert.equal((await store.reads.prediction(who, noon + minuteMs))?.signal, 'buy')
  assert.equal(await store.reads.predictionCount(), 3)
})

test('a corrected candle changes the inputs, so another answer is no disagreement', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  await store.write.commit(entries(prediction(who, 0)), inTime)
  const rerun = await store.write.commit(
    entries(prediction(who, 0, { inputHash: '11', signal: 'sell' })),
    late,
  )
  assert.deepEqual(rerun.disagreed, [])
})

test('a hole is healed by its prediction and not made where there is one', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  await assignSlot(store.sql, store.names, 'v2', who, noon)
  const hole = (i: number, slot: 'v1' | 'v2', reason: 'gap' | 'no_trades') =>
    ({
      type: 'hole',
      hole: { coin: btc, family: 'linear', slot, openAt: noon + i * minuteMs, reason },
    }) as const
  await store.write.commit([hole(0, 'v1', 'gap'), hole(0, 'v2', 'gap'), hole(1, 'v1', 'gap')], late)
  await store.write.commit([...entries(prediction(who, 0)), hole(1, 'v1', 'no_trades')], late)
  await store.write.commit(
    [
      hole(0, 'v1', 'gap'),
      hole(1, 'v1', 'gap'),
      ...entries(prediction(who, 2)),
      hole(2, 'v1', 'gap'),
    ],
    late,
  )
  const { items } = await store.reads.holes({ limit: 10 })
  assert.deepEqual(
    items.map((it) => [(it.openAt - noon) / minuteMs, it.slot, it.reason, it.healedAt]),
    [
      [1, 'v1', 'no_trades', null],
      [0, 'v2', 'gap', late()],
      [0, 'v1', 'gap', late()],
    ],
  )
})

test('a hole that is healed by a walk over history is healed at the newest close', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  const hole = { coin: btc, family: 'linear', slot: 'v1', openAt: noon, reason: 'gap' } as const
  const candles = [0, 9].map((i) => ({ type: 'candle', candle: candle(i) }) as const)
  await store.write.commit([...candles, { type: 'hole', hole }], late)
  await store.write.commit(
    entries(prediction(who, 0, { asked: 'backfill' })),
    () => Number.POSITIVE_INFINITY,
  )
  const { items } = await store.reads.holes({ limit: 10 })
  assert.deepEqual(
    items.map((it) => it.healedAt),
    [noon + 10 * minuteMs],
  )
})

test('a candle gives way to a higher revision only, and history never overwrites', async () => {
  const store = await openTestStore()
  const write = (...candles: ReturnType<typeof candle>[]) =>
    store.write.commit(
      candles.map((it) => ({ type: 'candle', candle: it })),
      late,
    )
  await write(candle(0), blank(1, 'missing'), candle(2, { revision: 2, state: 'corrected' }))
  await write(
    candle(0, { close: 1 }),
    candle(1, { revision: 1 }),
    candle(2, { revision: 1, close: 1 }),
  )
  const added = await store.write.writeHistory([candle(-1), candle(0, { close: 2 }), candle(3)])
  assert.equal(added, 2)
  const read = []
  for await (const page of store.reader.candles(btc, noon - minuteMs, noon + 3 * minuteMs))
    read.push(...page)
  assert.deepEqual(read, [
    candle(-1),
    candle(0),
    candle(1, { revision: 1 }),
    candle(2, { revision: 2, state: 'corrected' }),
  ])
  assert.deepEqual(await store.reader.candleRange(btc), {
    from: noon - minuteMs,
    to: noon + 4 * minuteMs,
  })
})

test('a batch that touches several months and days makes their parts, and dropped ones again', async () => {
  const store = await openTestStore()
  const far = [0, 40, 400].map((days) => candle((days * dayMs) / minuteMs))
  await store.write.commit(
    far.map((it) => ({ type: 'candle', candle: it })),
    late,
  )
  await store.sql`drop table candle_202606`
  await store.write.commit([{ type: 'candle', candle: candle(5) }], late)
  const { items } = await store.reads.candles(btc, minuteMs, { limit: 10 })
  assert.deepEqual(
    items.map((it) => it.openAt),
    [far[2]?.openAt, far[1]?.openAt, noon + 5 * minuteMs],
  )
})

test('a number that is not finite is refused with the whole batch', async () => {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  const bad = prediction(who, 1, { value: Number.NaN, probabilities: null })
  await assert.rejects(store.write.commit(entries(prediction(who, 0), bad), inTime), {
    code: 'store.constraint',
    retryable: false,
  })
  assert.equal(await store.reads.predictionCount(), 0)
})

test('trades after the position are cut off once, when a life begins, and appended after', async () => {
  const store = await openTestStore()
  const bundle = (...offsets: number[]) => ({
    length: offsets.length,
    at: Float64Array.from(offsets, (it) => noon + it),
    id: Float64Array.from(offsets),
    price: Float64Array.from(offsets, () => 1.5),
    size: Float64Array.from(offsets, () => 2),
    side: Int8Array.from(offsets, () => -1),
  })
  await store.write.commit(
    [
      { type: 'trades', coin: btc, trades: bundle(1, 2, 60_001) },
      { type: 'position', coin: btc, at: noon + minuteMs },
    ],
    late,
  )
  await store.write.commit([{ type: 'trades', coin: btc, trades: bundle(60_002) }], late)
  const next = store.writer(store.lease, () => noon)
  await next.commit([{ type: 'trades', coin: btc, trades: bundle(60_001, 60_002) }], late)
  await next.commit([{ type: 'trades', coin: btc, trades: bundle(60_003) }], late)
  const rows = await store.sql<{ id: number }[]>`select id from trade order by at`
  assert.deepEqual(
    rows.map((it) => it.id),
    [1, 2, 60_001, 60_002, 60_003],
  )
})

test('trades of many coins come with one batch, however many', async () => {
  const store = await openTestStore()
  const eth = 'ETH/USDT' as Coin
  const bundle = (length: number, price: number) => ({
    length,
    at: Float64Array.from({ length: length + 1 }, (_, i) => noon + i),
    id: Float64Array.from({ length: length + 1 }, (_, i) => i),
    price: new Float64Array(length + 1).fill(price),
    size: new Float64Array(length + 1).fill(2),
    side: new Int8Array(length + 1).fill(-1),
  })
  await store.write.commit(
    [
      { type: 'trades', coin: btc, trades: bundle(3, 1) },
      { type: 'trades', coin: eth, trades: bundle(0, 1) },
      { type: 'trades', coin: eth, trades: bundle(60_000, 10) },
      { type: 'trades', coin: btc, trades: bundle(2, 1.5) },
    ],
    late,
  )
  const rows = await store.sql`
    select c.symbol, t.price, count(*)::int4, max(t.id) as id from trade t join coin c on c.id = t.coin_id
    group by 1, 2 order by 1, 2`
  assert.deepEqual(
    rows.map(({ symbol, price, count, id }) => [symbol, price, count, id]),
    [
      ['BTC/USDT', 1, 3, 2],
      ['BTC/USDT', 1.5, 2, 1],
      ['ETH/USDT', 10, 60_000, 59_999],
    ],
  )
})

test('corrections beside history never wait for each other in a circle', async () => {
  const store = await openTestStore()
  const of = await version(store, { slot: 'v1' })
  const past = store.writer(store.lease, () => noon)
  const later = (): number => noon + 20 * dayMs
  await store.write.commit(
    Array.from({ length: 200 }, (_, i) => ({ type: 'candle', candle: candle(i) }) as const),
    later,
  )
  let isOver = false
  const history = async (): Promise<void> => {
    for (let i = 10_000; !isOver; i += 200)
      await past.commit(
        entries(
          ...Array.from({ length: 200 }, (_, k) => prediction(of, i + k, { asked: 'backfill' })),
        ),
        later,
      )
  }
  const corrections = async (): Promise<void> => {
    for (let i = 0; i < 300; i++) {
      const corrected = candle(i % 200, { revision: i + 1, state: 'corrected' })
      await store.write.commit(
        [{ type: 'candle', candle: corrected }, ...entries(prediction(of, i))],
        inTime,
      )
    }
    isOver = true
  }
  await Promise.all([history(), corrections()])
  assert.equal(await deadlocks(store), 0)
})
