import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { ChildNews } from '../../../actors/inference/wire.ts'
import {
  type ChildMessage,
  childDefaults,
  inferenceChild,
} from '../../../actors/inference/worker.ts'
import { openArtifact } from '../../../models/artifact.ts'
import { isAlive } from '../../../ops/store/process-identity.ts'
import {
  startPool,
  type TestPool,
  type TestPoolOptions,
  versionOf,
} from '../../support/actors/pool.ts'
import { inbox, probe } from '../../support/actors/probe.ts'
import { softmaxModel, testFolder, writeArtifact } from '../../support/models/artifacts.ts'
import { until } from '../../support/until.ts'

const badChild = fileURLToPath(new URL('../../support/actors/bad-child.ts', import.meta.url))
const orphan = fileURLToPath(new URL('../../support/actors/orphan.ts', import.meta.url))
/** Only for models that hang: others may take long on a busy machine. */
const soonHung = { deadlineMs: 1_500 }
const one = (it: number): Float32Array => Float32Array.of(it)

async function badPool(
  t: { after(end: () => Promise<void>): void },
  options: TestPoolOptions = {},
): Promise<TestPool> {
  const child = { entry: badChild, stalledMs: 100, checkMs: 25, ...options.child }
  const pool = await startPool({ ...options, child })
  t.after(pool.stop)
  await pool.loadAs(good, 'good')
  return pool
}

const good = versionOf('good')
const bad = versionOf('bad')

async function assertGood(pool: TestPool, what: string): Promise<void> {
  const answer = await pool.infer(good, one(1))
  assert(answer.type === 'inferred', `${what}: ${JSON.stringify(answer)}`)
  assert.deepEqual(answer.outputs, one(2))
}

test('rows come back as the session answered them, and the runtime is not in this process', async (t) => {
  const folder = testFolder(t)
  await writeArtifact(folder, softmaxModel())
  const pool = await startPool()
  t.after(pool.stop)
  const loaded = await pool.load(good, folder)
  assert.equal(loaded.type, 'loaded')
  const answer = await pool.infer(good, Float32Array.of(0, 0, 1, 1), 2)
  assert(answer.type === 'inferred')
  assert.equal(answer.outputs.length, 6)
  assert.ok(Math.abs((answer.outputs[0] ?? 0) - 1 / 3) < 1e-6)
  const report = process.report.getReport() as unknown as { sharedObjects: string[] }
  assert.deepEqual(
    report.sharedObjects.filter((it) => it.includes('onnxruntime')),
    [],
  )
})

test('windows that travelled as a strip are answered bit for bit as those that travelled whole', async (t) => {
  const pool = await startPool({ children: 1 })
  t.after(pool.stop)
  const folder = fileURLToPath(new URL('../../../models/tst/v1', import.meta.url))
  await pool.load(good, folder)
  const { manifest, golden } = await openArtifact(folder)
  assert(manifest.input.kind === 'window')
  const columns = manifest.input.columns.length
  const width = manifest.input.length * columns
  const rows = 20
  const strip = golden.inputs.slice(0, (rows - 1) * columns + width)
  const starts = Uint32Array.from({ length: rows }, (_, row) => row * columns)
  const whole = new Float32Array(rows * width)
  for (const [row, start] of starts.entries())
    whole.set(strip.subarray(start, start + width), row * width)
  const [asStrip, asRows] = await Promise.all([
    pool.infer(good, strip, rows, 'live', starts),
    pool.infer(good, whole, rows),
  ])
  assert(asStrip.type === 'inferred' && asRows.type === 'inferred')
  assert.deepEqual(asStrip.outputs, asRows.outputs)
})

test('an artifact that a child refuses is refused with its reason', async (t) => {
  const pool = await badPool(t)
  const answer = await pool.loadAs(bad, 'refused')
  assert(answer.type === 'loadRefused')
  assert.equal(answer.code, 'artifact.hash')
  const inferred = await pool.infer(bad, one(1))
  assert(inferred.type === 'inferFailed')
  assert.equal(inferred.code, 'inference.unloaded')
})

test('NaN stays in the row it answered: its neighbours are answered, in one job and in others', async (t) => {
  const pool = await badPool(t)
  await pool.loadAs(bad, 'nanOn13')
  const answers = await Promise.all([
    pool.infer(bad, one(1)),
    pool.infer(bad, Float32Array.of(1, 13, 2), 3),
    pool.infer(bad, one(2)),
  ])
  assert.deepEqual(
    answers.map((it) => (it.type === 'inferred' ? [...it.outputs] : it.code)),
    [[2], [2, Number.NaN, 3], [3]],
  )
})

test('a row that the graph cannot run fails alone', async (t) => {
  const pool = await badPool(t)
  await pool.loadAs(bad, 'throwOn13')
  const answers = await Promise.all([1, 13, 2, 3].map((it) => pool.infer(bad, one(it))))
  assert.deepEqual(
    answers.map((it) => (it.type === 'inferred' ? it.outputs[0] : it.code)),
    [2, 'inference.refused', 3, 4],
  )
})

