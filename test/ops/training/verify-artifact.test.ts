import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { getPriority } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Artifact, openArtifact } from '../../../models/artifact.ts'
import { niceness } from '../../../models/training/politely.ts'
import { isAlive } from '../../../ops/store/process-identity.ts'
import { readIfThere } from '../../../ops/store/read-if-there.ts'
import { verifyArtifact } from '../../../ops/training/verify-artifact.ts'
import { Fault } from '../../../streams/fault.ts'
import {
  softmaxModel,
  type TestModel,
  testFolder,
  writeArtifact,
} from '../../support/models/artifacts.ts'
import { until } from '../../support/until.ts'

const options = { rssMax: 1024 ** 3, signal: new AbortController().signal }

async function made(t: TestContext, change: Partial<TestModel> = {}): Promise<Artifact> {
  const folder = testFolder(t)
  await writeArtifact(folder, { ...softmaxModel(), ...change })
  return openArtifact(folder)
}

/** A program in the child's place. */
function program(t: TestContext, text: string): string {
  const file = join(testFolder(t), 'child.mjs')
  writeFileSync(file, text)
  return file
}

test('an artifact that answers its golden rows as its trainer did is taken', async (t) => {
  await verifyArtifact(await made(t), options)
})

test('golden rows that differ, and answers that are no numbers, are refused by name', async (t) => {
  const { outputs } = softmaxModel()
  const wrong = outputs.map((row) => row.map((it) => it + 0.01))
  await assert.rejects(verifyArtifact(await made(t, { outputs: wrong }), options), {
    code: 'artifact.golden',
  })
  const { graph } = softmaxModel()
  const bias = { shape: [3], values: [Number.NaN, 0, 0] }
  const nan = { ...graph, constants: { ...graph.constants, bias } }
  await assert.rejects(verifyArtifact(await made(t, { graph: nan }), options), {
    code: 'artifact.not_finite',
  })
})

test('a graph that takes its process with it takes nothing else', async (t) => {
  const entry = program(t, "process.stderr.write('out of memory'); process.exit(134)")
  await assert.rejects(verifyArtifact(await made(t), { ...options, entry }), {
    code: 'artifact.graph',
    message: 'it killed the child that opened it (exit code 134) out of memory',
  })
})

test('one that hangs is ended with its signal, and works at low priority', async (t) => {
  const stop = new AbortController()
  const entry = program(
    t,
    `import { writeFileSync } from 'node:fs'
     writeFileSync(import.meta.filename + '.pid', String(process.pid))
     process.send({ type: 'ready', rss: 0 })
     process.on('message', () => { for (;;) Math.sqrt(2) })`,
  )
  const artifact = await made(t)
  const verifying = verifyArtifact(artifact, { ...options, entry, signal: stop.signal })
  // The file is there a moment before the number is in it.
  const pid = await until('the child runs', () => Number(readIfThere(`${entry}.pid`)) || undefined)
  await until('its priority is low', () => getPriority(pid) === niceness)
  stop.abort(new Fault('training.silent', 'no sign of life'))
  await assert.rejects(verifying, { code: 'training.silent' })
  await until('it is gone', () => !isAlive(pid))
})
