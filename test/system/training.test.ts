import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { steps } from '../../actors/training/run.ts'
import type { TrainingBody, TrainingRunBody } from '../../ops/api/routes/training.ts'
import {
  assertContinuity,
  house,
  type RunningDaemon,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { historyFetched } from '../support/daemon/ledger-view.ts'
import { until } from '../support/until.ts'

/** Twelve days of one coin: enough to train, choose and test by, and quickly fetched. */
const config = `
market: { source: tape, coins: [BTC/USDT], historyDays: 12, tape: { speed: 120 } }
fleet: { families: { linear: {} } }
training: { where: off }
api: { port: 0 }
`

const lateTraining = new URL('../support/daemon/late-training-preload.ts', import.meta.url).href
const over = ['passed', 'refused', 'failed', 'cancelled']
const runMsMax = 60_000

async function order(daemon: RunningDaemon): Promise<number> {
  await historyFetched(daemon, 12)
  const answer = await daemon.post('/api/v1/training', { coin: 'BTC/USDT', family: 'linear' })
  assert.equal(answer.status, 202)
  return ((await answer.json()) as TrainingRunBody).run
}

const look = (daemon: RunningDaemon, run: number): Promise<TrainingRunBody> =>
  daemon.get(`/api/v1/training/${run}`)

function ended(daemon: RunningDaemon, run: number): Promise<TrainingRunBody> {
  return until(
    `run ${run} is over`,
    async () => {
      const now = await look(daemon, run)
      return over.includes(now.state) ? now : undefined
    },
    runMsMax,
    100,
  )
}

/** Everything that was published, and nothing else, is whole. */
async function models(daemon: RunningDaemon): Promise<readonly { version: number }[]> {
  return (await daemon.get<{ items: { version: number }[] }>('/api/v1/models')).items
}

test('killed in every step, a run goes on from its last finished one and publishes once', async (t) => {
  const at = house(t, config)
  let daemon = await startDaemon(t, at)
  const run = await order(daemon)
  for (const step of steps) {
    const begun = `"step":"${step}"`
    await until(
      `${step} has begun`,
      async () => {
        const told = daemon
          .output()
          .split('\n')
          .some((it) => it.includes('training.step') && it.includes(begun))
        return told || over.includes((await look(daemon, run)).state)
      },
      runMsMax,
      5,
    )
    await daemon.end('SIGKILL')
    daemon = await startDaemon(t, at)
  }
  const last = await ended(daemon, run)
  assert.ok(['passed', 'refused'].includes(last.state), `${last.state}: ${last.message}`)
  const cut = new Set(last.steps.filter(({ state }) => state === 'failed').map(({ step }) => step))
  t.diagnostic(`cut short: ${[...cut].join(', ')}`)
  assert.ok(cut.has('dataset') && cut.has('fit'), 'the long ones were hit')
  for (const step of steps) {
    const tries = last.steps.filter((it) => it.step === step)
    assert.equal(tries.filter(({ state }) => state === 'done').length, 1, `${step} is done once`)
    assert.ok(tries.every(({ state, code }) => state === 'done' || code === 'training.interrupted'))
  }
  assert.deepEqual((await models(daemon)).map(({ version }) => version).sort(), [1, last.version])
  const folder = join(at.data, 'training')
  const runs = join(folder, readdirSync(folder)[0] as string)
  await until('nothing is left', () => readdirSync(runs).length === 0)
  await assertContinuity(daemon)
})

test('a run is cancelled while it works, and the lane can be trained again', async (t) => {
  const daemon = await startDaemon(t, house(t, config))
  const run = await order(daemon)
  await until('it works', async () => (await look(daemon, run)).step === 'fit', runMsMax, 5)
  assert.equal((await daemon.post(`/api/v1/training/${run}/cancel`)).status, 202)
  assert.equal((await ended(daemon, run)).state, 'cancelled')
  assert.equal((await models(daemon)).length, 1, 'nothing was published')
  const again = await ended(daemon, await order(daemon))
  assert.ok(['passed', 'refused'].includes(again.state), `${again.state}: ${again.message}`)
  assert.equal((await models(daemon)).length, 2)
  const { lanes } = await daemon.get<TrainingBody>('/api/v1/training')
  assert.deepEqual(
    lanes.map(({ state }) => state),
    ['off'],
  )
})

test('a lane with only its shipped version is trained as soon as its history is there, and judged in the open', async (t) => {
  const at = house(t, config.replace('where: off', 'where: local'))
  let daemon = await startDaemon(t, at)
  const first = await until(
    'it was trained by itself',
    async () => {
      const { items } = await daemon.get<TrainingBody>('/api/v1/training')
      return items.find(({ state }) => over.includes(state))
    },
    120_000,
    200,
  )
  assert.equal(first.cause, 'first')
  assert.ok(['passed', 'refused'].includes(first.state), `${first.state}: ${first.message}`)
  const model = await daemon.get<{
    state: string
    verdict: { verdict: string; reasons: unknown[] }
  }>(`/api/v1/models/BTC-USDT/linear/${first.version}`)
  assert.equal(model.verdict.verdict, first.state)
  assert.ok(model.verdict.reasons.length > 3)
  if (first.state === 'refused') assert.equal(model.state, 'rejected')
  const later = async (): Promise<boolean> => {
    const [lane] = (await daemon.get<TrainingBody>('/api/v1/training')).lanes
    return lane?.state === 'later'
  }
  await until('it is to be trained later, and not again at once', later)
  const counted = `starling_training_runs_total{result="${first.state}"} 1`
  await until('it is counted', async () =>
    (await (await fetch(`${daemon.address}/metrics`)).text()).includes(counted),
  )
  await daemon.end('SIGTERM')
  daemon = await startDaemon(t, at, 60_000, { preload: [lateTraining] })
  await until('the next daemon knows that the history is whole', later)
})
