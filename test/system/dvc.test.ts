/** The real DVC: it pulls a dataset that Starling wrote, and its `repro` retrains in a git clone. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { trackByDvc } from '../../models/dataset/dvc.ts'
import { datasetOf, marketCandles } from '../support/models/datasets.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pythonTools } from './support/python.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const tools = pythonTools('dvc==3.67.1')
const skip = tools.type === 'present' ? false : tools.why

function dvc(folder: string, ...args: readonly string[]): string {
  if (tools.type !== 'present') throw new Error(tools.why)
  const env = { ...process.env, PATH: `${tools.bin}:${process.env.PATH}`, DVC_NO_ANALYTICS: '1' }
  const done = spawnSync(join(tools.bin, 'dvc'), args, { cwd: folder, encoding: 'utf8', env })
  assert.equal(done.status, 0, `dvc ${args.join(' ')}: ${done.stdout}${done.stderr}`)
  return done.stdout
}

test('dvc pulls a dataset that was written for it, byte for byte', { skip }, async () => {
  const candles = await marketCandles({ seed: 5, signal: 0.3, days: 4 })
  const { folder } = await datasetOf(candles, temporaryFolder(), { columns: ['log_return_1'] })
  const remote = temporaryFolder()
  const { path } = await trackByDvc(folder, remote)
  const repository = temporaryFolder()
  dvc(repository, 'init', '--no-scm', '--quiet')
  dvc(repository, 'remote', 'add', '--default', 'store', remote)
  writeFileSync(join(repository, 'dataset.dvc'), readFileSync(path))
  dvc(repository, 'pull', '--quiet')
  const pulled = join(repository, 'dataset')
  assert.deepEqual(readdirSync(pulled).toSorted(), readdirSync(folder).toSorted())
  for (const name of readdirSync(folder))
    assert.deepEqual(readFileSync(join(pulled, name)), readFileSync(join(folder, name)), name)
})

test('in a git clone dvc repro trains the family that is named, of the file that is named, and nothing twice', {
  skip,
}, async (t) => {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true }))
  const clone = join(folder, 'starling')
  execFileSync('git', ['clone', '--quiet', '--depth', '1', `file://${root}`, clone])
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'))
  const git = (...args: readonly string[]): string =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b', ...args], {
      cwd: clone,
      encoding: 'utf8',
    })
  const params = join(clone, 'params.yaml')
  const change = (from: string, to: string): void => {
    const text = readFileSync(params, 'utf8')
    assert.ok(text.includes(from))
    writeFileSync(params, text.replace(from, to))
  }
  const candles = await marketCandles({ seed: 7, signal: 0.6, days: 14 })
  const lines = candles
    .filter(({ state }) => state === 'final')
    .map((it) => [it.openAt, it.open, it.high, it.low, it.close, it.volume].join(','))
  const header = 'open_time,open,high,low,close,volume'
  const file = join(folder, 'btc.csv')
  writeFileSync(file, `${[header, ...lines].join('\n')}\n`)
  change('candles: candles.csv', `candles: ${file}`)

  dvc(clone, 'repro')
  const metrics = (): string => readFileSync(join(clone, 'pipeline/metrics.json'), 'utf8')
  const first = metrics()
  assert.ok(JSON.parse(first).n > 1_000)
  assert.ok(readdirSync(join(clone, 'pipeline/artifact')).includes('manifest.json'))
  assert.match(dvc(clone, 'repro'), /up to date/)

  // What git is to keep, and what is only DVC's.
  git('add', '.')
  git('commit', '--quiet', '--message', 'trained')
  const kept = git('ls-files').split('\n')
  assert.ok(kept.includes('dvc.lock') && kept.includes('pipeline/metrics.json'))
  assert.ok(kept.every((it) => !/^pipeline\/(?:dataset|artifact|work)\//.test(it)))

  change('settings: {}', 'settings: { l2: 0.5 }')
  assert.match(dvc(clone, 'repro'), /'dataset' didn't change/)
  assert.notEqual(metrics(), first)
  assert.match(dvc(clone, 'metrics', 'diff'), /classes\.logLoss/)

  // Its sources are now those of the other family.
  change('family: linear', 'family: lightgbm')
  const named = dvc(clone, 'status')
  assert.match(named, /models\/lightgbm/)
  assert.doesNotMatch(named, /models\/linear/)
  t.diagnostic(named)
})
