import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subscription } from 'rxjs'
import { throttle } from '../../../../../streams/feeds/live/ccxt/throttle.ts'
import { settled } from '../../../../support/actors/settled.ts'
import { SimulatedClock } from '../../../../support/simulated-clock.ts'

function stage(limit: Parameters<typeof throttle>[1]) {
  const clock = new SimulatedClock(1_000_000)
  const simulated = clock.now.bind(clock)
  let offsetMs = 0
  clock.now = () => simulated() + offsetMs
  const ask = throttle(clock, limit, new Subscription())
  let answered = 0
  return {
    ask: (...costs: readonly number[]): void => {
      for (const cost of costs) void ask(cost).then(() => answered++)
    },
    set: (ms: number): void => {
      offsetMs = ms
    },
    after: async (ms: number): Promise<number> => {
      clock.advance(ms)
      await settled()
      return answered
    },
  }
}

test('without a window one question follows the other, each after what the last has cost', async () => {
  const { ask, after } = stage({ rateLimit: 1_000, rollingWindowSize: 0 })
  ask(1, 2, 1)
  assert.equal(await after(0), 1)
  assert.equal(await after(999), 1)
  assert.equal(await after(1), 2)
  assert.equal(await after(1_999), 2)
  assert.equal(await after(1), 3)
})

test('within a window questions come close together until it is full', async () => {
  const { ask, after } = stage({ rateLimit: 100, rollingWindowSize: 1_000 })
  ask(6, 3, 2, 1)
  assert.equal(await after(0), 2, 'and the third, which does not fit, is not overtaken')
  assert.equal(await after(999), 2)
  assert.equal(await after(1), 4)
})

test('a question that costs more than a window has its turn all the same', async () => {
  const { ask, after } = stage({ rateLimit: 100, rollingWindowSize: 1_000 })
  ask(50, 1)
  assert.equal(await after(0), 1)
  assert.equal(await after(1_000), 2)
})

test('a clock that is set back makes nobody wait longer', async () => {
  const { ask, set, after } = stage({ rateLimit: 1_000, rollingWindowSize: 0 })
  ask(1, 1)
  await after(500)
  set(-3_600_000)
  assert.equal(await after(500), 2)
})