for (const [model, cause, child] of [
  ['die', 'died', {}],
  ['hang', 'hung', soonHung],
  ['grow', 'grew too large', { rssMax: 250_000_000, deadlineMs: 60_000 }],
] as const) {
  test(`a model that makes its child ${model} is set aside, and the others go on`, async (t) => {
    const pool = await badPool(t, { child })
    await pool.loadAs(bad, model)
    const failed = pool.infer(bad, one(1))
    for (let at = 0; at < 5; at += 1) await assertGood(pool, `${at}`)
    const answer = await failed
    assert(answer.type === 'inferFailed')
    assert.equal(answer.code, 'inference.quarantined')
    assert.match(answer.reason, new RegExp(cause))
    assert.deepEqual(
      pool.quarantined.map((it) => it.version),
      [bad],
    )
    await assertGood(pool, 'afterwards')
    const again = await pool.infer(bad, one(1))
    assert(again.type === 'inferFailed')
    assert.equal(again.code, 'inference.quarantined')
  })
}

for (const [model, child] of [
  ['dieOpening', {}],
  ['hangOpening', soonHung],
] as const) {
  test(`a model that makes its child ${model} is refused`, async (t) => {
    const pool = await badPool(t, { child })
    const answer = await pool.loadAs(bad, model)
    assert(answer.type === 'loadRefused')
    assert.equal(answer.code, 'inference.quarantined')
    await assertGood(pool, 'afterwards')
  })
}

test('a row that kills takes its own version with it, and no neighbour in the bundle', async (t) => {
  const pool = await badPool(t)
  const twin = versionOf('bad', 2)
  await pool.loadAs(bad, 'dieOn13')
  await pool.loadAs(twin, 'dieOn13')
  const answers = await Promise.all([
    ...[1, 2, 3].map((it) => pool.infer(twin, one(it))),
    pool.infer(bad, one(13)),
    ...[4, 5, 6].map((it) => pool.infer(twin, one(it))),
  ])
  assert.deepEqual(
    answers.map((it) => (it.type === 'inferred' ? it.outputs[0] : it.code)),
    [2, 3, 4, 'inference.quarantined', 5, 6, 7],
  )
  const reloaded = await pool.loadAs(bad, 'dieOn13')
  assert.equal(reloaded.type, 'loaded', 'loading it anew ends the quarantine')
})

test('while one child hangs, what waited behind it is done by another', async (t) => {
  const pool = await badPool(t, { child: { deadlineMs: 60_000 } })
  const others = [1, 2, 3, 4].map((at) => versionOf('other', at))
  for (const [at, version] of others.entries()) await pool.loadAs(version, `good-${at}`)
  await pool.loadAs(bad, 'hang')
  const alive = pool.pids()
  void pool.infer(bad, one(1))
  const answers = await Promise.all(others.map((it) => pool.infer(it, one(1))))
  assert.ok(answers.every((it) => it.type === 'inferred'))
  assert.deepEqual(pool.pids(), alive, 'before its deadline, at which it is killed')
})

test('time in which nobody listened is no silence, and ends none: a child that hangs is found out on a restless machine too', async (t) => {
  const pool = inbox<ChildNews>()
  const { deadlineMs, checkMs } = childDefaults
  const rest = { child: 0, pool, platform: process.platform, env: process.env }
  const spec = inferenceChild({ ...childDefaults, ...rest, entry: badChild })
  const { self, clock } = probe<ChildMessage>()
  const state = await spec.start(self)
  t.after(() => spec.end?.(state))
  const command = { type: 'open', bundle: 1, model: 1, folder: 'hangOpening', sha256: '' } as const
  spec.receive(state, { type: 'give', epoch: self.epoch, command }, self)
  const look = (lateMs: number): void => {
    clock.advance(checkMs + lateMs)
    spec.receive(state, { type: 'check' }, self)
  }
  for (let i = 0; i < deadlineMs / checkMs; i++) look(i % 2 === 0 ? 0 : 60_000)
  assert.throws(() => look(0), { code: 'inference.hung' })
})

test('children that are killed from outside lose nothing', async (t) => {
  const pool = await badPool(t)
  const versions = [good, versionOf('other', 1), versionOf('other', 2)]
  await pool.loadAs(versions[1] ?? good, 'good-1')
  await pool.loadAs(versions[2] ?? good, 'good-2')
  const asked = Array.from({ length: 3000 }, (_, at) =>
    pool.infer(versions[at % 3] ?? good, one(at)),
  )
  const [pid] = pool.pids()
  assert.ok(pid)
  process.kill(pid, 'SIGKILL')
  const answers = await Promise.all(asked)
  assert.deepEqual(
    answers.map((it) => (it.type === 'inferred' ? it.outputs[0] : it.code)),
    answers.map((_, at) => at + 1),
  )
})

for (const [what, args, children] of [
  ['children leave when the parent is killed', [], 2],
  ['a child that hangs inside of a model leaves when the parent is killed', ['hang'], 1],
] as const) {
  test(what, { skip: args.length > 0 && process.platform !== 'linux' }, async () => {
    const stdio = ['ignore', 'pipe', 'inherit'] as const
    const parent = spawn(process.execPath, [orphan, ...args], { stdio: [...stdio] })
    const [line] = await once(parent.stdout as Readable, 'data')
    const pids: number[] = JSON.parse(String(line))
    assert.equal(pids.length, children)
    parent.kill('SIGKILL')
    await until('the children are gone', () => pids.every((pid) => !isAlive(pid)))
  })
}
