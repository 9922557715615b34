import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiDeps } from '../../../../ops/api/deps.ts'
import { ask, asOperator, btc, stubDeps } from '../stub.ts'

test('a control reaches the daemon with its reason', async () => {
  const acts: unknown[] = []
  const act: ApiDeps['controls']['act'] = async (target, action, reason) => {
    acts.push({ target, action, reason })
    return { state: 'paused' }
  }
  const controls = { ...stubDeps().controls, act }
  const body = JSON.stringify({ reason: 'maintenance' })
  const path = '/api/v1/lanes/BTC-USDT/linear/pause'
  const answer = await ask(path, { method: 'POST', headers: asOperator, body }, { controls })
  assert.deepEqual(answer.body, { state: 'paused' })
  const bare = { method: 'POST', headers: { authorization: asOperator.authorization } }
  assert.equal((await ask('/api/v1/coins/BTC-USDT/release', bare, { controls })).status, 200)
  assert.deepEqual(acts, [
    { target: { coin: btc, family: 'linear' }, action: 'pause', reason: 'maintenance' },
    { target: { coin: btc }, action: 'release', reason: 'asked for over the API' },
  ])
})
