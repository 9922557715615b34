import assert from 'node:assert/strict'
import { test } from 'node:test'
import { modelGauges } from '../../../ops/daemon/model-gauges.ts'
import { hourMs, iso, minuteMs } from '../../../streams/time.ts'
import { btc, candle, manifest, prediction, version } from '../../support/store/database.ts'
import { at, scoredLedger, twoAhead } from '../../support/store/scored-ledger.ts'

test('of every version in a slot: its age in the time of the market, what it said last, and how often it was right', async () => {
  const trained = { to: iso(at(1) - hourMs) }
  const { store, who, write, say, resolve } = await scoredLedger(
    0.001,
    manifest({ ...twoAhead, trained }),
  )
  await version(store, { slot: 'v3' })
  await version(store)
  await say(
    ...(['buy', 'buy', 'sell', 'buy'] as const).map((signal, i) =>
      prediction(who, i, { signal, value: i / 10 }),
    ),
  )
  await write(...[100, 102, 104, 106, 108, 110].map((close, i) => candle(i, { close })))
  assert.equal(await resolve(), 4)
  const lane = { coin: btc, family: 'linear' }
  assert.deepEqual(await modelGauges(store.reads), [
    {
      ...{ ...lane, slot: 'v1', ageSeconds: (hourMs + 3 * minuteMs) / 1000, value: 0.3 },
      accuracy: { '1d': 0.75, '7d': 0.75 },
    },
    { ...lane, slot: 'v3', ageSeconds: null, value: null, accuracy: {} },
  ])
})
