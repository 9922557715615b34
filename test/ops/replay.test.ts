import assert from 'node:assert/strict'
import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { loadConfig } from '../../ops/config/load.ts'
import type { Config } from '../../ops/config/schema.ts'
import { replay } from '../../ops/replay.ts'
import { readIfThere } from '../../ops/store/read-if-there.ts'
import { wallClock } from '../../streams/time.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const { config: defaults } = loadConfig({})
const config: Config = {
  ...defaults,
  market: { ...defaults.market, coins: defaults.market.coins.slice(0, 1) },
  fleet: { ...defaults.fleet, families: { linear: defaults.fleet.families.linear as never } },
}

function options(file: string | null) {
  const rest = { clock: wallClock, random: Math.random, children: 1, seed: 3 }
  return { ...rest, config, file, candles: 30, shuffleSeed: undefined, progress: () => {} }
}

// A folder for temporary files of our own: others replay at the same time.
const folder = temporaryFolder()
process.env.TMPDIR = folder
after(() => rmSync(folder, { recursive: true }))

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
