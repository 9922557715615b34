import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { FeatureRing } from '../../../actors/coin/feature-ring.ts'
import { InputStrip, startsOf } from '../../../actors/version/input-strip.ts'
import { minuteMs } from '../../../streams/time.ts'

const width = 3

/** Each candle's numbers say which candle and column they are; those of `broken` are not there. */
function ringOf(candles: number, broken: readonly number[]): FeatureRing {
  const ring = new FeatureRing(width, candles, minuteMs)
  for (let i = 0; i < candles; i++) {
    ring.write({ openAt: i * minuteMs, state: 'final', dueAt: 0 }, (values) => {
      values.set(Array.from({ length: width }, (_, j) => i * 10 + j))
      if (broken.includes(i)) values[1] = Number.NaN
      return { whole: i, after: 'start' }
    })
  }
  return ring
}

function planOf(length: number, columns: readonly number[]) {
  return { key: '', columns, length, need: 0, width: columns.length * length }
}

test('each row in the strip is its window, whichever candles were asked for', () => {
  const candles = 40
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.uniqueArray(fc.integer({ min: 7, max: candles - 1 }), { minLength: 1 }),
      fc.uniqueArray(fc.integer({ min: 0, max: candles - 1 }), { maxLength: 3 }),
      (length, asked, broken) => {
        const ring = ringOf(candles, broken)
        const plan = planOf(length, [2, 1])
        const openAts = asked.toSorted((a, b) => a - b)
        const strip = new InputStrip(
          plan,
          ring,
          openAts.map((it) => it * minuteMs),
        )
        for (const at of openAts) {
          const window = Array.from({ length }, (_, i) => at - length + 1 + i)
          const start = strip.add(at * minuteMs)
          if (window.some((it) => broken.includes(it))) assert.equal(start, undefined)
          else {
            assert(start !== undefined)
            const row = strip.numbers.slice(start, start + plan.width)
            assert.deepEqual(
              [...row],
              window.flatMap((it) => [it * 10 + 2, it * 10 + 1]),
            )
          }
        }
      },
    ),
  )
})

test('windows of neighbours share their candles', () => {
  const plan = planOf(30, [0, 1])
  const openAts = Array.from({ length: 64 }, (_, i) => (i + 40) * minuteMs)
  const strip = new InputStrip(plan, ringOf(120, []), openAts)
  const starts = openAts.map((openAt) => strip.add(openAt) as number)
  assert.equal(strip.numbers.length, 93 * 2)
  assert.deepEqual(
    startsOf(starts, plan.width, strip.numbers.length),
    Uint32Array.from(openAts, (_, row) => row * 2),
  )
})

test('rows one after the other need no word about where they begin', () => {
  const plan = planOf(1, [0, 1, 2])
  const openAts = [3, 4, 6, 7].map((it) => it * minuteMs)
  const strip = new InputStrip(plan, ringOf(8, []), openAts)
  const starts = openAts.map((openAt) => strip.add(openAt) as number)
  assert.equal(startsOf(starts, plan.width, strip.numbers.length), undefined)
  assert.deepEqual([...strip.numbers], [30, 31, 32, 40, 41, 42, 60, 61, 62, 70, 71, 72])
})

test('a row that is left out leaves room between the others, and that is said', () => {
  const plan = planOf(1, [1])
  const openAts = [1, 2, 3].map((it) => it * minuteMs)
  const strip = new InputStrip(plan, ringOf(4, [2]), openAts)
  const starts = openAts.flatMap((openAt) => strip.add(openAt) ?? [])
  assert.deepEqual(startsOf(starts, plan.width, strip.numbers.length), Uint32Array.from([0, 2]))
})
