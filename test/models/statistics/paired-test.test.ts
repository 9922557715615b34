import assert from 'node:assert/strict'
import { test } from 'node:test'
import { daysToTest, testAboveZero, testBelowZero } from '../../../models/statistics/paired-test.ts'
import { type Random, randomFrom } from '../../../streams/random.ts'

const level = 0.01

function normals(days: number, random: Random, mean = 0): readonly number[] {
  return Array.from({ length: days }, () => mean + random.normal())
}

/**
 * Sums over a day's minutes of a difference without a mean, which remembers itself: half of it is gone after so many
 * minutes. Losses of horizons that overlap and of volatility in clusters look like this.
 */
function persistent(days: number, random: Random, halfLife: number): readonly number[] {
  const minutes = 144
  const kept = 0.5 ** (1 / (halfLife / 10))
  let state = random.normal()
  return Array.from({ length: days }, () => {
    let sum = 0
    for (let i = 0; i < minutes; i++) {
      state = kept * state + Math.sqrt(1 - kept * kept) * random.normal()
      sum += state
    }
    return sum
  })
}

/** Volatility of days in clusters, half of it gone after three. */
function clustered(days: number, random: Random): readonly number[] {
  let state = 0
  return Array.from({ length: days }, () => {
    state = 0.8 * state + 0.6 * random.normal()
    return Math.exp(0.7 * state) * random.normal()
  })
}

/** Small on most days, great on some: mean 0, and the sign of the great ones as given. */
function skewed(days: number, random: Random, sign: number): readonly number[] {
  return Array.from(
    { length: days },
    () => sign * (Math.exp(0.4 * random.normal()) - Math.exp(0.08)),
  )
}

const nulls: readonly (readonly [string, (days: number, random: Random) => readonly number[]])[] = [
  ['independent days', normals],
  ['minutes that remember an hour', (days, random) => persistent(days, random, 60)],
  ['minutes that remember four hours', (days, random) => persistent(days, random, 240)],
  ['days of clustered spread', clustered],
  ['rare great losses', (days, random) => skewed(days, random, 1)],
  ['rare great gains', (days, random) => skewed(days, random, -1)],
]

for (const days of [5, 8, 12, 20, 60]) {
  test(`without a difference it rejects no more often than its level: ${days} days`, (t) => {
    const rounds = 1200
    for (const [name, draw] of nulls) {
      const random = randomFrom(`${name} ${days}`)
      let rejected = 0
      for (let round = 0; round < rounds; round++) {
        const found = testBelowZero(draw(days, random))
        if (found && found.p <= level) rejected++
      }
      // Three deviations of a share of 1 % among so many; skewed sums may cost as much again.
      const slack = 3 * Math.sqrt((level * (1 - level)) / rounds)
      const limit =
        level + slack + (name === 'rare great gains' ? 0 : name.startsWith('rare') ? level : 0)
      t.diagnostic(`${name}: ${((100 * rejected) / rounds).toFixed(2)} %`)
      assert.ok(rejected / rounds <= limit, `${name}: ${rejected} of ${rounds}`)
    }
  })
}

test('a difference that is there is found: three in four at twelve days of its own deviation and a quarter', () => {
  const random = randomFrom('power')
  const found = Array.from({ length: 300 }, () => testBelowZero(normals(12, random, -1.25)))
  const share = found.filter((it) => it && it.p <= level).length / found.length
  assert.ok(share > 0.7, `${share}`)
})

test('above zero is below zero the other way round, and the same sums give the same p', () => {
  const sums = normals(9, randomFrom('once'), 0.8)
  assert.deepEqual(testAboveZero(sums), testBelowZero(sums.map((it) => -it)))
  assert.deepEqual(testAboveZero(sums), testAboveZero([...sums]))
  assert.ok((testAboveZero(sums)?.p ?? 1) < 0.5)
  assert.ok((testBelowZero(sums)?.p ?? 0) > 0.5)
})

test('it does not judge fewer days than it says, nor what does not vary', () => {
  assert.equal(testBelowZero(normals(daysToTest - 1, randomFrom('few'), -9)), null)
  assert.equal(testBelowZero([-1, -1, -1, -1, -1, -1]), null)
  assert.equal(testBelowZero([]), null)
})
