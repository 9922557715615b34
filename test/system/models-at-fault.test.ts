import assert from 'node:assert/strict'
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../ops/config/load.ts'
import { type Daemon, startDaemon } from '../../ops/daemon/daemon.ts'
import { lockDataDirectory, openDataDirectory } from '../../ops/store/data-directory.ts'
import { createLog } from '../../ops/telemetry/log.ts'
import { listen } from '../../streams/channels.ts'
import { wallClock } from '../../streams/time.ts'
import type { Mood } from '../support/moody-child.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const config = `
market: { source: tape, historyDays: 3, tape: { speed: 240 } }
fleet: { families: { linear: {}, lightgbm: {}, volatility: { horizon: 60m } } }
inference: { children: 2, deadlineMs: 1000, memoryLimitMb: 512 }
api: { port: 0 }
`
const bad = 'volatility'
/** Predictions of the others in one turn: two coins, two families, ten candles. */
const turnRows = 40
const pairs = 5

interface Stage {
  readonly daemon: Daemon
  readonly get: <T>(path: string) => Promise<T>
  readonly release: () => Promise<void>
  readonly mood: (mood: Mood | undefined) => void
  /** Median wait of the next predictions of the other families. */
  readonly othersWait: () => Promise<number>
}

async function stage(t: TestContext): Promise<Stage> {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  const file = join(folder, 'starling.yaml')
  writeFileSync(file, config)
  const directory = openDataDirectory(join(folder, 'data'))
  chmodSync(directory.path, 0o755)
  const lock = lockDataDirectory(directory)
  const daemon = await startDaemon({
    config: loadConfig({ file }).config,
    directory,
    lock,
    clock: wallClock,
    random: Math.random,
    cores: 2,
    log: createLog(
      () => {},
      () => wallClock.now(),
    ),
    say: () => {},
    version: 'test',
    inferenceEntry: fileURLToPath(new URL('../support/moody-child.ts', import.meta.url)),
  })
  t.after(async () => {
    await daemon.stop(20_000)
    lock.release()
  })
  const get = async <T>(path: string): Promise<T> =>
    (await (await fetch(daemon.address + path)).json()) as T
  const moodFile = join(directory.path, 'mood.json')
  await until('it is ready', async () => (await fetch(`${daemon.address}/health/ready`)).ok, 60_000)
  return {
    daemon,
    get,
    mood: (mood) =>
      mood === undefined
        ? rmSync(moodFile, { force: true })
        : writeFileSync(moodFile, JSON.stringify({ family: bad, mood })),
    release: async () => {
      const { items } = await get<{ items: { coin: string; family: string; state: string }[] }>(
        '/api/v1/lanes',
      )
      for (const { coin, family } of items.filter((it) => it.family === bad)) {
        const token = readFileSync(join(directory.path, 'token'), 'utf8').trim()
        await fetch(`${daemon.address}/api/v1/lanes/${coin.replace('/', '-')}/${family}/release`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
        })
      }
    },
    othersWait: () =>
      new Promise((resolve) => {
        const waits: number[] = []
        const stop = listen('prediction.committed', ({ family, waitMs, mode }) => {
          if (family === bad || mode !== 'live') return
          waits.push(waitMs)
          if (waits.length < turnRows) return
          stop()
          resolve(median(waits))
        })
      }),
  }
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}

const cases: readonly [Mood, string][] = [
  ['hang', 'a model that hangs'],
  ['nan', 'a model that answers NaN'],
  ['grow', 'a model that eats memory'],
  ['segfault', 'a model that takes its child with it'],
]

for (const [mood, what] of cases) {
  test(`${what} is set aside, the others wait no longer for it, and its candles are answered when it is good again`, async (t) => {
    const { get, release, mood: be, othersWait } = await stage(t)
    const calm: number[] = []
    const beside: number[] = []
    const tree = async (): Promise<string> => JSON.stringify(await get('/api/v1/tree'))
    for (let pair = 0; pair < pairs; pair++) {
      calm.push(await othersWait())
      be(mood)
      beside.push(await othersWait())
      await until(
        'it is in quarantine',
        async () => (await tree()).includes('"quarantined"'),
        60_000,
      )
      be(undefined)
      await release()
      await until('it is back', async () => !(await tree()).includes('"quarantined"'), 30_000)
    }
    t.diagnostic(
      `others' median wait, calm: ${calm.map(Math.round)} beside: ${beside.map(Math.round)} ms`,
    )
    assert.ok(
      median(beside) <= Math.max(median(calm) * 1.1, median(calm) + 5),
      'the others wait longer',
    )
    type Audit = {
      unexplained: number
      duplicates: number
      lanes: { holes: number; byReason: Record<string, number> }[]
    }
    await until(
      'its holes have healed',
      async () =>
        (await get<Audit>('/api/v1/continuity')).lanes.every(
          ({ byReason }) => !byReason.quarantined,
        ),
      60_000,
    )
    const { unexplained, duplicates } = await get<Audit>('/api/v1/continuity')
    assert.deepEqual({ unexplained, duplicates }, { unexplained: 0, duplicates: 0 })
  })
}
