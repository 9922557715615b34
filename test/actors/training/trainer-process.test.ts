import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { before, type TestContext, test } from 'node:test'
import type { SchedulerAction, Subscription } from 'rxjs'
import { runTrainer, type TrainerLimits } from '../../../actors/training/trainer-process.ts'
import { openArtifact } from '../../../models/artifact.ts'
import { goldenDistance } from '../../../models/golden.ts'
import { openSession } from '../../../models/session.ts'
import type { TrainerEvent } from '../../../models/training/events.ts'
import { seal } from '../../../models/training/seal.ts'
import { isAlive } from '../../../ops/store/process-identity.ts'
import { type Clock, hourMs, wallClock } from '../../../streams/time.ts'
import { datasetOf, marketCandles } from '../../support/models/datasets.ts'
import {
  badTrainer,
  linear,
  type Misbehaviour,
  nodeTrainer,
  requestFor,
} from '../../support/models/trainers.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { until } from '../../support/until.ts'

let dataset: Awaited<ReturnType<typeof datasetOf>>

before(async () => {
  const candles = await marketCandles({ seed: 3, signal: 0.5, days: 8 })
  dataset = await datasetOf(candles, temporaryFolder(), { columns: linear.input.columns })
})

function limits(t: TestContext, change: Partial<TrainerLimits> = {}): TrainerLimits {
  return {
    clock: wallClock,
    silenceMs: 20_000,
    limitMs: 60_000,
    memoryBytes: 2 ** 31,
    signal: t.signal,
    ...change,
  }
}

async function run(t: TestContext, how: Misbehaviour, change: Partial<TrainerLimits> = {}) {
  const { request, path } = requestFor(linear, dataset, temporaryFolder())
  const heard: TrainerEvent[] = []
  const log: string[] = []
  const ears = {
    event: (it: TrainerEvent) => heard.push(it),
    log: (line: string) => log.push(line),
  }
  const running = runTrainer(request, path, badTrainer(how), limits(t, change), ears)
  return { running, heard, log }
}

test('linear learns what there is, tells how it goes, and its graph answers as it does', async (t) => {
  const folder = temporaryFolder()
  const { request, path } = requestFor(linear, dataset, folder, { trials: 3 })
  const heard: TrainerEvent[] = []
  const ears = { event: (it: TrainerEvent) => heard.push(it), log: assert.fail }
  const trained = await runTrainer(request, path, nodeTrainer(linear), limits(t), ears)
  assert.ok(trained.parity < 1e-5)
  assert.equal(trained.trials.length, 3)
  assert.deepEqual(
    [...new Set(heard.map(({ type }) => type))],
    ['started', 'progress', 'trial', 'done'],
  )
  const out = join(folder, 'artifact')
  await seal({ request, trained, datasets: [dataset.manifest], coin: '*', scores: null }, out)
  const artifact = await openArtifact(out)
  const session = await openSession(artifact)
  t.after(() => session.release())
  const answered = await session.run(artifact.golden.inputs, artifact.golden.rows)
  assert.ok(goldenDistance(artifact.golden.outputs, answered, 'probabilities') < 1e-6)
  const [from, to] = request.ranges.test[0] as readonly [number, number]
  assert.ok(
    Date.parse(artifact.manifest.trained.to) <= from,
    'what it is judged on it has not seen',
  )
  assert.ok(to > from)
})

test('linear leaves in the middle of its work when whoever started it is killed', async (t) => {
  const { path } = requestFor(linear, dataset, temporaryFolder(), { trials: 5_000 })
  const { command, args } = nodeTrainer(linear)
  const starter = `
    const { spawn } = require('node:child_process')
    const [command, ...args] = ${JSON.stringify([command, ...args, path])}
    const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'] })
    child.stdout.on('data', (said) => String(said).includes('trial') && console.log(child.pid))`
  const parent = spawn(process.execPath, ['-e', starter], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => parent.kill('SIGKILL'))
  const [said] = await once(parent.stdout, 'data')
  const pid = Number.parseInt(String(said), 10)
  t.after(() => isAlive(pid) && process.kill(pid, 'SIGKILL'))
  parent.kill('SIGKILL')
  await until('it is gone', () => !isAlive(pid), 20_000)
})

test('the same request gives the same bytes', async (t) => {
  const bytes: Buffer[] = []
  for (let i = 0; i < 2; i++) {
    const { request, path } = requestFor(linear, dataset, temporaryFolder())
    await runTrainer(request, path, nodeTrainer(linear), limits(t), {
      event: () => {},
      log: () => {},
    })
    bytes.push(readFileSync(join(request.out, 'model.onnx')))
  }
  assert.deepEqual(bytes[0], bytes[1])
})

