/** The real DVC: it pulls a dataset that Starling wrote, and its `repro` retrains where a parameter has changed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
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

test('dvc repro retrains, does nothing twice, and sees a parameter that has changed', {
  skip,
}, async () => {
  const repository = join(temporaryFolder(), 'starling')
  mkdirSync(repository)
  for (const name of readdirSync(root))
    if (!['.git', '.starling', 'pipeline', 'params.yaml', 'dvc.lock', '.dvc'].includes(name))
      symlinkSync(join(root, name), join(repository, name))
  const parameters = readFileSync(join(root, 'params.yaml'), 'utf8')
  writeFileSync(join(repository, 'params.yaml'), parameters)
  const candles = await marketCandles({ seed: 7, signal: 0.6, days: 14 })
  const lines = candles
    .filter(({ state }) => state === 'final')
    .map((it) => [it.openAt, it.open, it.high, it.low, it.close, it.volume].join(','))
  const header = 'open_time,open,high,low,close,volume'
  writeFileSync(join(repository, 'candles.csv'), `${[header, ...lines].join('\n')}\n`)
  dvc(repository, 'init', '--no-scm', '--quiet')
  dvc(repository, 'repro')
  const metrics = (): string => readFileSync(join(repository, 'pipeline/metrics.json'), 'utf8')
  const first = metrics()
  assert.ok(JSON.parse(first).n > 1_000)
  assert.ok(readdirSync(join(repository, 'pipeline/artifact')).includes('manifest.json'))
  assert.match(dvc(repository, 'repro'), /up to date/)
  const changed = parameters.replace('settings: {}', 'settings: { l2: 0.5 }')
  writeFileSync(join(repository, 'params.yaml'), changed)
  const again = dvc(repository, 'repro')
  assert.match(again, /'dataset' didn't change/)
  assert.notEqual(metrics(), first)
})
