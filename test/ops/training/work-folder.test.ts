import assert from 'node:assert/strict'
import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { RunState } from '../../../actors/training/run.ts'
import { openWorkFolder } from '../../../ops/training/work-folder.ts'
import { testFolder } from '../../support/models/artifacts.ts'

test('what a step has made is known by the names and contents of its files', async (t) => {
  const folder = openWorkFolder(testFolder(t))
  assert.equal(await folder.product(1, 'fit'), null, 'not there')
  await folder.clear(1, 'fit')
  assert.equal(await folder.product(1, 'fit'), null, 'empty')
  const write = (name: string, text: string): void => {
    mkdirSync(join(folder.of(1, 'fit'), 'out'), { recursive: true })
    writeFileSync(join(folder.of(1, 'fit'), name), text)
  }
  write('out/model.onnx', 'weights')
  const first = await folder.product(1, 'fit')
  assert.match(first ?? '', /^sha256:[0-9a-f]{64}$/)
  assert.equal(await folder.product(1, 'fit'), first)
  write('request.json', '{}')
  const more = await folder.product(1, 'fit')
  assert.notEqual(more, first)
  write('out/model.onnx', 'WEIGHTS')
  utimesSync(join(folder.of(1, 'fit'), 'out/model.onnx'), 1, 1)
  assert.notEqual(await folder.product(1, 'fit'), more, 'as many letters, others')
})

test('a step begins in an empty folder, and what stood on it is gone', async (t) => {
  const folder = openWorkFolder(testFolder(t))
  for (const step of ['dataset', 'fit', 'export'] as const) {
    await folder.clear(7, step)
    writeFileSync(join(folder.of(7, step), 'made'), step)
  }
  await folder.clear(7, 'fit')
  assert.notEqual(await folder.product(7, 'dataset'), null)
  assert.equal(await folder.product(7, 'fit'), null)
  assert.ok(!existsSync(folder.of(7, 'export')))
})

test('folders go with their runs, but for the newest failures', async (t) => {
  const path = testFolder(t)
  const folder = openWorkFolder(path)
  const states: readonly (RunState | undefined)[] = [
    ...['failed', 'failed', 'failed', 'failed', 'running', 'queued', 'passed', 'cancelled'],
    undefined,
  ] as (RunState | undefined)[]
  for (const [run] of states.entries()) await folder.clear(run, 'dataset')
  await folder.sweep(async (run) => states[run])
  const left = states.flatMap((_, run) => (existsSync(join(path, String(run))) ? [run] : []))
  assert.deepEqual(left, [1, 2, 3, 4, 5])
  await folder.leave(4, 'refused')
  await folder.leave(5, 'failed')
  assert.deepEqual(
    [4, 5].map((run) => existsSync(join(path, String(run)))),
    [false, true],
  )
})
