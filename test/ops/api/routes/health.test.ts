import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../stub.ts'

test('readiness says why not', async () => {
  const waiting = { readiness: () => ({ ready: false, why: 'no candle yet' }) as const }
  const { status, body } = await ask('/health/ready', {}, waiting)
  assert.equal(status, 503)
  assert.deepEqual(body, { ready: false, why: 'no candle yet' })
  assert.deepEqual((await ask('/health/live')).body, { live: true })
})
