/**
 * What people and disks get wrong, through the real command line: each ends with one clear message and its exit code, and
 * leaves nothing half-done.
 */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { readIfThere } from '../../ops/store/read-if-there.ts'
import {
  assertContinuity,
  cli,
  house,
  quickConfig,
  starling,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { progress, status } from '../support/daemon/ledger-view.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0
const start = Date.UTC(2026, 0, 1)
const minuteMs = 60_000
const header = 'open_time,open,high,low,close,volume'

function folderOf(t: TestContext): string {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 }))
  return folder
}

function candle(i: number): string {
  return `${start + i * minuteMs},100,101,99,100.5,3`
}

test('a file that is not right is refused as a whole, whatever of it was right', (t) => {
  const at = house(t)
  const rows = Array.from({ length: 40_000 }, (_, i) => candle(i))
  const cases: readonly [string, string | Buffer, RegExp][] = [
    ['nan', [header, ...rows, candle(40_000).replace('101', 'NaN')].join('\n'), /line 40002.*NaN/],
    ['column', [`${header},mood`, `${candle(0)},good`].join('\n'), /line 1.*"mood"/],
    ['empty', '', /no line/],
    ['words', 'to whom it may concern\n', /header/],
    ['cut', gzipSync([header, ...rows].join('\n')).subarray(0, 2_000), /middle of the gzip/],
    ['half', [header, candle(0), candle(1).slice(0, 18)].join('\n'), /line 3/],
  ]
  const folder = folderOf(t)
  for (const [name, content, says] of cases) {
    const file = join(folder, `${name}.csv`)
    writeFileSync(file, content)
    const options = ['--coin', 'BTC/USDT', '--config', at.config, '--data', at.data, '--json']
    const { code, out, err } = starling('import', file, ...options)
    assert.equal(code, 1, `${name}: ${err}`)
    assert.match(err, says)
    assert.match(err, new RegExp(`${name}\\.csv`))
    assert.doesNotMatch(err, /\n\s+at /, 'a message, not a stack')
    assert.equal(out, '')
  }
  const { code, err } = starling('coins', '--config', at.config, '--data', at.data, '--json')
  assert.equal(code, 1, 'nothing was ever stored')
  assert.match(err, /nothing|no .*store|not .*stored/i)
})

test('a line of 2 GB costs no more memory than any other', async (t) => {
  const at = house(t)
  const folder = folderOf(t)
  const plain = join(folder, 'line.csv')
  writeFileSync(plain, `${header}\n`)
  truncateSync(plain, 2 * 1024 ** 3)
  const beginning = await peakOf(['import', '--help'])
  const options = ['--coin', 'BTC/USDT', '--config', at.config, '--data', at.data]
  const { code, err, rssMax } = await peakOf(['import', plain, ...options])
  assert.equal(code, 1)
  assert.match(err, /line 2: found more than \d+ characters/)
  t.diagnostic(`${rssMax} bytes at most, ${beginning.rssMax} for doing nothing`)
  assert.ok(rssMax < beginning.rssMax + 150 * 1024 ** 2)
})

/** The greatest size of a command's process, sampled while it runs. */
async function peakOf(
  args: readonly string[],
): Promise<{ readonly code: number | null; readonly err: string; readonly rssMax: number }> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  let rssMax = 0
  const sample = (): void => {
    const peak = /VmHWM:\s+(\d+)/.exec(readIfThere(`/proc/${child.pid}/status`) ?? '')
    rssMax = Math.max(rssMax, Number(peak?.[1] ?? 0) * 1024)
  }
  const sampling = setInterval(sample, 5)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  clearInterval(sampling)
  return { code, err, rssMax }
}

test('a configuration with a typo names file, line, key and what was meant', (t) => {
  const cases: readonly [string, RegExp][] = [
    [
      'market:\n  sorce: tape\n',
      /starling\.yaml:2: market\.sorce: unknown key; did you mean source\?/,
    ],
    ['market:\n  source: tape\n  graceMs: soon\n', /starling\.yaml:3.*market\.graceMs.*soon/s],
    ['api:\n  port: 99999\n', /starling\.yaml:2.*api\.port.*99999/s],
    ['market: [\n', /starling\.yaml/],
  ]
  for (const [text, says] of cases) {
    const at = house(t, text)
    const { code, out, err } = starling('run', '--config', at.config, '--data', at.data)
    assert.equal(code, 4, err)
    assert.match(err, says)
    assert.equal(out, '')
    assert.equal(existsSync(at.data), false, 'no data directory was made')
  }
})

test('an exchange that nobody knows is a configuration that is not right, and no data directory is made for it', (t) => {
  const at = house(t, 'market: { source: binanec }\napi: { port: 0 }\n')
  const { code, err } = starling('run', '--json', '--config', at.config, '--data', at.data)
  assert.equal(code, 4, err)
  assert.match(err, /market\.source: ccxt knows no exchange 'binanec', did you mean binance/)
  assert.equal(existsSync(at.data), false)
})

