import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { Assembly } from '../../../ops/assemble.ts'
import type { ChosenMarket } from '../../../ops/choose-market.ts'
import { watchVitals } from '../../../ops/daemon/vitals.ts'
import type { StoreReads } from '../../../ops/store/reads/reads.ts'
import type { LaneRegistry } from '../../../ops/versions/lane-registry.ts'
import { tell } from '../../../streams/channels.ts'
import { dayMs, hourMs, minuteMs } from '../../../streams/time.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { btc, eth, noon } from '../../support/store/database.ts'

const version = { coin: btc, family: 'linear', version: 1 }

function stage(t: TestContext) {
  const clock = new SimulatedClock(noon)
  let offsetMs = 0
  const simulated = clock.now.bind(clock)
  clock.now = () => simulated() + offsetMs
  const audit = { unexplained: 0, duplicates: 0, lanes: [{ holes: 2 }], asked: 0 }
  const slow = { until: Promise.resolve() }
  const reads = {
    continuity: async () => {
      audit.asked++
      await slow.until
      return { ...audit }
    },
    predictionCount: async () => 7,
    firstPredictionAt: async () => noon - hourMs,
    gapCounts: async () => ({ open: 1, unhealable: 0 }),
    candleCounts: async () => [{ coin: btc, candles: 100, gaps: 1 }],
  }
  const watch = watchVitals({
    clock,
    market: { mode: 'live', source: 'binance', reason: 'configured' } as ChosenMarket,
    reads: reads as unknown as StoreReads,
    startedAt: noon,
    version: '1.2.3',
  })
  t.after(watch.stop)
  const coin = {
    coin: btc,
    path: 'market/BTC-USDT',
    line: { committedTo: noon, intervalMs: minuteMs, preview: undefined },
    feedState: {
      connection: 'connected',
      lastTradeAt: (noon - 1_000) as number | null,
      receivedAt: noon as number | null,
      detail: null as string | null,
    },
  }
  const root = { path: 'starling', state: 'running', children: [] as object[] }
  const registry = {
    lanes: () => [{ versions: [{ version }] }],
    unservable: new Map<string, string>(),
  }
  const assembly = {
    fleet: { coins: [coin], coin: () => coin, standing: () => 'present' },
    tree: { snapshot: () => root, look: () => ({ state: 'running' }) },
  }
  const attach = (): void =>
    watch.attach(assembly as unknown as Assembly, registry as unknown as LaneRegistry, [btc])
  const shift = (ms: number): void => {
    offsetMs += ms
  }
  return { watch, attach, coin, root, registry, audit, slow, shift }
}

test('it is ready when each coin has candles and each version is loaded, and says for what it waits', (t) => {
  const { watch, attach, coin } = stage(t)
  assert.deepEqual(watch.readiness(), { ready: false, why: 'the fleet is being started' })
  attach()
  coin.line.committedTo = 0
  assert.deepEqual(watch.readiness(), { ready: false, why: 'BTC/USDT has no candles yet' })
  coin.line.committedTo = noon
  assert.deepEqual(watch.readiness(), { ready: false, why: 'BTC-USDT/linear@1 is being loaded' })
  tell('version.loaded', version)
  assert.deepEqual(watch.readiness(), { ready: true })
  assert.equal(watch.vitals().health, 'ready')
})

test('a source that does not answer is said to be waited for', async (t) => {
  const { watch, attach, coin } = stage(t)
  attach()
  tell('version.loaded', version)
  coin.feedState.connection = 'connecting'
  const { health, degraded } = await watch.status()
  assert.equal(health, 'degraded')
  assert.deepEqual(degraded, ['BTC/USDT waits for binance to answer'])
})

