import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../ops/config/load.ts'
import type { Config } from '../../ops/config/schema.ts'
import { replay } from '../../ops/replay.ts'
import { readIfThere } from '../../ops/store/read-if-there.ts'
import { minuteMs, wallClock } from '../../streams/time.ts'
import { cli } from '../support/daemon/daemon.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const { config: defaults } = loadConfig({})
const config: Config = {
  ...defaults,
  market: { ...defaults.market, coins: defaults.market.coins.slice(0, 1) },
  fleet: { ...defaults.fleet, families: { linear: defaults.fleet.families.linear as never } },
}

function options(file: string | null) {
  const interrupted = new Promise<string>(() => {})
  const rest = { clock: wallClock, random: Math.random, children: 1, seed: 3, interrupted }
  return {
    ...rest,
    config,
    file,
    candles: 30,
    shuffleSeed: undefined,
    progress: () => {},
    say: () => {},
  }
}

// A folder for temporary files of our own: others replay at the same time.
const folder = temporaryFolder()
process.env.TMPDIR = folder
after(() => rmSync(folder, { recursive: true }))

/** Minutes from the first of 2026 on. */
function candleFile(name: string, rows: number): string {
  const file = join(folder, name)
  const lines = Array.from({ length: rows }, (_, i) => {
    const open = 100 + Math.sin(i / 7)
    return [1767225600000 + i * minuteMs, open, open + 1, open - 1, open + 0.5, 1 + (i % 5)].join()
  })
  writeFileSync(file, ['open_time,open,high,low,close,volume', ...lines].join('\n'))
  return file
}

/** Clusters that had to be placed outside of the replays' folders, which are closed to the user of PostgreSQL. */
const outside = new Set<string>()

function lookOutside(): void {
  for (const name of replays()) {
    const place = readIfThere(join(folder, name, 'postgres.elsewhere'))?.trim()
    if (place !== undefined) outside.add(place)
  }
}

/** Folders of replays, clusters of theirs outside, and PostgreSQL servers that run in either. */
function left(): readonly string[] {
  return [...replays(), ...[...outside].filter((place) => existsSync(place)), ...servers()]
}

function servers(): readonly string[] {
  const homes = [`${folder}/starling-replay-`, ...outside]
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      const words = readIfThere(`/proc/${pid}/cmdline`)
      return homes.some((home) => words?.includes(home))
    })
}

function replays(): readonly string[] {
  return readdirSync(folder).filter((name) => name.startsWith('starling-replay-'))
}

const isRoot = process.getuid?.() === 0
const onLinux = { skip: process.platform === 'linux' ? false : 'looks at /proc' }

test(
  'a replay gives its digests, counts its progress, and leaves nothing behind',
  onLinux,
  async () => {
    const steps: number[] = []
    const progress = (done: number): void => {
      steps.push(done)
      lookOutside()
    }
    const report = await replay({ ...options(null), progress })
    assert.equal(report.candles.count, 30)
    assert.equal(report.predictions.count, 30)
    assert.deepEqual(report.continuity, { unexplained: 0, duplicates: 0 })
    assert.equal(steps.at(-1), 30)
    assert.equal(outside.size > 0, isRoot)
    assert.deepEqual(left(), [])
  },
)

test('a file that is no market is refused, and leaves nothing behind', onLinux, async () => {
  const file = join(folder, 'candles.csv')
  writeFileSync(file, 'open_time,open,high,low,close,volume\n1767225600000,1,NaN,1,1,1\n')
  await assert.rejects(replay(options(file)), { code: 'file.value', message: /line 2.*NaN/ })
  assert.deepEqual(left(), [])
})

test(
  'a file with fewer candles than are asked for is refused, and leaves nothing behind',
  onLinux,
  async () => {
    await assert.rejects(replay(options(candleFile('short.csv', 3))), {
      code: 'file.short',
      message: /short\.csv: found 3 candles .*, expected 30 to replay/,
    })
    assert.deepEqual(left(), [])
  },
)

test(
  'of several coins a file is the first one: it is replayed, and the others are named',
  onLinux,
  async () => {
    const said: string[] = []
    const { market } = defaults
    const report = await replay({
      ...options(candleFile('two-coins.csv', 40)),
      config: { ...config, market },
      say: (text) => said.push(text),
    })
    assert.equal(report.candles.count, 30)
    assert.deepEqual(report.continuity, { unexplained: 0, duplicates: 0 })
    assert.deepEqual(said, ['the tape has no ETH/USDT: replayed without'])
    assert.deepEqual(left(), [])
  },
)

test(
  'a file has its warm-up before the candles that are asked for, or what it leaves of one',
  onLinux,
  async () => {
    const whole = await replay(options(candleFile('whole.csv', 2 * 1440 + 40)))
    assert.deepEqual([whole.candles.count, whole.predictions.count], [30, 30])
    assert.deepEqual(whole.continuity, { unexplained: 0, duplicates: 0 })
    const half = await replay(options(candleFile('half.csv', 1440)))
    assert.deepEqual([half.candles.count, half.predictions.count], [30, 30])
    assert.deepEqual(half.continuity, { unexplained: 0, duplicates: 0 })
  },
)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  test(`a replay that ${signal} ends leaves nothing behind`, onLinux, async (t) => {
    const words = ['replay', '--candles', '100000', '--source', 'tape']
    const child = spawn(process.execPath, [cli, ...words], { stdio: ['ignore', 'ignore', 'pipe'] })
    t.after(() => child.kill('SIGKILL'))
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk
    })
    const ended = once(child, 'close')
    await until('its database runs', () => {
      lookOutside()
      return servers().length > 0
    })
    child.kill(signal)
    assert.deepEqual(await ended, [1, null])
    assert.match(said, new RegExp(`ended by ${signal}: nothing is left of it`))
    assert.deepEqual(left(), [])
  })
}
