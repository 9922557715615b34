import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask, btc, noon, stubReads } from '../stub.ts'

test('a model shows its life', async () => {
  const { body } = await ask('/api/v1/models/BTC-USDT/linear/1')
  const journal = [{ transition: 'registered' }, { transition: 'entered v1' }]
  assert.partialDeepStrictEqual(body, { journal })
})

test("a model's life is told by the wall's clock, beside the market's where it is about a candle", async () => {
  const past = noon - 300 * 86_400_000
  const version = { coin: btc, family: 'linear', version: 1 }
  const told = { version, candleAt: null, reason: null }
  const { body } = await ask(
    '/api/v1/models/BTC-USDT/linear/1',
    {},
    {
      reads: {
        ...stubReads,
        tenures: async () => [
          { slot: 'v3', from: past, until: past + 60_000, enteredAt: noon + 2, leftAt: noon + 4 },
          { slot: 'v2', from: past + 60_000, until: null, enteredAt: noon + 4, leftAt: null },
          // Its coin came back: of that no time is written.
          { slot: 'v1', from: past + 120_000, until: null, enteredAt: null, leftAt: null },
        ],
        journal: async () => [
          { ...told, stage: 'announced', at: noon + 1 },
          { ...told, stage: 'serving', at: noon + 2, candleAt: past },
          { ...told, stage: 'quarantined', at: noon + 3 },
        ],
      },
    },
  )
  const { journal } = body as { journal: Record<'at' | 'transition' | 'candleAt', string>[] }
  assert.deepEqual(
    journal.map((it) => [Date.parse(it.at) - noon, it.transition, it.candleAt]),
    [
      [-1000, 'registered', null],
      [1, 'announced', null],
      [2, 'serving', '2026-01-24T12:00:00.000Z'],
      [2, 'entered v3', '2026-01-24T12:00:00.000Z'],
      [3, 'quarantined', null],
      [4, 'left v3', '2026-01-24T12:01:00.000Z'],
      [4, 'entered v2', '2026-01-24T12:01:00.000Z'],
      [4, 'entered v1', '2026-01-24T12:02:00.000Z'],
    ],
  )
})