test('a tape that cannot be read is said to be, and no data directory is made for it', (t) => {
  const file = join(folderOf(t), 'tape.csv')
  writeFileSync(file, 'to whom it may concern\n')
  const at = house(t, `market: { source: tape, tape: { file: ${file} } }\napi: { port: 0 }\n`)
  const { err } = starling('run', '--json', '--config', at.config, '--data', at.data)
  assert.match(err, /tape\.csv/)
  assert.doesNotMatch(err, /\n\s+at /)
  assert.equal(existsSync(at.data), false)
})

test('a port in use, and a second start on one data directory, are refused by name', async (t) => {
  const busy = createServer()
  await new Promise<void>((resolve) => busy.listen(0, '127.0.0.1', resolve))
  t.after(() => busy.close())
  const { port } = busy.address() as { port: number }
  const other = house(t, quickConfig)
  const blocked = starling(
    ...['run', '--json', '--port', String(port), '--config', other.config, '--data', other.data],
  )
  assert.equal(blocked.code, 1)
  assert.match(blocked.err, new RegExp(`${port}.*(in use|taken)|(in use|taken).*${port}`, 's'))
  assert.doesNotMatch(blocked.err, /\n\s+at /)
  assert.equal(existsSync(other.data), false, 'and it left nothing behind')

  const daemon = await startDaemon(t, house(t))
  const second = starling('run', '--config', daemon.house.config, '--data', daemon.house.data)
  assert.equal(second.code, 1)
  assert.ok(second.err.includes(daemon.address), second.err)
  await progress(daemon, 6)
  assert.equal((await daemon.end('SIGTERM')).code, 0)
})

test('a data directory of another PostgreSQL is left alone, and its owner told what to do', async (t) => {
  const at = house(t)
  const cluster = join(at.data, 'postgres')
  mkdirSync(cluster, { recursive: true })
  chmodSync(at.data, 0o755)
  writeFileSync(join(cluster, 'PG_VERSION'), '14\n')
  writeFileSync(join(cluster, 'precious'), 'data')
  const { code, err } = starling('run', '--config', at.config, '--data', at.data)
  assert.equal(code, 1)
  assert.match(err, /PostgreSQL 14.*PostgreSQL 18.*backup.*restore/s)
  assert.deepEqual(readdirSync(cluster).toSorted(), ['PG_VERSION', 'precious'])
})

test('an unwritable directory is refused to another user, for the daemon and for an import', {
  skip: isRoot ? false : 'needs root, to be another user',
}, (t) => {
  const folder = folderOf(t)
  const at = { data: join(folder, 'data'), config: join(folder, 'starling.yaml') }
  writeFileSync(at.config, quickConfig)
  mkdirSync(at.data, { mode: 0o755 })
  const file = join(folder, 'candles.csv')
  writeFileSync(file, [header, candle(0)].join('\n'))
  const nobody = { uid: 65_534, gid: 65_534 }
  for (const args of [['run'], ['import', file, '--coin', 'BTC/USDT']]) {
    const run = spawnSync(
      process.execPath,
      [cli, ...args, '--config', at.config, '--data', at.data],
      { ...nobody, encoding: 'utf8', timeout: 60_000, cwd: '/', env: { PATH: process.env.PATH } },
    )
    assert.equal(run.status, 1, run.stderr)
    assert.match(run.stderr, /cannot use the data directory .*data: this user may not write there/)
    assert.deepEqual(readdirSync(at.data), [])
  }
})

test('a disk without room for a database is said to be, before one is begun', {
  skip: isRoot ? false : 'needs root, to mount a small disk',
}, (t) => {
  const disk = temporaryFolder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=20m', 'tmpfs', disk])
  t.after(() => {
    spawnSync('umount', [disk])
    rmSync(disk, { recursive: true })
  })
  if (mounted.status !== 0) return t.skip(`cannot mount a small disk here: ${mounted.stderr}`)
  const data = join(disk, 'data')
  const { code, err } = starling('run', '--config', house(t).config, '--data', data)
  assert.equal(code, 1, err)
  assert.match(err, /the disk has \d+ MiB left, it takes 64: make room on it/)
  assert.doesNotMatch(err, /\n\s+at /)
  assert.equal(existsSync(join(data, 'lock')), false)
  assert.deepEqual(
    readdirSync(data).filter((name) => name.startsWith('postgres')),
    [],
  )
})

interface Harm {
  readonly what: string
  readonly do: (folder: string) => void
  readonly says: RegExp
}

const shipped = fileURLToPath(new URL('../../models/linear/v1', import.meta.url))

