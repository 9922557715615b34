import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  assertContinuity,
  house,
  type RunningDaemon,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { historyFetched, wellAgain } from '../support/daemon/ledger-view.ts'
import { ended, order, publish, type SwapBody, slotsOf } from '../support/daemon/versions.ts'
import { testFolder, writeVersion } from '../support/models/artifacts.ts'
import { until } from '../support/until.ts'
import { writeWhole } from '../support/write-whole.ts'

const config = `
market: { source: tape, coins: [BTC/USDT], historyDays: 1, tape: { speed: 240 } }
fleet: { families: { linear: {} }, shadowCandles: 1 }
training: { where: off }
api: { port: 0 }
`
const lane = 'BTC-USDT/linear'
const preload = [
  fileURLToPath(new URL('../support/daemon/deadly-journal-preload.ts', import.meta.url)),
]
/** What is written of one swap to a new version, in order; the old v2 is there from the third one on. */
const writes = [
  'open',
  'begin',
  'write fetched',
  'write verified',
  'write loaded',
  'write warmed',
  'judged',
  'write backfilled',
  'write shadowing',
  'cut',
  'archive',
  'end done',
]

interface Stage {
  readonly daemon: () => Promise<RunningDaemon>
  readonly killAt: (when: string) => void
  /** A new artifact in the registry. */
  readonly version: (daemon: RunningDaemon, query?: string) => Promise<number>
}

function stage(t: TestContext, written = config): Stage {
  const at = house(t, written)
  const file = join(at.config, '..', 'death')
  let mark = 0
  return {
    daemon: () => startDaemon(t, at, 60_000, { preload, env: { STARLING_TEST_DEATH: file } }),
    killAt: (when) => writeWhole(file, when),
    version: async (daemon, query = '') => {
      mark += 1
      const folder = testFolder(t)
      await writeVersion(folder, mark)
      return (await publish(daemon, folder, `coin=BTC-USDT${query}`)).version
    },
  }
}

/** The daemon's own end, by its own hand. */
async function died(daemon: RunningDaemon): Promise<void> {
  const gone = (): boolean => daemon.process.signalCode === 'SIGKILL'
  await until(`it was killed`, gone, 60_000).catch((error: Error) => {
    throw new Error(`${error.message}; it wrote: ${daemon.output().slice(-3_000)}`)
  })
}

async function newest(daemon: RunningDaemon): Promise<SwapBody> {
  const { items } = await daemon.get<{ items: SwapBody[] }>('/api/v1/swaps?limit=1')
  return items[0] as SwapBody
}

test('killed before and after every single write of a swap, a lane ends where it would have ended without', async (t) => {
  const { daemon: start, killAt, version } = stage(t)
  let daemon = await start()
  for (let i = 0; i < 2; i++) {
    const to = await version(daemon)
    assert.equal((await ended(daemon, (await order(daemon, lane, to)).swap)).state, 'done')
  }
  for (const when of writes.flatMap((write) => [`before ${write}`, `after ${write}`])) {
    const before = await slotsOf(daemon, lane)
    const to = await version(daemon)
    killAt(when)
    const asked = order(daemon, lane, to).catch(() => undefined)
    await died(daemon)
    await asked
    const from = performance.now()
    daemon = await start()
    // A wish that was never written was never made.
    if (when === 'before open') await order(daemon, lane, to)
    const swap = await ended(daemon, (await newest(daemon)).id)
    t.diagnostic(`${when}: over ${Math.round(performance.now() - from)} ms after the start`)
    assert.deepEqual(
      [swap.to, swap.state, swap.missed, swap.twice],
      [to, 'done', 0, 0],
      `${when}: ${JSON.stringify(swap)}`,
    )
    assert.deepEqual(await slotsOf(daemon, lane), { v1: 1, v2: before.v3, v3: to }, when)
    const told = swap.journal.map((it) => `${it.version} ${it.transition}`)
    assert.deepEqual(told, [...new Set(told)], `${when}: a transition is written once`)
  }
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})

test('killed before and after a rollback is written, it is either not made or made whole', async (t) => {
  const { daemon: start, killAt, version } = stage(t)
  let daemon = await start()
  const to = await version(daemon)
  await ended(daemon, (await order(daemon, lane, to)).swap)
  for (const when of ['before rollback', 'after rollback']) {
    killAt(when)
    const asked = order(daemon, lane).catch(() => undefined)
    await died(daemon)
    await asked
    daemon = await start()
    const slots = await slotsOf(daemon, lane)
    assert.equal(slots.v3, when === 'before rollback' ? to : null)
    if (when === 'after rollback') {
      const back = await ended(daemon, (await newest(daemon)).id)
      assert.deepEqual([back.kind, back.state, back.missed, back.twice], ['rollback', 'done', 0, 0])
    }
  }
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})

test('killed before and after a refusal is written, the version is refused and nothing has moved', async (t) => {
  const { daemon: start, killAt, version } = stage(t)
  let daemon = await start()
  const before = await slotsOf(daemon, lane)
  for (const when of ['before end rejected', 'after end rejected']) {
    killAt(when)
    // Nobody has judged it, and a day is too little to be judged by.
    const to = await version(daemon, '&activate=true')
    await died(daemon)
    daemon = await start()
    const swap = await ended(daemon, (await newest(daemon)).id)
    assert.deepEqual([swap.to, swap.state], [to, 'rejected'], when)
    const { state } = await daemon.get<{ state: string }>(`/api/v1/models/${lane}/${to}`)
    assert.equal(state, 'rejected', when)
    assert.deepEqual(await slotsOf(daemon, lane), before, when)
  }
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})

test('killed in the middle of its backfill, a version goes on where it had come to', async (t) => {
  const { daemon: start, version } = stage(t, config.replace('historyDays: 1', 'historyDays: 24'))
  let daemon = await start()
  await historyFetched(daemon, 24)
  const to = await version(daemon)
  await order(daemon, lane, to)
  const reached = async (): Promise<number | undefined> => {
    const { backfilledTo } = await daemon.get<{ backfilledTo: string | null }>(
      `/api/v1/models/${lane}/${to}`,
    )
    return backfilledTo === null ? undefined : Date.parse(backfilledTo)
  }
  const before = await until('some of it is answered', reached)
  await daemon.end('SIGKILL')
  daemon = await start()
  const swap = await ended(daemon, (await newest(daemon)).id)
  assert.deepEqual([swap.state, swap.missed, swap.twice], ['done', 0, 0])
  const goesOn = /"event":"version.backfilling".*?"from":"?([^",]+)/.exec(daemon.output())
  assert.ok(goesOn, 'it was not over yet')
  assert.ok(new Date(goesOn[1] as string).getTime() >= before, `${goesOn[1]}, not from the start`)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})
