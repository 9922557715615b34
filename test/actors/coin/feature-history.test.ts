import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeatureHistory } from '../../../actors/coin/feature-history.ts'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { type Millis, minuteMs } from '../../../streams/time.ts'
import { MemoryLedger } from '../../support/actors/memory-ledger.ts'
import { btc, madeCandles } from '../../support/candles.ts'

const from = Date.UTC(2026, 0, 1)
const set = featureSet(minuteMs)
const count = 4_000
const candles = madeCandles({
  from,
  count,
  states: { 100: 'empty', 101: 'empty', 2000: 'missing', 2001: 'missing' },
})
const at = (i: number): Millis => from + i * minuteMs

/** The rows that one uninterrupted engine makes of all candles. */
const expected: readonly Float64Array[] = (() => {
  const engine = new FeatureEngine(minuteMs)
  return candles.map((candle) => {
    const values = new Float64Array(set.columns.length)
    engine.step(candle, values)
    return values
  })
})()

async function stand() {
  const ledger = new MemoryLedger()
  await ledger.writeHistory(candles)
  const features = new FeatureHistory({
    reader: ledger,
    set,
    dueAt: ({ openAt }) => openAt + minuteMs,
  })
  return { ledger, features }
}

async function keepSnapshot(ledger: MemoryLedger, i: number, isOrigin: boolean, begun = 0) {
  const engine = new FeatureEngine(minuteMs)
  const unread = new Float64Array(set.columns.length)
  for (const candle of candles.slice(begun, i)) engine.step(candle, unread)
  await ledger.commit([
    { type: 'snapshot', coin: btc, hash: set.hash, at: at(i), state: engine.save(), isOrigin },
  ])
  return engine
}

test('rows of the past are those of one uninterrupted pass, bit for bit', async () => {
  const { features } = await stand()
  const ring = await features.ring(btc, at(3_000), at(3_010))
  for (let i = 3_000; i < 3_010; i++)
    assert.deepEqual(ring.at(at(i))?.values, expected[i], `row ${i}`)
})

test('a snapshot in between changes no bit, and spares the candles before it', async () => {
  const { ledger, features } = await stand()
  await keepSnapshot(ledger, 2_500, false)
  const reads: Millis[] = []
  const candlesOf = ledger.candles.bind(ledger)
  ledger.candles = (coin, since, to) => {
    reads.push(since)
    return candlesOf(coin, since, to)
  }
  const ring = await features.ring(btc, at(3_000), at(3_010))
  assert.deepEqual(ring.at(at(3_005))?.values, expected[3_005])
  assert.deepEqual(reads, [at(2_500)])
})

test('whoever comes from before an origin goes on from it with the engine that began there', async () => {
  const { ledger, features } = await stand()
  const origin = await keepSnapshot(ledger, 1_000, true, 900)
  const values = new Float64Array(set.columns.length)
  origin.step(candles[1_000] as (typeof candles)[number], values)
  const ring = await features.ring(btc, at(999), at(1_002))
  assert.deepEqual(ring.at(at(999))?.values, expected[999])
  assert.deepEqual(ring.at(at(1_000))?.values, values)
  assert.notDeepEqual(values, expected[1_000], 'the origin began later, so its averages differ')
})

test('blocks give every candle once, with the rows before each that a window needs', async () => {
  const { features } = await stand()
  const seen: Millis[] = []
  for await (const { ring, openAts } of features.blocks(btc, at(1_990), at(2_200), 29, 64)) {
    for (const openAt of openAts) {
      seen.push(openAt)
      const i = (openAt - from) / minuteMs
      assert.deepEqual(ring.at(openAt)?.values, expected[i])
      assert.deepEqual(ring.at(openAt - 29 * minuteMs)?.values, expected[i - 29])
    }
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 210 }, (_, i) => at(1_990 + i)),
  )
})

for (const isOrigin of [false, true])
  test(`what was never stored is missing${isOrigin ? ', before an origin too' : ''}`, async () => {
    const ledger = new MemoryLedger()
    const stored = candles.filter((_, i) => i < 3_100 || i >= 3_200)
    await ledger.writeHistory(stored)
    if (isOrigin) await keepSnapshot(ledger, 3_200, true, 3_199)
    const features = new FeatureHistory({ reader: ledger, set, dueAt: ({ openAt }) => openAt })
    const seen: string[] = []
    for await (const { ring, openAts } of features.blocks(btc, at(3_090), at(3_210), 9, 64))
      for (const openAt of openAts) {
        const row = ring.at(openAt)
        seen.push(row?.state === 'missing' ? 'missing' : `${row?.after} ${row?.whole}`)
        assert.ok(ring.at(openAt - 9 * minuteMs))
      }
    const whole = (from: number, after: string): readonly string[] =>
      Array.from({ length: 10 }, (_, i) => `${after} ${from + i}`)
    const since = isOrigin ? whole(2, 'start') : whole(1, 'gap')
    assert.deepEqual(seen, [
      ...whole(3_090 - 2_002 + 1, 'gap'),
      ...Array.from({ length: 100 }, () => 'missing'),
      ...since,
    ])
  })

test('a row says how many whole candles lie behind it since the start or a gap', async () => {
  const { features } = await stand()
  const ring = await features.ring(btc, at(1_998), at(2_004))
  assert.equal(ring.at(at(1_999))?.after, 'start')
  assert.equal(ring.at(at(2_000))?.state, 'missing')
  const row = ring.at(at(2_002))
  assert.deepEqual([row?.after, row?.whole], ['gap', 1])
})
