import assert from 'node:assert/strict'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../ops/config/load.ts'
import type { Config } from '../../ops/config/schema.ts'
import { replay } from '../../ops/replay.ts'
import { readIfThere } from '../../ops/store/read-if-there.ts'
import { minuteMs, wallClock } from '../../streams/time.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const { config: defaults } = loadConfig({})
const config: Config = {
  ...defaults,
  market: { ...defaults.market, coins: defaults.market.coins.slice(0, 1) },
  fleet: { ...defaults.fleet, families: { linear: defaults.fleet.families.linear as never } },
}

function options(file: string | null) {
  const rest = { clock: wallClock, random: Math.random, children: 1, seed: 3 }
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

/** Folders of replays, and PostgreSQL servers that run in them. */
function left(): readonly string[] {
  const servers = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => readIfThere(`/proc/${pid}/cmdline`)?.includes(`${folder}/starling-replay-`))
  return [...readdirSync(folder).filter((name) => name.startsWith('starling-replay-')), ...servers]
}

const onLinux = { skip: process.platform === 'linux' ? false : 'looks at /proc' }

test(
  'a replay gives its digests, counts its progress, and leaves nothing behind',
  onLinux,
  async () => {
    const steps: number[] = []
    const report = await replay({ ...options(null), progress: (done) => steps.push(done) })
    assert.equal(report.candles.count, 30)
    assert.equal(report.predictions.count, 30)
    assert.deepEqual(report.continuity, { unexplained: 0, duplicates: 0 })
    assert.equal(steps.at(-1), 30)
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
