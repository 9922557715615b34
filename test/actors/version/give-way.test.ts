import assert from 'node:assert/strict'
import { test } from 'node:test'
import { givingWay } from '../../../actors/version/give-way.ts'
import { minuteMs } from '../../../streams/time.ts'
import { settled } from '../../support/actors/settled.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

function stand() {
  const clock = new SimulatedClock()
  const market = { now: 10 * minuteMs + 1, answered: 10 * minuteMs }
  const giveWay = givingWay({
    market: () => market.now,
    answered: () => market.answered,
    intervalMs: minuteMs,
    clock,
  })
  const waitedFor = async (): Promise<number> => {
    const from = clock.now()
    let isOver = false
    const over = giveWay().then(() => {
      isOver = true
    })
    while (!isOver) {
      clock.advance(1)
      await settled()
    }
    await over
    return clock.now() - from
  }
  return { clock, market, waitedFor }
}

test('what is live has been answered: nobody is waited for', async () => {
  const { waitedFor } = stand()
  assert.ok((await waitedFor()) <= 1)
})

test('from a candle’s end on it waits until the slowest has answered it', async () => {
  const { clock, market, waitedFor } = stand()
  market.now = 11 * minuteMs
  clock.schedule(() => {
    market.answered = 11 * minuteMs
  }, 50)
  const waited = await waitedFor()
  assert.ok(waited >= 50 && waited < 60, `${waited} ms`)
})

test('one that never answers holds it up once for each candle, and not for long', async () => {
  const { market, waitedFor } = stand()
  market.now = 11 * minuteMs
  const waited = await waitedFor()
  assert.ok(waited >= 4_000 && waited < 4_100, `${waited} ms`)
  assert.ok((await waitedFor()) <= 1)
  market.now = 12 * minuteMs
  assert.ok((await waitedFor()) >= 4_000)
})
