import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { randomFrom } from '../../streams/random.ts'
import { assertContinuity, house, type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { until } from '../support/until.ts'

interface Status {
  readonly predictions: number
  readonly health: string
  readonly degraded: readonly string[]
}

const status = (daemon: RunningDaemon): Promise<Status> => daemon.get<Status>('/api/v1/status')

interface Row {
  readonly coin: string
  readonly family: string
  readonly version: number
  readonly openAt: string
  readonly inputHash: string
  readonly signal: string | null
  readonly value: number | null
}

/** Every prediction that a client can see now, by its key. */
async function seen(daemon: RunningDaemon): Promise<Map<string, string>> {
  const all = new Map<string, string>()
  for (let cursor = ''; ; ) {
    const page = await daemon.get<{ items: Row[]; next: string | null }>(
      `/api/v1/predictions?limit=5000${cursor}`,
    )
    for (const { coin, family, version, openAt, inputHash, signal, value } of page.items)
      all.set(`${coin} ${family}@${version} ${openAt}`, JSON.stringify([inputHash, signal, value]))
    if (page.next === null) return all
    cursor = `&cursor=${encodeURIComponent(page.next)}`
  }
}

function assertKept(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): void {
  const lost = [...before].filter(([key, row]) => after.get(key) !== row)
  assert.deepEqual(lost.slice(0, 5), [], `${lost.length} rows that were seen are lost or changed`)
}

/** More predictions than there are now, by so many. */
async function progress(daemon: RunningDaemon, by: number): Promise<void> {
  const { predictions } = await status(daemon)
  await until(
    `there are ${by} more predictions`,
    async () => (await status(daemon)).predictions >= predictions + by,
    60_000,
  )
}

test('the daemon is killed 20 times at moments drawn by a seed, and nothing that was seen is lost', async (t) => {
  const seed = process.env.STARLING_TEST_SEED ?? '20 kills'
  t.diagnostic(`seed: ${seed}`)
  const chance = randomFrom(seed)
  const at = house(t)
  let before = new Map<string, string>()
  for (let kill = 0; kill < 20; kill++) {
    const daemon = await startDaemon(t, at)
    assertKept(before, await seen(daemon))
    await progress(daemon, Math.floor(chance.uniform() * 12))
    before = await seen(daemon)
    await daemon.end('SIGKILL')
  }
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
    process.kill(postmasterOf(daemon), 'SIGKILL')
    await until(
      'it predicts again',
      async () => {
        const rows = await seen(daemon).catch(() => undefined)
        return rows !== undefined && rows.size > before.size + 12
      },
      60_000,
    )
    assertKept(before, await seen(daemon))
  }
  assert.equal(daemon.process.exitCode, null, daemon.output().slice(-3_000))
  assert.equal(daemon.pid, pid)
  await until('it is well again', async () => (await status(daemon)).health === 'ready', 60_000)
  await assertContinuity(daemon)
})

test('inference children are killed in the middle of their work: others take it, and no candle is left out', async (t) => {
  const daemon = await startDaemon(t, house(t))
  for (let kill = 0; kill < 5; kill++) {
    await progress(daemon, 6)
    const children = childrenOf(daemon)
    assert.ok(children.length > 0)
    process.kill(children[kill % children.length] as number, 'SIGKILL')
  }
  await progress(daemon, 12)
  await until('it is well again', async () => (await status(daemon)).health === 'ready', 60_000)
  await assertContinuity(daemon)
  const audit = await daemon.get<{ lanes: { holes: number }[] }>('/api/v1/continuity')
  assert.deepEqual(
    audit.lanes.map(({ holes }) => holes).filter((holes) => holes > 0),
    [],
  )
})

function postmasterOf(daemon: RunningDaemon): number {
  const { pid } = JSON.parse(
    daemon
      .output()
      .split('\n')
      .findLast((line) => /"event":"database\.(started|adopted)"/.test(line)) as string,
  ) as { pid: number }
  return pid
}

function childrenOf(daemon: RunningDaemon): readonly number[] {
  const tasks = readFileSync(
    join('/proc', String(daemon.pid), 'task', String(daemon.pid), 'children'),
    'utf8',
  )
  return tasks
    .trim()
    .split(' ')
    .map(Number)
    .filter((pid) =>
      readFileSync(join('/proc', String(pid), 'cmdline'), 'utf8').includes('inference-child'),
    )
}
