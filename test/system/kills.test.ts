import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as elapse } from 'node:timers/promises'
import { randomFrom } from '../../streams/random.ts'
import { inferenceChildren } from '../support/daemon/children.ts'
import {
  assertContinuity,
  house,
  quickConfig,
  type RunningDaemon,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { assertKept, progress, seen, wellAgain } from '../support/daemon/ledger-view.ts'
import { until } from '../support/until.ts'

/** What a start takes here from its port until it is ready, about. */
const startMs = 3_000

test('the daemon is killed 20 times at moments drawn by a seed, and nothing that was seen is lost', async (t) => {
  const seed = process.env.STARLING_TEST_SEED ?? '20 kills'
  t.diagnostic(`seed: ${seed}`)
  const chance = randomFrom(seed)
  const at = house(t)
  let before: ReadonlyMap<string, string> = new Map()
  let starts = 0
  for (let kill = 0; kill < 20; kill++) {
    // About one in four is killed while it starts, the first one perhaps while its database is made.
    if (chance.uniform() < 0.25) {
      const starting = await startDaemon(t, at, undefined, { early: true })
      await elapse(chance.uniform() * startMs)
      await starting.end('SIGKILL')
      starts++
      continue
    }
    const daemon = await startDaemon(t, at)
    assertKept(before, await seen(daemon))
    await progress(daemon, Math.floor(chance.uniform() * 12))
    before = await seen(daemon)
    await daemon.end('SIGKILL')
  }
  t.diagnostic(`${starts} of them while it started`)
  const last = await startDaemon(t, at)
  assertKept(before, await seen(last))
  await progress(last, 12)
  await assertContinuity(last)
  assert.equal((await last.end('SIGTERM')).code, 0)
})

test('PostgreSQL is killed under load: the daemon waits, loses nothing, and goes on by itself', async (t) => {
  const daemon = await startDaemon(t, house(t))
  const { pid } = daemon
  for (let kill = 0; kill < 3; kill++) {
    await progress(daemon, 12)
    const before = await seen(daemon)
    const killed = postmasterOf(daemon)
    process.kill(killed, 'SIGKILL')
    // Until it is noticed, its other processes go on answering for a moment.
    await until('another is up', () => postmasterOf(daemon) !== killed, 60_000)
    const after = await until(
      'it predicts again',
      async () => {
        const rows = await seen(daemon).catch(() => undefined)
        return rows !== undefined && rows.size > before.size + 12 && rows
      },
      60_000,
    )
    assertKept(before, after)
  }
  assert.equal(daemon.process.exitCode, null, daemon.output().slice(-3_000))
  assert.equal(daemon.pid, pid)
  await wellAgain(daemon)
  await assertContinuity(daemon)
})

test('inference children are killed in the middle of their work: others take it, and no candle is left out', async (t) => {
  // Stopped children are killed by the test, not by the daemon that takes them for hung before two candles have closed.
  const config = `${quickConfig}inference: { deadlineMs: 60000 }\n`
  const daemon = await startDaemon(t, house(t, config))
  for (let kill = 0; kill < 5; kill++) {
    await progress(daemon, 6)
    const before = await seen(daemon)
    const children = await until('one is up', () => {
      const pids = inferenceChildren(daemon.pid)
      return pids.length > 0 && pids
    })
    // By turns one at whatever it does, and all of them with work in hand that they cannot have answered.
    const killed = kill % 2 === 0 ? children : [children[kill % children.length] as number]
    if (kill % 2 === 0) {
      for (const pid of killed) process.kill(pid, 'SIGSTOP')
      await closes(daemon, 2)
    }
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await progress(daemon, 6)
    assertKept(before, await seen(daemon))
  }
  await progress(daemon, 12)
  await wellAgain(daemon)
  await assertContinuity(daemon)
  const audit = await daemon.get<{ lanes: { holes: number }[] }>('/api/v1/continuity')
  assert.deepEqual(
    audit.lanes.map(({ holes }) => holes).filter((holes) => holes > 0),
    [],
  )
})

/** Those that stopped children are to answer are in their hands then; the tape waits for them after the next one. */
async function closes({ address }: RunningDaemon, candles: number): Promise<void> {
  const closed = async (): Promise<number> => {
    const page = await (await fetch(`${address}/metrics`)).text()
    const counts = [...page.matchAll(/^starling_candles_total\{.*\} (\d+)$/gm)]
    return counts.reduce((sum, [, count]) => sum + Number(count), 0)
  }
  const end = (await closed()) + candles
  await until(`${candles} candles have closed`, async () => (await closed()) >= end)
}

function postmasterOf(daemon: RunningDaemon): number {
  const { pid } = JSON.parse(
    daemon
      .output()
      .split('\n')
      // Of the last line only a part may have been read.
      .findLast((line) => /"event":"database\.(started|adopted)".*\}$/.test(line)) as string,
  ) as { pid: number }
  return pid
}
