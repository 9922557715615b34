import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import { Coverage } from '../../../../streams/feeds/live/coverage.ts'

const coin = parseCoin('BTC/USDT') as Coin
const minute = 60_000
const options = { coin, from: 10 * minute, intervalMs: minute, graceMs: 2_000, patienceMs: 30_000 }

function whole(): Coverage {
  const coverage = new Coverage(options, 0)
  coverage.healed()
  return coverage
}

test('in doubt the clock goes on, but not as far as closing a candle', () => {
  const coverage = whole()
  coverage.advance(10 * minute + 30_000, false)
  assert.equal(coverage.advance(11 * minute + 5_000, true), true)
  assert.equal(coverage.clockAt, 11 * minute + 1_999)
  assert.equal(coverage.advance(11 * minute + 9_000, true), false)
  assert.equal(coverage.advance(11 * minute + 9_000, false), true)
})

test('patience is counted anew when the wall clock was set back', () => {
  const coverage = whole()
  coverage.advance(10 * minute + 50_000, false)
  coverage.lose('disconnected', 10 * minute + 50_000, { at: 0 }, 9_000_000)
  coverage.setBack(1_000)
  assert.equal(coverage.outOfPatience(11 * minute + 3_000, 30_999), false)
  assert.equal(coverage.outOfPatience(11 * minute + 3_000, 31_000), true)
})

test('the clock never goes back', () => {
  const coverage = whole()
  coverage.advance(12 * minute, false)
  assert.equal(coverage.advance(11 * minute, false), false)
})

test('patience ends once its time is over and a candle is due, and progress renews it', () => {
  const coverage = whole()
  coverage.advance(10 * minute + 50_000, false)
  coverage.lose('disconnected', 10 * minute + 50_000, { at: 0 }, 1_000)
  assert.equal(coverage.outOfPatience(10 * minute + 59_000, 100_000), false, 'no candle is due')
  assert.equal(coverage.outOfPatience(11 * minute + 3_000, 20_000), false, 'there is time')
  assert.equal(coverage.outOfPatience(11 * minute + 3_000, 31_000), true)
  coverage.lose('silent', 11 * minute, { at: 1 }, 31_000)
  assert.equal(
    coverage.outOfPatience(11 * minute + 3_000, 31_000),
    true,
    'more trouble is no progress',
  )
  coverage.progressed({ at: 1 }, 31_000)
  assert.equal(coverage.outOfPatience(11 * minute + 3_000, 31_000), false)
})

test('gaps follow one another without overlap, and heal as they were declared', () => {
  const coverage = whole()
  coverage.lose('silent', 100, { at: 90 }, 0)
  const gaps = [coverage.declare(200), coverage.declare(300)]
  assert.deepEqual(gaps, [
    { coin, from: 100, to: 200, cause: 'silent' },
    { coin, from: 200, to: 300, cause: 'silent' },
  ])
  assert.deepEqual(coverage.healed(), gaps)
  assert.equal(coverage.missing, undefined)
})

test('what REST could not prove stays on record', () => {
  const coverage = whole()
  coverage.lose('disconnected', 100, { at: 90 }, 0)
  coverage.declare(200)
  coverage.declare(300)
  coverage.declare(400)
  assert.equal(coverage.torn(250), undefined, 'it has been declared')
  coverage.progressed({ at: 300 }, 0)
  assert.deepEqual(
    coverage.healed().map(({ from, to }) => [from, to]),
    [
      [251, 300],
      [300, 400],
    ],
  )
})

test('even a moment is on record', () => {
  const coverage = whole()
  coverage.lose('disconnected', 100, { at: 90 }, 0)
  assert.deepEqual(coverage.declare(50), { coin, from: 100, to: 101, cause: 'disconnected' })
})

test('a hole that REST itself leaves is declared from where it had got to', () => {
  const coverage = new Coverage(options, 0)
  coverage.progressed({ at: 11 * minute }, 0)
  assert.deepEqual(coverage.torn(12 * minute), {
    ...{ coin, from: 11 * minute, to: 12 * minute + 1, cause: 'stopped' },
  })
  coverage.progressed({ at: 13 * minute }, 0)
  assert.deepEqual(coverage.healed(), [])
})
