import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as elapse } from 'node:timers/promises'
import { assertContinuity, halfMinute, house, startDaemon } from '../support/daemon/daemon.ts'
import { assertKept, progress, seen } from '../support/daemon/ledger-view.ts'
import { ended, order, publish, slotsOf } from '../support/daemon/versions.ts'
import { testFolder, writeVersion } from '../support/models/artifacts.ts'
import { startOwnServer, urlOf } from '../support/store/database.ts'

const lane = 'BTC-USDT/linear'
/** Six times the lease. */
const stoppedMs = 60_000

test('the owner of a store stands still in a swap: another takes over, ends it, and is not disturbed when the first wakes', async (t) => {
  const { socket } = await startOwnServer()
  const url = urlOf({ type: 'socket', path: socket })
  const config = `
market: { source: tape, coins: [BTC/USDT], historyDays: 1, tape: { speed: 120 } }
fleet: { families: { linear: {} }, shadowCandles: 20 }
training: { where: off }
api: { port: 0 }
store: { url: "${url}" }
`
  const first = await startDaemon(t, house(t, config))
  await progress(first, 4)
  const second = startDaemon(t, house(t, config), 120_000)
  const artifact = testFolder(t)
  await writeVersion(artifact, 1)
  const { version } = await publish(first, artifact, 'coin=BTC-USDT')
  const { swap } = await order(first, lane, version)
  await progress(first, 6)
  const before = await seen(first)
  const from = performance.now()
  first.process.kill('SIGSTOP')
  // Its artifact is nowhere but in the store: the second has a data directory of its own.
  const taken = await second
  const ms = performance.now() - from
  assert.ok(
    ms < halfMinute(first),
    `it took ${ms} ms to take over:\n${taken.output().slice(0, 3_000)}`,
  )
  const done = await ended(taken, swap)
  assert.deepEqual([done.state, done.missed, done.twice], ['done', 0, 0], JSON.stringify(done))
  assert.deepEqual(await slotsOf(taken, lane), { v1: 1, v2: 1, v3: version })
  await elapse(Math.max(0, stoppedMs - (performance.now() - from)))
  assertKept(before, await seen(taken))
  first.process.kill('SIGCONT')
  assert.notEqual(await first.ended, 0)
  await progress(taken, 6)
  assert.deepEqual(await slotsOf(taken, lane), { v1: 1, v2: 1, v3: version })
  await assertContinuity(taken)
  await taken.end('SIGTERM')
})
