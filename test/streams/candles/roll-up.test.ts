import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Candle } from '../../../streams/candles/candle.ts'
import { candleOf, emptyBar, missingBar } from '../../../streams/candles/fold.ts'
import { type Rolled, RollUp, rollUp, rollUpIntervals } from '../../../streams/candles/roll-up.ts'
import { type Coin, parseCoin } from '../../../streams/coin.ts'
import { dayMs, hourMs, minuteMs } from '../../../streams/time.ts'

const coin = parseCoin('BTC/USDT') as Coin
const start = Date.UTC(2026, 0, 1)

function minute(n: number, close: number, revision = 0): Candle {
  const state = revision === 0 ? 'final' : 'corrected'
  const volume = 0.1 + n / 7
  return {
    coin,
    openAt: start + n * minuteMs,
    open: close - 1,
    high: close + 2,
    low: close - 3,
    close,
    volume,
    quoteVolume: volume * close,
    takerBuyVolume: volume / 3,
    trades: 5,
    state,
    revision,
  }
}

const empty = (n: number): Candle => candleOf(coin, emptyBar(start + n * minuteMs), 'empty', 0)
const missing = (n: number): Candle =>
  candleOf(coin, missingBar(start + n * minuteMs), 'missing', 0)

const someMinutes = fc
  .array(
    fc.tuple(fc.constantFrom('traded', 'empty', 'missing'), fc.integer({ min: 10, max: 999 })),
    {
      minLength: 1,
      maxLength: 40,
    },
  )
  .map((kinds) =>
    kinds.map(([kind, price], n) =>
      kind === 'traded' ? minute(n, price / 7) : kind === 'empty' ? empty(n) : missing(n),
    ),
  )

function all(rolls: RollUp, candles: readonly Candle[]): readonly Rolled[] {
  const latest = new Map<number, Rolled>()
  for (const candle of candles) {
    const event = rolls.add(candle)
    if (event) latest.set(event.candle.openAt, event.candle)
  }
  return [...latest.values()].sort((a, b) => a.openAt - b.openAt)
}

test('five minutes are the first open, the extremes, the last close and the sums', () => {
  const [rolled] = rollUp(
    [minute(0, 10), minute(1, 14), empty(2), minute(3, 8), missing(4)],
    minuteMs,
    5 * minuteMs,
  )
  assert(rolled)
  assert.equal(rolled.open, 9)
  assert.equal(rolled.high, 16)
  assert.equal(rolled.low, 5)
  assert.equal(rolled.close, 8)
  assert.equal(rolled.trades, 15)
  assert.deepEqual(rolled.parts, { expected: 5, traded: 3, corrected: 0, empty: 1, missing: 1 })
})

test('without prices a larger candle is empty, or missing where a part is', () => {
  const quiet = [0, 1, 2, 3, 4].map(empty)
  assert.equal(rollUp(quiet, minuteMs, 5 * minuteMs)[0]?.state, 'empty')
  assert.equal(rollUp([...quiet.slice(1), missing(0)], minuteMs, 5 * minuteMs)[0]?.state, 'missing')
})

test('the order and the repetition of the parts do not show', () => {
  fc.assert(
    fc.property(someMinutes, fc.infiniteStream(fc.nat()), (candles, chance) => {
      const next = (): number => chance.next().value as number
      const shuffled = [...candles, ...candles.filter(() => next() % 3 === 0)]
        .map((candle) => ({ candle, key: next() }))
        .sort((a, b) => a.key - b.key)
        .map(({ candle }) => candle)
      const rolled = rollUp(candles, minuteMs, 15 * minuteMs)
      assert.deepEqual(rollUp(shuffled, minuteMs, 15 * minuteMs), rolled)
    }),
  )
})

test('candle by candle gives what all at once gives', () => {
  fc.assert(
    fc.property(someMinutes, (candles) => {
      const rolls = new RollUp({ baseMs: minuteMs, intervalMs: 5 * minuteMs, keepMs: hourMs })
      const whole = rollUp(candles, minuteMs, 5 * minuteMs).slice(0, Math.floor(candles.length / 5))
      assert.deepEqual(all(rolls, candles), whole)
    }),
  )
})

test('by way of five minutes an hour has the same prices and counts', () => {
  fc.assert(
    fc.property(someMinutes, (candles) => {
      const direct = rollUp(candles, minuteMs, hourMs)
      const byFive = rollUp(rollUp(candles, minuteMs, 5 * minuteMs), 5 * minuteMs, hourMs)
      assert.equal(byFive.length, direct.length)
      byFive.forEach((b, i) => {
        const a = direct[i] as Rolled
        assert.deepEqual([b.open, b.high, b.low, b.close], [a.open, a.high, a.low, a.close])
        if (a.parts.traded > 0) assert(Math.abs(a.volume - b.volume) <= 1e-12 * a.volume)
      })
    }),
  )
})

test('a larger candle closes with its last interval and is corrected with a revision', () => {
  const rolls = new RollUp({ baseMs: minuteMs, intervalMs: 5 * minuteMs, keepMs: hourMs })
  for (const n of [0, 1, 2, 3]) assert.equal(rolls.add(minute(n, 10 + n)), undefined)
  assert.equal(rolls.preview()?.close, 13)
  assert.equal(rolls.add(minute(4, 20))?.type, 'closed')
  assert.equal(rolls.add(minute(4, 20)), undefined, 'repeated')
  const corrected = rolls.add(minute(2, 99, 1))
  assert.equal(corrected?.type, 'corrected')
  assert.equal(corrected?.candle.revision, 1)
  assert.equal(corrected?.candle.high, 101)
  assert.equal(corrected?.candle.parts.corrected, 1)
})

test('what is older than it keeps is not told, instead of being told wrongly', () => {
  const rolls = new RollUp({ baseMs: minuteMs, intervalMs: 5 * minuteMs, keepMs: 0 })
  for (let n = 0; n < 20; n++) rolls.add(minute(n, 10 + n))
  assert.equal(rolls.add(minute(2, 99, 1)), undefined)
})

test('every interval that is offered nests in a day', () => {
  for (const interval of rollUpIntervals) assert.equal(dayMs % interval, 0)
})