/** As an artifact's maker would write it down: the manifest names what is there. */
function rewrite(folder: string, change: (manifest: Manifest) => void): void {
  const file = join(folder, 'manifest.json')
  const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest
  change(manifest)
  for (const [name, about] of Object.entries(manifest.files)) {
    const bytes = readFileSync(join(folder, name))
    about.bytes = bytes.length
    about.sha256 = createHash('sha256').update(bytes).digest('hex')
  }
  writeFileSync(file, JSON.stringify(manifest))
}

interface Manifest {
  readonly input: { columns: string[] }
  readonly files: Record<string, { bytes: number; sha256: string }>
}

const harms: readonly Harm[] = [
  {
    what: 'truncated',
    do: (folder) => truncateSync(join(folder, 'model.onnx'), 100),
    says: /model\.onnx has 100 bytes, the manifest says/,
  },
  {
    what: 'with a wrong hash',
    do: (folder) => {
      const model = join(folder, 'model.onnx')
      writeFileSync(model, readFileSync(model).fill(7, 40, 44))
    },
    says: /model\.onnx.*sha256/,
  },
  {
    what: 'with a wrong shape',
    do: (folder) => rewrite(folder, ({ input }) => void input.columns.pop()),
    says: /golden\.json: inputs\.0 has \d+ numbers, the manifest says \d+/,
  },
  {
    what: 'with a column that nobody computes',
    do: (folder) =>
      rewrite(folder, ({ input }) => {
        input.columns[0] = 'mood'
      }),
    says: /mood/,
  },
]

test('an artifact that is not right is not published: one message, and nothing is left of it', async (t) => {
  const daemon = await startDaemon(t, house(t))
  await progress(daemon, 6)
  const { data, config } = daemon.house
  const models = async (): Promise<string> => JSON.stringify(await daemon.get('/api/v1/models'))
  const kept = (): readonly string[] => readdirSync(join(data, 'artifacts')).toSorted()
  const before = { models: await models(), kept: kept() }
  for (const harm of harms) {
    const folder = join(folderOf(t), 'mine')
    cpSync(shipped, folder, { recursive: true })
    harm.do(folder)
    const { code, err } = await beside('publish', folder, '--data', data, '--config', config)
    assert.equal(code, 1, `${harm.what}: ${err}`)
    assert.match(err, harm.says, harm.what)
    assert.doesNotMatch(err, /\n\s+at /, 'a message, not a stack')
    assert.deepEqual({ models: await models(), kept: kept() }, before, harm.what)
  }
  // One that only its runtime can find out about is taken, and rejected with the reason when it is to serve.
  const folder = join(folderOf(t), 'mine')
  cpSync(shipped, folder, { recursive: true })
  truncateSync(join(folder, 'model.onnx'), 200)
  rewrite(folder, () => {})
  const to = ['--coin', 'BTC/USDT', '--activate', '--data', data, '--config', config]
  const taken = await beside('publish', folder, ...to)
  assert.equal(taken.code, 0, taken.err)
  await until('it is rejected, with the reason', async () => {
    const swaps = await daemon.get<{ items: { state: string; reason: string | null }[] }>(
      '/api/v1/swaps',
    )
    return swaps.items.some(({ state, reason }) => state === 'rejected' && reason !== null)
  })
  await progress(daemon, 6)
  await assertContinuity(daemon)
  assert.equal((await daemon.end('SIGTERM')).code, 0)
})

test('an artifact that has gone bad in the data directory is said to be, and stops no other', async (t) => {
  const at = house(t)
  const first = await startDaemon(t, at)
  await progress(first, 6)
  assert.equal((await first.end('SIGTERM')).code, 0)
  const artifacts = join(at.data, 'artifacts')
  const isLinear = (name: string): boolean => {
    const manifest = readFileSync(join(artifacts, name, 'manifest.json'), 'utf8')
    return (JSON.parse(manifest) as { family: string }).family === 'linear'
  }
  const linear = join(artifacts, readdirSync(artifacts).find(isLinear) as string)
  appendFileSync(join(linear, 'manifest.json'), '\n')
  const daemon = await startDaemon(t, at)
  const { items } = await daemon.get<{ items: { family: string; openAt: string }[] }>(
    '/api/v1/predictions?family=lightgbm&limit=1',
  )
  await until('the others go on', async () => {
    const path = '/api/v1/predictions?family=lightgbm&limit=1'
    const now = await daemon.get<{ items: { openAt: string }[] }>(path)
    return (now.items[0]?.openAt ?? '') > (items[0]?.openAt ?? '')
  })
  await until(
    'it is said why',
    async () => (await status(daemon)).degraded.some((it) => /linear.*another artifact/.test(it)),
    20_000,
  ).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await status(daemon))}`)
  })
  await assertContinuity(daemon)
  assert.equal((await daemon.end('SIGTERM')).code, 0)
})

function beside(
  ...args: readonly string[]
): Promise<{ readonly code: number | null; readonly err: string }> {
  const child = spawn(process.execPath, [cli, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
  let err = ''
  child.stderr.on('data', (chunk: Buffer) => {
    err += chunk
  })
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, err })))
}
