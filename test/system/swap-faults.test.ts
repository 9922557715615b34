import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Mood } from '../support/actors/moody-child.ts'
import { assertContinuity, type DrivenDaemon } from '../support/daemon/daemon.ts'
import { progress } from '../support/daemon/ledger-view.ts'
import { moodyDaemon } from '../support/daemon/moody-daemon.ts'
import { ended, order, publish, type SwapBody, slotsOf } from '../support/daemon/versions.ts'
import { testFolder, writeVersion } from '../support/models/artifacts.ts'
import { until } from '../support/until.ts'

const config = `
market: { source: tape, coins: [BTC/USDT], historyDays: 1, tape: { speed: 240 } }
fleet: { families: { linear: {} }, shadowCandles: 1, inferMsMax: 500 }
inference: { children: 2 }
training: { where: off }
api: { port: 0 }
`
const lane = 'BTC-USDT/linear'

async function stage(t: TestContext, written = config) {
  const { daemon, lines, mood, well } = await moodyDaemon(t, written)
  if (written === config) await progress(daemon, 3)
  return {
    daemon,
    lines,
    mood: (sha256: string, it: Mood) => mood({ family: 'linear', sha256 }, it),
    well,
  }
}

async function made(t: TestContext, daemon: DrivenDaemon, mark: number, change = {}, query = '') {
  const folder = testFolder(t)
  await writeVersion(folder, mark, change)
  return publish(daemon, folder, `coin=BTC-USDT${query}`)
}

async function newest(daemon: DrivenDaemon): Promise<SwapBody> {
  return (await daemon.get<{ items: SwapBody[] }>('/api/v1/swaps?limit=1')).items[0] as SwapBody
}

const faults = { nan: 'answer NaN', segfault: 'kill its child', slow: 'take too long' } as const
for (const mood of ['nan', 'segfault', 'slow'] as const) {
  const fault = faults[mood]
  test(`a version that begins to ${fault} gives its slot to the one before it, and it is said`, async (t) => {
    const { daemon, lines, mood: setMood, well } = await stage(t)
    const two = await made(t, daemon, 1)
    await ended(daemon, (await order(daemon, lane, two.version)).swap)
    const three = await made(t, daemon, 2)
    await ended(daemon, (await order(daemon, lane, three.version)).swap)
    setMood(three.sha256, mood)
    const back = await until(
      'it falls back',
      async () => {
        const swap = await newest(daemon)
        return swap.kind === 'fallback' ? swap : undefined
      },
      60_000,
    )
    assert.deepEqual([back.from, back.to], [three.version, two.version])
    const done = await ended(daemon, back.id)
    assert.deepEqual([done.state, done.missed, done.twice], ['done', 0, 0])
    assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: 1, v3: two.version })
    const { state } = await daemon.get<{ state: string }>(`/api/v1/models/${lane}/${three.version}`)
    assert.equal(state, 'quarantined')
    assert.ok(lines.some((line) => /"event":"swap.changed".*"fallback"/.test(line)))
    well()
    await progress(daemon, 4)
    await assertContinuity(daemon)
  })
}

test('a challenger that is no good never serves: refused by the gate, by its own answers, by its lane', async (t) => {
  const { daemon, mood, well } = await stage(t)
  const unskilled = await made(t, daemon, 1, {}, '&activate=true')
  const refused = await until(
    'it is refused',
    async () => {
      const swap = await newest(daemon)
      return swap?.state === 'rejected' ? swap : undefined
    },
    60_000,
  )
  assert.equal(refused.to, unskilled.version)
  assert.equal(refused.verdict?.verdict, 'refused')
  const past = await daemon.get<{ items: unknown[] }>(
    '/api/v1/predictions?coin=BTC-USDT&family=linear&version=1&mode=backfill&limit=1000',
  )
  assert.ok(past.items.length > 900, 'it was compared with the newest on the same day of history')
  assert.ok((refused.reason ?? '').length > 10, String(refused.reason))
  const broken = await made(t, daemon, 2)
  mood(broken.sha256, 'nan')
  const rejected = await ended(daemon, (await order(daemon, lane, broken.version)).swap)
  assert.equal(rejected.state, 'rejected')
  assert.match(rejected.reason ?? '', /NaN|no answer|not_finite/)
  well()
  await assert.rejects(made(t, daemon, 3, { horizonCandles: 30 }), /422.*artifact\.lane/)
  assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: null, v3: null })
  await assertContinuity(daemon)
})

test('a family that was never heard of gets a lane, whose first version is pinned', async (t) => {
  const { daemon } = await stage(t)
  const mine = await made(t, daemon, 1, { family: 'mine' })
  assert.equal(mine.version, 1)
  const first = await ended(daemon, (await order(daemon, 'BTC-USDT/mine', 1)).swap)
  assert.deepEqual([first.from, first.state, first.missed, first.twice], [null, 'done', 0, 0])
  assert.deepEqual(await slotsOf(daemon, 'BTC-USDT/mine'), { v1: 1, v2: null, v3: null })
  await assert.rejects(order(daemon, 'BTC-USDT/mine'), /409.*rollback\.state/)
  await progress(daemon, 6)
  await assertContinuity(daemon)
})

test('a version past its age gives no signals and says so, nothing older takes its place, and training is asked for', async (t) => {
  const { daemon, lines } = await stage(
    t,
    config
      .replace('linear: {}', 'linear: { expiresAfter: 1d }')
      .replace('historyDays: 1', 'historyDays: 20')
      .replace('training: { where: off }', ''),
  )
  await until(
    'its candles are left open',
    async () => {
      const { lanes } = await daemon.get<{ lanes: { byReason: { expired?: number } }[] }>(
        '/api/v1/continuity',
      )
      return (lanes[0]?.byReason.expired ?? 0) > 3
    },
    30_000,
  )
  assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: null, v3: null })
  assert.ok(lines.some((line) => line.includes('"event":"version.expired"')))
  const run = await until('training is asked for', async () => {
    const { items } = await daemon.get<{ items: { cause: string }[] }>('/api/v1/training')
    return items[0]
  })
  assert.equal(run.cause, 'drift')
  await assertContinuity(daemon)
})