test('too few rows are refused by the trainer’s own word', async (t) => {
  const { request, path } = requestFor(linear, dataset, temporaryFolder(), { rowsMax: 100 })
  const ears = { event: () => {}, log: () => {} }
  await assert.rejects(runTrainer(request, path, nodeTrainer(linear), limits(t), ears), {
    code: 'data.too_few',
  })
  assert.ok(!existsSync(join(request.out, 'model.onnx')))
})

test('a disk that is full while the artifact is written is told as such', async (t) => {
  const { request, path } = requestFor(linear, dataset, temporaryFolder())
  // The kernel's own refusal, whoever runs the test and however large the disk.
  symlinkSync('/dev/full', join(request.out, 'model.onnx'))
  const ears = { event: () => {}, log: () => {} }
  const running = runTrainer(request, path, nodeTrainer(linear), limits(t), ears)
  await assert.rejects(running, { code: 'disk.full', retryable: true })
})

test('a crash is told with its last words, and may be tried again', async (t) => {
  const { running, log } = await run(t, 'crash')
  await assert.rejects(running, (fault: { code: string; message: string; retryable: boolean }) => {
    assert.equal(fault.code, 'trainer.crashed')
    assert.match(fault.message, /ended with 3: the reason why/)
    return fault.retryable
  })
  assert.deepEqual(log, ['the reason why'])
})

test('one that says nothing any more is killed', async (t) => {
  const { running } = await run(t, 'hang', { silenceMs: 1_500 })
  await assert.rejects(running, { code: 'trainer.hung' })
})

for (const how of ['stay', 'hang'] as const) {
  test(`a machine that slept is no silence and no work: ${how}`, async (t) => {
    let sleptMs = 0
    let looks = 0
    type Work = (this: SchedulerAction<unknown>, state?: unknown) => void
    const schedule = (work: Work, delay?: number, state?: unknown): Subscription =>
      wallClock.schedule(
        function (it) {
          work.call(this, it)
          looks++
        },
        delay,
        state,
      )
    const clock: Clock = {
      now: () => wallClock.now() + sleptMs,
      schedule: schedule as Clock['schedule'],
    }
    const end = new AbortController()
    const { running, heard } = await run(t, how, { clock, signal: end.signal })
    await until('it is at work', () => heard.length > 0)
    sleptMs = 8 * hourMs
    looks = 0
    await until('it was looked at twice', () => looks >= 2)
    end.abort()
    await assert.rejects(running, { code: 'trainer.cancelled' })
  })
}

test('one that grows past its memory is killed', async (t) => {
  const { running } = await run(t, 'grow', { memoryBytes: 512 * 2 ** 20 })
  await assert.rejects(running, { code: 'trainer.too_large' })
})

test('one that takes too long is killed even where it does not want to leave', async (t) => {
  // Its time begins when it is at work: asked to leave before it can refuse, it would.
  let begunAt = Number.POSITIVE_INFINITY
  const clock: Clock = {
    now: () => Math.max(0, wallClock.now() - begunAt),
    schedule: wallClock.schedule.bind(wallClock),
  }
  const { running, heard } = await run(t, 'stay', { clock, limitMs: 1_000 })
  await until('it is at work', () => heard.some((it) => it.type === 'progress'))
  begunAt = wallClock.now()
  await assert.rejects(running, { code: 'trainer.timeout' })
  assert.ok(
    heard.some((it) => it.type === 'warning'),
    'it was asked first',
  )
})

test('it can be cancelled', async (t) => {
  const end = new AbortController()
  const { running } = await run(t, 'stay', { signal: end.signal })
  end.abort()
  await assert.rejects(running, { code: 'trainer.cancelled' })
})

test('half an artifact is no artifact', async (t) => {
  const { running } = await run(t, 'half')
  await assert.rejects(running, { code: 'trainer.half_artifact' })
})

test('lines that are no events go to the log, cut to size, and an end without a word is a crash', async (t) => {
  const { running, log } = await run(t, 'garbage')
  await assert.rejects(running, { code: 'trainer.crashed' })
  assert.equal(log.length, 3)
  assert.ok(log.every((line) => line.length <= 8_192))
})

test('what the trainer says of itself is the reason', async (t) => {
  const { running } = await run(t, 'not_finite')
  await assert.rejects(running, { code: 'model.not_finite', message: 'the loss is NaN' })
})
