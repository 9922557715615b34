import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { cli, house, startDaemon } from '../support/daemon/daemon.ts'
import { publish } from '../support/daemon/versions.ts'
import { testFolder, writeVersion } from '../support/models/artifacts.ts'
import { until } from '../support/until.ts'

const root = join(import.meta.dirname, '../..')

interface Report {
  readonly standing: string
  readonly candles: number
  readonly challenger: { readonly name: string; readonly scores: { readonly n: number } }
  readonly champion: { readonly name: string; readonly scores: { readonly n: number } } | null
  readonly verdict: { readonly reasons: readonly { readonly code: string }[] }
  readonly markdown: string
}

function evaluate(...args: readonly string[]) {
  const done = spawnSync(process.execPath, [cli, 'evaluate', '--coin', 'BTC/USDT', ...args], {
    encoding: 'utf8',
    timeout: 120_000,
  })
  const report = args.includes('--json') && done.stdout ? JSON.parse(done.stdout) : undefined
  return { ...done, report: report as Report }
}

const config = `
market: { source: tape, historyDays: 9, tape: { speed: 120 } }
fleet: { families: { linear: {} } }
training: { where: off }
api: { port: 0 }
`

test('two versions of a lane are compared beside the daemon, and the same without it', async (t) => {
  const home = house(t, config)
  const daemon = await startDaemon(t, home)
  const folder = testFolder(t)
  await writeVersion(folder, 1)
  const { version } = await publish(daemon, folder, 'coin=BTC-USDT')
  const stored = async (): Promise<boolean> => {
    const coins = await daemon.get<{ coin: string; candles: number }[]>('/api/v1/coins')
    return coins.every((it) => it.candles > 8 * 1440)
  }
  await until('eight days are stored', stored, 120_000)
  const where = ['--family', 'linear', '--data', home.data, '--config', home.config, '--json']
  const found = evaluate(...where, '--to', '2026-01-01', '--days', '6')
  assert.equal(found.report.challenger.name, `BTC-USDT/linear@${version}`, found.stderr)
  assert.equal(found.report.champion?.name, 'BTC-USDT/linear@1')
  assert.ok(found.report.candles > 5 * 1440, `${found.report.candles}`)
  assert.equal(found.report.champion.scores.n, found.report.challenger.scores.n)
  assert.equal(found.status, found.report.standing === 'not_worse' ? 0 : 1)
  const scored = async (): Promise<boolean> => {
    const { items } = await daemon.get<{ items: { version: number }[] }>('/api/v1/scores')
    return items.some((it) => it.version === 1)
  }
  await until('version 1 has outcomes', scored, 120_000)
  await daemon.end('SIGTERM')
  const alone = evaluate(...where, '--to', '2026-01-01', '--days', '6')
  assert.deepEqual(
    [alone.report.standing, alone.report.challenger.scores],
    [found.report.standing, found.report.challenger.scores],
    alone.stderr,
  )
  const said = evaluate(...where, '--version', '1', '--ledger')
  assert.ok(said.report.candles > 0, said.stderr)
  assert.ok(said.report.verdict.reasons.every((it) => it.code !== 'golden'))
  const named = evaluate(...where, '--version', '1', '--against', '9')
  assert.deepEqual([named.status, named.stdout], [1, ''])
  assert.match(named.stderr, /no linear@9 of BTC\/USDT/)
})

test('a pull request whose model is worse fails, and says so in Markdown', async (t) => {
  const clone = mkdtempSync(join(tmpdir(), 'starling-clone-'))
  t.after(() => rmSync(clone, { recursive: true, force: true }))
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-C', clone, ...args], { encoding: 'utf8' }).trim()
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, clone])
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
  const base = git('rev-parse', 'HEAD')
  const report = join(clone, 'report.md')
  const run = () =>
    spawnSync('bash', ['.ci/evaluate', base, report], { cwd: clone, encoding: 'utf8' })
  assert.equal(run().status, 0)
  assert.match(readFileSync(report, 'utf8'), /No shipped model differs/)
  // Made by hand and fitted to nothing, in the place of the better one.
  const commit = ['-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '-m', 'x']
  const linear = join(clone, 'models/linear/v1')
  rmSync(linear, { recursive: true })
  mkdirSync(linear)
  await writeVersion(linear, 1)
  git('add', '--all', linear)
  git(...commit)
  const worse = run()
  const text = readFileSync(report, 'utf8')
  assert.equal(worse.status, 1, worse.stderr)
  assert.match(text, /^## linear on BTC\/USDT: the challenger is worse$/m)
  assert.match(text, /^\| log loss \|/m)
  assert.match(text, /^linear did not hold\.$/m)
})

test('folders are compared on a tape without a store, and what makes no sense is refused', async (t) => {
  // Made by hand and fitted to nothing.
  const worse = testFolder(t)
  await writeVersion(worse, 1)
  const folders = (a: string, b: string) => ['--artifact', a, '--champion', b]
  const [linear, volatility] = ['models/linear/v1', 'models/volatility/v1']
  const tape = [
    '--source',
    'tape',
    '--days',
    '8',
    '--family',
    'linear',
    '--data',
    '/nowhere',
    '--json',
  ]
  const same = evaluate(...tape, ...folders(linear, linear))
  assert.deepEqual([same.status, same.report.standing], [0, 'not_worse'], same.stderr)
  const [one, other] = [
    evaluate(...tape, ...folders(linear, worse)),
    evaluate(...tape, ...folders(worse, linear)),
  ]
  assert.deepEqual([one.report.standing, other.report.standing], ['not_worse', 'worse'])
  assert.deepEqual([one.status, other.status], [0, 1])
  const unlike = evaluate(...tape, ...folders(linear, volatility))
  assert.deepEqual([unlike.status, unlike.report.standing], [1, 'unknown'])
  const stranger = evaluate(...tape, ...folders(volatility, linear))
  assert.deepEqual([stranger.status, stranger.stdout], [1, ''])
  assert.match(stranger.stderr, /models\/volatility\/v1 is of the family volatility, not linear/)
  assert.equal(evaluate('--family', 'linear', '--champion', 'x').status, 2)
  assert.equal(evaluate('--family', 'linear', '--version', 'x').status, 2)
  assert.equal(evaluate().status, 2)
})
