import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTimeScheduler } from 'rxjs'
import { turnOf } from '../../../../actors/training/run.ts'
import { createApp } from '../../../../ops/api/app.ts'
import { runBody } from '../../../../ops/api/routes/training.ts'
import { progressText } from '../../../../ops/cli/commands/train.ts'
import type { TrainOptions } from '../../../../ops/cli/world.ts'
import type { TrainingRead } from '../../../../ops/store/training/read-training.ts'
import { run, stubDeps, stubReads } from '../../api/stub.ts'
import { healthy, starling, stubWorld } from '../stub.ts'

const alone = { holder: () => undefined }

/** A daemon whose run goes through these states, one at a look. */
function daemonWith(...lives: readonly Partial<TrainingRead>[]) {
  const clock = new VirtualTimeScheduler()
  let look = 0
  const reads = {
    ...stubReads,
    trainingRun: async () => ({ ...run, ...lives[Math.min(look++, lives.length - 1)] }),
  }
  const app = createApp(stubDeps({ reads }))
  return {
    clock: Object.assign(clock, {
      schedule: (work: () => void) => {
        queueMicrotask(work)
        return { unsubscribe: () => {} }
      },
    }) as never,
    fetch: (async (input: string, init: RequestInit) => app.request(String(input), init)) as never,
    probes: healthy,
  }
}

const open = { endedAt: null, state: 'running' as const }

test('a refusal is an answer: exit 0, with reasons, metrics and what no skill got', async () => {
  const { code, out } = await starling(
    'train --coin BTC/USDT --family linear --json',
    daemonWith(open, {}),
  )
  assert.equal(code, 0)
  const { version, verdict, reasons, metrics, baseline } = JSON.parse(out)
  assert.deepEqual([version, verdict], [2, 'refused'])
  assert.deepEqual(reasons, run.verdict?.reasons)
  assert.deepEqual([metrics, baseline], [run.metrics, run.baseline])
})

test('a failed run is exit 1, with its reason and the end of its log', async () => {
  const failed = {
    ...{ state: 'failed' as const, code: 'data.one_class', message: 'every row is hold' },
    log: 'read 1,000 rows\ndataset data.one_class: every row is hold\n',
  }
  const { code, err } = await starling('train --coin BTC/USDT --family linear', daemonWith(failed))
  assert.equal(code, 1)
  assert.match(err, /run 4 failed: every row is hold \(data.one_class\)\n {2}read 1,000 rows\n$/)
})

test('each step is told once where nobody sits before it', async () => {
  const at = (step: 'dataset' | 'fit'): Partial<TrainingRead> => ({
    ...open,
    tries: [{ ...(run.tries[0] as TrainingRead['tries'][number]), step }],
  })
  const daemon = daemonWith(at('dataset'), at('dataset'), at('fit'), {})
  const { err } = await starling('train --coin BTC/USDT --family linear', daemon)
  const first = 'run 4 goes on in the daemon if this command ends\nwaiting for its turn\n'
  assert.equal(err, `${first}dataset\nfit\n`)
})

test('what it waits for is told once where nobody sits before it', async () => {
  const queued = { ...open, state: 'queued' as const, tries: [] }
  const fit = { ...(run.tries[0] as TrainingRead['tries'][number]), step: 'fit' as const }
  const waits = { ...open, tries: [fit], progress: turnOf(false) }
  const works = { ...waits, progress: turnOf(true) }
  const daemon = daemonWith(queued, queued, waits, waits, works, {})
  const { err } = await starling('train --coin BTC/USDT --family linear', daemon)
  const lines = ['waiting for its turn', 'fit waits for another training on this machine', 'fit']
  assert.deepEqual(err.trim().split('\n').slice(1), lines)
})

test('without a daemon the work is done here', async () => {
  const asked: TrainOptions[] = []
  const { daemon } = stubWorld()
  const train = async (options: TrainOptions) => {
    asked.push(options)
    return runBody({ ...run, state: 'passed' })
  }
  const line =
    'train --coin btc-usdt --family linear --rows 5000 --trials 3 --seed 9 --warm-start --json'
  const { code, out } = await starling(line, { ...alone, daemon: { ...daemon, train } })
  assert.deepEqual([code, JSON.parse(out).verdict], [0, 'passed'])
  const { coin, family, rows, trials, seed, warmStart } = asked[0] as TrainOptions
  assert.deepEqual([coin, family, rows, trials, seed], ['BTC/USDT', 'linear', 5000, 3, 9])
  assert.equal(warmStart, true)
})

test('a run is cancelled by its number, with a daemon and without', async () => {
  const told = await starling('train --cancel 4')
  assert.deepEqual([told.code, told.out], [0, 'will be cancelled\n'])
  const here = await starling('train --cancel 4 --json', alone)
  assert.deepEqual(JSON.parse(here.out), { run: 4, state: 'cancelled' })
})

test('what is missing or wrong is usage', async () => {
  for (const line of [
    '--coin BTC/USDT',
    '--family linear',
    '--coin B --family linear',
    '--coin BTC/USDT --family linear --rows 0',
    '--cancel x',
  ])
    assert.equal((await starling(`train ${line}`)).code, 2, line)
})

test('progress in words', () => {
  const progress = { part: 'epoch', done: 12, of: 40, loss: 0.98712, secondsLeft: 13.2 }
  assert.equal(
    progressText({ state: 'running', step: 'fit', progress }),
    'fit ██████░░░░░░░░░░░░░░ epoch 12 of 40, loss 0.9871, 14 s left',
  )
  assert.equal(
    progressText({ state: 'queued', step: null, progress: null }),
    'waiting for its turn',
  )
  assert.equal(progressText({ state: 'running', step: 'judge', progress: null }), 'judge')
  assert.equal(progressText({ state: 'running', step: 'judge', progress: turnOf(true) }), 'judge')
})
