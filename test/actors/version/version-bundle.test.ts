import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeatureRing } from '../../../actors/coin/feature-ring.ts'
import { makeBundle } from '../../../actors/version/version-bundle.ts'
import type { Coin } from '../../../streams/coin.ts'
import { minuteMs } from '../../../streams/time.ts'

const coin = 'BTC/USDT' as Coin
const newest = 9 * minuteMs

function write(ring: FeatureRing, i: number, value = i): void {
  ring.write({ openAt: i * minuteMs, state: 'final', dueAt: 0 }, (values) => {
    values.fill(value)
    return { whole: i + 1, after: 'start' }
  })
}

function ringOfTen(): FeatureRing {
  const ring = new FeatureRing(3, 10, minuteMs)
  for (let i = 0; i < 10; i++) write(ring, i)
  return ring
}

function planOf(...columns: readonly number[]) {
  return { key: columns.join(), columns, length: 2, need: 2, width: columns.length * 2 }
}

test('what versions see alike of the candle that has just closed is put together once', () => {
  const ring = ringOfTen()
  const first = makeBundle(coin, planOf(0, 1), ring, [newest])
  assert.deepEqual([...first.inputs], [8, 8, 9, 9])
  assert.equal(makeBundle(coin, planOf(0, 1), ring, [newest]), first)
  assert.notEqual(makeBundle(coin, planOf(0, 2), ring, [newest]), first)
})

test('after a correction it is put together anew, and older candles are each time', () => {
  const ring = ringOfTen()
  const plan = planOf(0)
  const before = makeBundle(coin, plan, ring, [newest])
  write(ring, 8, 80)
  const after = makeBundle(coin, plan, ring, [newest])
  assert.deepEqual(
    [[...before.inputs], [...after.inputs]],
    [
      [8, 9],
      [80, 9],
    ],
  )
  assert.notEqual(after.rows[0]?.inputHash, before.rows[0]?.inputHash)
  const older = makeBundle(coin, plan, ring, [newest - minuteMs])
  assert.deepEqual([...older.inputs], [7, 80])
  assert.equal(makeBundle(coin, plan, ring, [newest]), after)
})

test('a version past its age does not take what others see', () => {
  const ring = ringOfTen()
  makeBundle(coin, planOf(0), ring, [newest])
  const { rows, holes } = makeBundle(coin, planOf(0), ring, [newest], newest)
  assert.deepEqual([rows.length, holes], [0, [{ openAt: newest, reason: 'expired' }]])
  assert.equal(makeBundle(coin, planOf(0), ring, [newest], newest + 1).rows.length, 1)
})
