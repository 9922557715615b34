import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { chronological, type Split, type Stretch, walkForward } from '../../models/split.ts'
import { minuteMs } from '../../streams/time.ts'

const from = Date.UTC(2026, 0, 1)

const stretches = fc
  .record({
    candles: fc.integer({ min: 2_000, max: 50_000 }),
    informationCandles: fc.integer({ min: 1, max: 60 }),
    embargoCandles: fc.integer({ min: 0, max: 60 }),
  })
  .map(
    ({ candles, ...rest }): Stretch => ({
      from,
      to: from + candles * minuteMs,
      intervalMs: minuteMs,
      ...rest,
    }),
  )

/** The newest instant that a row of the range knows of lies before the other range begins. */
function holds({ train, validate, test: tested }: Split, stretch: Stretch): void {
  const knownTo = ([, to]: readonly [number, number]): number =>
    to - minuteMs + stretch.informationCandles * minuteMs
  assert.ok(knownTo(train) < validate[0])
  assert.ok(knownTo(validate) < tested[0])
  assert.ok(validate[0] - knownTo(train) > stretch.embargoCandles * minuteMs)
  for (const [since, until] of [train, validate, tested]) {
    assert.ok(since < until)
    assert.equal((since - from) % minuteMs, 0)
    assert.equal((until - from) % minuteMs, 0)
  }
}

test('no label of one part knows of the next, whatever it looks ahead', () => {
  fc.assert(
    fc.property(stretches, (stretch) => {
      const split = chronological(stretch)
      holds(split, stretch)
      assert.equal(split.train[0], stretch.from)
      assert.equal(split.test[1], stretch.to)
    }),
  )
})

test('walking forward, every fold is tested after all that it has seen, and the tests lie end to end', () => {
  fc.assert(
    fc.property(stretches, fc.constantFrom('expanding', 'rolling'), (stretch, mode) => {
      const folds = walkForward(stretch, { folds: 4, testShare: 0.1, validateShare: 0.1, mode })
      for (const fold of folds) holds(fold, stretch)
      assert.equal(folds.at(-1)?.test[1], stretch.to)
      const embargoMs = stretch.embargoCandles * minuteMs
      for (const [i, fold] of folds.entries()) {
        const next = folds[i + 1]
        if (next) assert.equal(next.test[0] - embargoMs, fold.test[1])
        if (next && mode === 'rolling') assert.ok(next.train[0] > fold.train[0])
      }
    }),
  )
})

test('too little to cut is refused by name', () => {
  const stretch: Stretch = {
    ...{ from, to: from + 100 * minuteMs, intervalMs: minuteMs },
    ...{ informationCandles: 60, embargoCandles: 0 },
  }
  assert.throws(() => chronological(stretch), { code: 'data.too_few' })
})
