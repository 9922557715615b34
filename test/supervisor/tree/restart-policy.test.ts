import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  judge,
  leafPolicy,
  supervisorPolicy,
  workPolicy,
} from '../../../supervisor/tree/restart-policy.ts'

const full = 1 - Number.EPSILON

test('the delay doubles from 200 ms to 30 s', () => {
  const policy = { ...leafPolicy, restartsMax: 20 }
  const delays: number[] = []
  let crashes: readonly number[] = []
  for (let i = 0; i < 10; i++) {
    const verdict = judge(policy, crashes, null, i, full)
    assert(verdict.type === 'restart')
    crashes = verdict.crashes
    delays.push(Math.round(verdict.delayMs))
  }
  assert.deepEqual(delays, [200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000])
})

test('who falls over its work again and again is back as soon as the first time', () => {
  let crashes: readonly number[] = []
  for (let now = 10_000; now < 120_000; now += 10_000) {
    const verdict = judge(workPolicy, crashes, now - 8_000, now, full)
    assert(verdict.type === 'restart')
    crashes = verdict.crashes
    assert.ok(verdict.delayMs <= 200, `${verdict.delayMs} ms after ${now} ms`)
  }
})

const cases: readonly {
  readonly name: string
  readonly before: readonly number[]
  readonly upSince: number | null
  readonly now: number
  readonly expected: string
}[] = [
  { name: 'a first crash', before: [], upSince: 0, now: 100, expected: 'restart, 1 known' },
  {
    name: 'a seventh crash within five minutes',
    before: [1, 2, 3, 4, 5, 6],
    upSince: 7,
    now: 299_000,
    expected: 'restart, 1 known',
  },
  {
    name: 'a seventh crash of one that is never up for long',
    before: [1, 2, 3, 4, 5, 6],
    upSince: 298_000,
    now: 299_000,
    expected: 'restart, 7 known',
  },
  {
    name: 'an eighth crash',
    before: [1, 2, 3, 4, 5, 6, 7],
    upSince: 298_000,
    now: 299_000,
    expected: 'giveUp, 8 known',
  },
  {
    name: 'an eighth crash while starting',
    before: [1, 2, 3, 4, 5, 6, 7],
    upSince: null,
    now: 299_000,
    expected: 'giveUp, 8 known',
  },
  {
    name: 'an eighth crash after a minute of health',
    before: [1, 2, 3, 4, 5, 6, 7],
    upSince: 239_000,
    now: 299_000,
    expected: 'restart, 1 known',
  },
  {
    name: 'an eighth crash just before a minute of health',
    before: [1, 2, 3, 4, 5, 6, 7],
    upSince: 239_001,
    now: 299_000,
    expected: 'giveUp, 8 known',
  },
  {
    name: 'an eighth crash when the first left the window',
    before: [1, 2, 3, 4, 5, 6, 7],
    upSince: null,
    now: 300_001,
    expected: 'restart, 7 known',
  },
]

for (const { name, before, upSince, now, expected } of cases) {
  test(`${name}: ${expected}`, () => {
    const verdict = judge(leafPolicy, before, upSince, now, 0)
    assert.equal(`${verdict.type}, ${verdict.crashes.length} known`, expected)
  })
}

test('a supervisor that gives up for the third time within 30 s is given up', () => {
  assert.equal(judge(supervisorPolicy, [0], null, 15_000, 0).type, 'restart')
  assert.equal(judge(supervisorPolicy, [0, 15_000], null, 29_999, 0).type, 'giveUp')
  assert.equal(judge(supervisorPolicy, [0, 15_000], null, 30_000, 0).type, 'restart')
})

test('full jitter: any delay from zero to the whole is possible, and none beyond', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(300_000), { maxLength: 7 }),
      fc.double({ min: 0, max: full, noNaN: true }),
      (crashes, chance) => {
        const verdict = judge(leafPolicy, crashes, null, 300_000, chance)
        if (verdict.type === 'giveUp') return verdict.crashes.length > leafPolicy.restartsMax
        const whole = judge(leafPolicy, crashes, null, 300_000, full)
        assert(whole.type === 'restart')
        return (
          verdict.delayMs >= 0 &&
          verdict.delayMs <= 30_000 &&
          verdict.delayMs <= whole.delayMs + 1e-9
        )
      },
    ),
  )
})
