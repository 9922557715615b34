import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Gauges, measure } from '../../../ops/telemetry/measure.ts'
import { createMetrics, type Metrics } from '../../../ops/telemetry/metrics.ts'
import { tell } from '../../../streams/channels.ts'
import type { TreeNode } from '../../../supervisor/tree/spec.ts'

function node(name: string, more: Partial<TreeNode> = {}): TreeNode {
  return {
    name,
    path: name,
    kind: name,
    state: 'running',
    epoch: 1,
    restarts: 0,
    mailbox: 0,
    dropped: 0,
    lastProgressAt: null,
    reason: null,
    children: [],
    ...more,
  }
}

const version = node('7', { path: 'market/7', kind: 'version', mailbox: 3, state: 'quarantined' })
const quiet: Gauges = {
  tree: () => node('market', { children: [version] }),
  continuity: async () => ({ unexplained: 0, duplicates: 2 }),
  models: async () => [
    {
      coin: 'BTC/USDT',
      family: 'linear',
      slot: 'v1',
      ageSeconds: 60,
      value: -0.5,
      accuracy: { '1d': 0.5 },
    },
  ],
}

function measured(t: TestContext, gauges: Gauges = quiet): Metrics {
  const metrics = createMetrics()
  t.after(metrics.close)
  t.after(measure(metrics, gauges))
  return metrics
}

const told = {
  coin: 'BTC/USDT',
  family: 'linear',
  version: 1,
  openAt: 0,
  signal: 'buy',
  waitMs: 120,
  inferMs: 1,
}

test('what happens is counted, by bounded labels', async (t) => {
  const metrics = measured(t)
  tell('trades.folded', { coin: 'BTC/USDT', count: 40, lastAt: 0 })
  tell('trades.folded', { coin: 'BTC/USDT', count: 2, lastAt: 0 })
  tell('prediction.committed', { ...told, mode: 'live' })
  tell('prediction.committed', { ...told, mode: 'backfill' })
  tell('actor.crashed', { path: 'market/7', epoch: 1, error: new Error('x'), deadline: true })
  tell('supervisor.decided', { path: 'market/7', decision: 'restart', detail: '' })
  tell('queue.dropped', { queue: 'version', count: 3 })
  tell('prediction.disagreed', { coin: 'BTC/USDT', family: 'linear', version: 1, openAt: 0 })
  const page = await metrics.text()
  for (const line of [
    'starling_trades_total{coin="BTC/USDT"} 42',
    'starling_predictions_total{coin="BTC/USDT",family="linear",mode="live"} 1',
    'starling_predictions_total{coin="BTC/USDT",family="linear",mode="backfill"} 1',
    'starling_prediction_wait_seconds_count{family="linear"} 1',
    'starling_prediction_wait_seconds_sum{family="linear"} 0.12',
    'starling_actor_crashes_total{kind="version",how="hung"} 1',
    'starling_actor_restarts_total{kind="version"} 1',
    'starling_dropped_total{queue="version"} 3',
    'starling_predictions_disagreed_total{coin="BTC/USDT",family="linear"} 1',
    'starling_actors{state="running"} 1',
    'starling_actors{state="quarantined"} 1',
    'starling_mailbox_messages{kind="version"} 3',
    'starling_continuity_unexplained 0',
    'starling_continuity_duplicates 2',
    'starling_model_age_seconds{coin="BTC/USDT",family="linear",slot="v1"} 60',
    'starling_prediction_value{coin="BTC/USDT",family="linear",slot="v1"} -0.5',
    'starling_model_accuracy{coin="BTC/USDT",family="linear",slot="v1",window="1d"} 0.5',
  ]) {
    assert(page.split('\n').includes(line), `${line} is missing in\n${page}`)
  }
})

test('reading twice counts once', async (t) => {
  const metrics = measured(t)
  tell('trades.folded', { coin: 'BTC/USDT', count: 1, lastAt: 0 })
  await metrics.text()
  assert.match(await metrics.text(), /trades_total\{coin="BTC\/USDT"\} 1\n/)
})

test('while the store cannot be asked its gauges have no value and the rest is there', async (t) => {
  let isDown = false
  const ask =
    <T>(value: T) =>
    async () =>
      isDown ? Promise.reject(new Error('down')) : value
  const metrics = measured(t, {
    tree: quiet.tree,
    continuity: ask({ unexplained: 1, duplicates: 0 }),
    models: ask(await quiet.models()),
  })
  assert.match(await metrics.text(), /starling_continuity_unexplained 1/)
  isDown = true
  const page = await metrics.text()
  assert.doesNotMatch(page, /^starling_(continuity_unexplained|model_age_seconds)\b/m)
  assert.match(page, /^starling_actors/m)
})

test('no gauge carries a name that Prometheus keeps for counters', async (t) => {
  const page = await measured(t).text()
  const gauges = [...page.matchAll(/^# TYPE (\S+) gauge$/gm)].map((match) => match[1] as string)
  assert(gauges.length > 5)
  assert.deepEqual(
    gauges.filter((name) => /_(total|count|sum|bucket)$/.test(name)),
    [],
  )
  const counters = [...page.matchAll(/^# TYPE (\S+) counter$/gm)].map((match) => match[1] as string)
  assert.deepEqual(
    counters.filter((name) => !name.endsWith('_total')),
    [],
  )
})
