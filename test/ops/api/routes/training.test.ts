import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TrainingBody, TrainingRunBody } from '../../../../ops/api/routes/training.ts'
import { Fault } from '../../../../streams/fault.ts'
import { ask, asOperator, run, stubDeps, stubReads } from '../stub.ts'

const order = {
  ...{ coin: 'BTC/USDT', family: 'linear' },
  ...{ rows: 5_000, trials: 3, seed: 9, warmStart: true },
}
const post = (body: unknown) => ({
  method: 'POST',
  headers: asOperator,
  body: JSON.stringify(body),
})

test('runs are listed with their steps, the end of their logs, and what each lane waits for', async () => {
  const { status, body } = await ask('/api/v1/training?coin=BTC-USDT&family=linear&limit=1')
  const { items, next, lanes } = body as TrainingBody
  assert.equal(status, 200)
  const [first] = items
  assert.deepEqual([first?.run, first?.state, first?.steps[0]?.step], [4, 'refused', 'dataset'])
  assert.deepEqual(first?.log, ['read 1,000 rows'])
  assert.equal(first?.steps[0]?.detail, '1,000 rows')
  assert.equal(next, '4')
  assert.deepEqual(lanes, [
    {
      coin: 'BTC/USDT',
      family: 'linear',
      state: 'later',
      at: '2026-11-20T12:00:00.000Z',
      detail: 'its turn',
    },
  ])
})

test('what is asked for reaches the store as it was asked', async () => {
  const asked: unknown[] = []
  const reads = {
    ...stubReads,
    trainingRuns: async (query: unknown) => {
      asked.push(query)
      return { items: [], next: null }
    },
  }
  await ask('/api/v1/training?state=failed&cursor=7', {}, { reads })
  assert.deepEqual(asked, [{ state: 'failed', limit: 500, cursor: '7' }])
  assert.equal((await ask('/api/v1/training?state=lost')).status, 400)
})

test('one run is told in full, one that never was is not found', async () => {
  const { body } = await ask('/api/v1/training/4')
  const { verdict, version, metrics, baseline } = body as TrainingRunBody
  assert.deepEqual([verdict, version], [run.verdict, 2])
  assert.deepEqual([metrics, baseline], [run.metrics, run.baseline])
  const none = await ask('/api/v1/training/5')
  assert.equal(none.status, 404)
  assert.equal((none.body as { code: string }).code, 'training.unknown')
})

test('a run is ordered with the token, and as it was said', async () => {
  const asked: unknown[] = []
  const { training } = stubDeps()
  const listening = {
    training: {
      ...training,
      ask: async (it: object) => {
        asked.push(it)
        return { ...run, state: 'queued' as const }
      },
    },
  }
  const { status, body } = await ask('/api/v1/training', post(order), listening)
  assert.equal(status, 202)
  assert.equal((body as TrainingRunBody).state, 'queued')
  assert.deepEqual(asked, [order])
  const bare = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
  assert.equal((await ask('/api/v1/training', bare)).status, 401)
  for (const wrong of [
    { ...order, rows: 0 },
    { ...order, coin: 'BTC' },
    { ...order, more: 1 },
  ])
    assert.equal((await ask('/api/v1/training', post(wrong))).status, 400)
})

test('a lane that is being trained already, and a run that is over, are conflicts', async () => {
  const { training } = stubDeps()
  const refuse = (code: `training.${string}`) => async () => {
    throw new Fault(code, 'no')
  }
  const busy = { training: { ...training, ask: refuse('training.busy') } }
  assert.equal((await ask('/api/v1/training', post(order), busy)).status, 409)
  assert.equal((await ask('/api/v1/training/4/cancel', post({}))).status, 202)
  const over = { training: { ...training, cancel: refuse('training.state') } }
  assert.equal((await ask('/api/v1/training/4/cancel', post({}), over)).status, 409)
})