test('whatever is not as it should be is named', async (t) => {
  const { watch, attach, coin, root, registry, audit } = stage(t)
  attach()
  tell('version.loaded', version)
  coin.feedState.connection = 'reconnecting'
  coin.feedState.detail = 'silent'
  root.children = [
    { path: 'starling/a', state: 'quarantined', reason: 'it hangs\n  at x', children: [] },
    { path: 'starling/b', state: 'waiting', children: [] },
  ]
  registry.unservable.set('BTC/USDT/tst@1', 'its sha256 differs')
  audit.unexplained = 3
  tell('sink.waiting', { code: 'store.unavailable', attempt: 1, queued: 5 })
  tell('disk.looked_at', { freeBytes: 50 * 1024 ** 2, isLow: true })
  tell('prediction.disagreed', { ...version, openAt: noon })
  await watch.status()
  const { health, degraded } = await watch.status()
  assert.equal(health, 'degraded')
  assert.deepEqual(degraded, [
    'starling/a is in quarantine: it hangs',
    'starling/b is down: no reason was given',
    'BTC/USDT/tst@1 is not served: its sha256 differs',
    'BTC/USDT is reconnecting: silent',
    'the ledger cannot be written: store.unavailable',
    'the disk has only 50 MiB left',
    '1 answers made again differ from those in the ledger',
    '3 candles are unexplained',
  ])
  assert.deepEqual(watch.readiness(), {
    ready: false,
    why: 'the ledger cannot be written: store.unavailable',
  })
  tell('sink.committed', { rows: 1, ms: 1, stale: 0 })
  tell('disk.looked_at', { freeBytes: 50 * 1024 ** 3, isLow: false })
  assert.equal((await watch.status()).degraded.length, 6)
})

test('history on its way is told by the coin that has the longest way to go', (t) => {
  const { watch, attach } = stage(t)
  attach()
  assert.equal(watch.vitals().history, null)
  const goal = noon - 180 * dayMs
  tell('history.fetched', { coin: btc, from: noon - 54 * dayMs, goal })
  tell('history.fetched', { coin: eth, from: noon - 90 * dayMs, goal })
  assert.deepEqual(watch.vitals().history, { days: 54, of: 180 })
  for (const coin of [btc, eth]) tell('history.fetched', { coin, from: goal, goal })
  assert.equal(watch.vitals().history, null)
})

test('the audit is remembered for a while, and not into a past that the clock was set back to', async (t) => {
  const { watch, attach, audit, shift } = stage(t)
  attach()
  await watch.status()
  await watch.status()
  assert.equal(audit.asked, 1)
  shift(20_000)
  await watch.status()
  assert.equal(audit.asked, 2)
  shift(-hourMs)
  await watch.status()
  assert.equal(audit.asked, 3)
})

test('a coin is as stale as the time since it was last heard of', async (t) => {
  const { watch, attach, coin, shift } = stage(t)
  attach()
  shift(4_000)
  const [first] = await watch.coins()
  assert.equal(first?.stalenessMs, 4_000)
  assert.equal(first?.state, 'live')
  assert.equal(first?.lastCandleAt, noon - minuteMs)
  coin.feedState.receivedAt = null
  assert.equal((await watch.coins())[0]?.stalenessMs, null)
})

test('the median wait is that of live predictions alone', (t) => {
  const { watch, attach } = stage(t)
  attach()
  const about = { ...version, openAt: noon, signal: null, inferMs: 1 }
  for (const waitMs of [5, 1, 9]) tell('prediction.committed', { ...about, mode: 'live', waitMs })
  tell('prediction.committed', { ...about, mode: 'backfill', waitMs: 1e9 })
  assert.equal(watch.vitals().waitMs, 5)
  assert.equal(watch.vitals().predictions, 4)
})

test('an audit that takes longer than its answer is remembered for is made once at a time', async (t) => {
  const { watch, audit, slow, shift } = stage(t)
  const { promise, resolve } = Promise.withResolvers<void>()
  slow.until = promise
  const first = watch.continuity()
  shift(20_000)
  const second = watch.continuity()
  resolve()
  await Promise.all([first, second])
  assert.equal(audit.asked, 1)
  await watch.continuity()
  assert.equal(audit.asked, 1)
  shift(15_000)
  await watch.continuity()
  assert.equal(audit.asked, 2)
})
