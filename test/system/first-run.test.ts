import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertContinuity, house, starling, startDaemon } from '../support/daemon/daemon.ts'
import { until } from '../support/until.ts'

test('a daemon starts, predicts, is killed, comes back, and nothing that a client saw is lost', async (t) => {
  const at = house(t)
  const first = await startDaemon(t, at)
  type Page = {
    items: { coin: string; family: string; version: number; openAt: string; inputHash: string }[]
  }
  const seen = await until(
    'there are predictions',
    async () => {
      const page = await first.get<Page>('/api/v1/predictions?limit=1000')
      return page.items.length >= 30 ? page.items : undefined
    },
    30_000,
  )
  await first.end('SIGKILL')
  const second = await startDaemon(t, at)
  const { predictions: before } = await second.get<{ predictions: number }>('/api/v1/status')
  await until(
    'it goes on predicting',
    async () =>
      (await second.get<{ predictions: number }>('/api/v1/status')).predictions > before + 12,
    30_000,
  )
  const stored = (await second.get<Page>('/api/v1/predictions?limit=10000')).items
  const key = (it: Page['items'][number]): string =>
    JSON.stringify([it.coin, it.family, it.version, it.openAt, it.inputHash])
  const kept = new Set(stored.map(key))
  assert.deepEqual(
    seen.filter((it) => !kept.has(key(it))),
    [],
  )
  await assertContinuity(second)
  const { code, ms } = await second.end('SIGINT')
  assert.equal(code, 0)
  assert.ok(ms < 25_000, `stopping took ${ms} ms`)
})

test('the same tape and seed give the same candles, features and predictions in any order of arrival', (t) => {
  const at = house(t)
  const replay = (...more: string[]): { digests: unknown; continuity: unknown } => {
    const { code, out, err } = starling(
      'replay',
      '--json',
      '--candles',
      '60',
      '--config',
      at.config,
      ...more,
    )
    assert.equal(code, 0, err)
    const { seconds: _, continuity, ...digests } = JSON.parse(out)
    return { digests, continuity }
  }
  const straight = replay()
  assert.deepEqual(straight.continuity, { unexplained: 0, duplicates: 0 })
  assert.deepEqual(replay('--shuffle', '3'), straight)
  assert.notDeepEqual(replay('--seed', '8'), straight)
})
