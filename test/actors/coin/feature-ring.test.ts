import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FeatureRing } from '../../../actors/coin/feature-ring.ts'
import { minuteMs } from '../../../streams/time.ts'

function write(ring: FeatureRing, minute: number, value = minute): void {
  const row = { openAt: minute * minuteMs, state: 'final', dueAt: minute } as const
  ring.write(row, (values) => {
    values.fill(value)
    return { whole: minute, after: 'start' }
  })
}

test('the newest rows are held, older ones are overwritten', () => {
  const ring = new FeatureRing(3, 4, minuteMs)
  for (let minute = 10; minute < 20; minute++) write(ring, minute)
  assert.equal(ring.from, 16 * minuteMs)
  assert.equal(ring.to, 20 * minuteMs)
  assert.deepEqual([...(ring.at(17 * minuteMs)?.values ?? [])], [17, 17, 17])
  assert.equal(ring.at(15 * minuteMs), undefined)
  assert.equal(ring.at(20 * minuteMs), undefined)
  assert.ok(ring.has(16 * minuteMs, 20 * minuteMs))
  assert.ok(!ring.has(15 * minuteMs, 20 * minuteMs))
})

test('a row that is written again keeps the instant at which its candle closed', () => {
  const ring = new FeatureRing(1, 4, minuteMs)
  write(ring, 1)
  write(ring, 2)
  ring.write({ openAt: minuteMs, state: 'corrected', dueAt: 99 }, (values) => {
    values.fill(-1)
    return { whole: 1, after: 'start' }
  })
  const row = ring.at(minuteMs)
  assert.equal(row?.state, 'corrected')
  assert.equal(row?.dueAt, 1)
  assert.equal(row?.values[0], -1)
  assert.equal(ring.to, 3 * minuteMs)
})

test('what is made of the rows is made once, until a row is written', () => {
  const ring = new FeatureRing(1, 4, minuteMs)
  let made = 0
  const once = (key: string): number => ring.once(key, () => ++made)
  write(ring, 1)
  assert.deepEqual([once('a'), once('a'), once('b')], [1, 1, 2])
  write(ring, 2)
  assert.deepEqual([once('a'), once('a')], [3, 3])
  write(ring, 1, -1)
  assert.equal(once('a'), 4)
})

test('a row that leaves one out breaks an invariant', () => {
  const ring = new FeatureRing(1, 4, minuteMs)
  write(ring, 1)
  assert.throws(() => write(ring, 3), /consecutive/)
})
