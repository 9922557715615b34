import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { type Host, type Opened, serveInference } from '../../../actors/inference/serve.ts'
import type { WireAnswer, WireCommand } from '../../../actors/inference/wire.ts'

/** A row that the graph throws on. */
const unlucky = 13

/** A process that is none: each open session takes 10 bytes. */
function stage(rssSoftMax: number) {
  const answers: WireAnswer[] = []
  const open: string[] = []
  const opened: string[] = []
  let hear: (command: WireCommand) => void = () => undefined
  const host: Host = {
    pid: 1,
    send: (answer: WireAnswer) => answers.push(answer) > 0,
    kill: () => true,
    memoryUsage: { rss: () => open.length * 10 },
    on: (event, listener) => {
      if (event === 'message') hear = listener
    },
  }
  const make = async (folder: string): Promise<Opened> => {
    open.push(folder)
    opened.push(folder)
    return {
      inputWidth: 1,
      run: async (inputs) => {
        if (inputs.includes(unlucky)) throw new Error('Gather: index out of range')
        return inputs.map((it) => it + Number(folder))
      },
      release: async () => void open.splice(open.indexOf(folder), 1),
    }
  }
  serveInference(host, make, rssSoftMax)
  let bundle = 0
  const tell = async (command: WireCommand): Promise<void> => {
    hear(command)
    await setImmediate()
  }
  return {
    answers,
    open,
    opened,
    load: (model: number) => {
      bundle += 1
      return tell({ type: 'open', bundle, model, folder: `${model}`, sha256: '' })
    },
    close: (model: number) => tell({ type: 'close', model }),
    runRows: (model: number, inputs: readonly number[], starts: readonly number[]) => {
      bundle += 1
      const runs = [{ model, rows: starts.length }]
      return tell({
        ...{ type: 'run', bundle, runs },
        inputs: Float32Array.from(inputs),
        starts: Uint32Array.from(starts),
      })
    },
    run: (...models: number[]) => {
      bundle += 1
      const runs = models.map((model) => ({ model, rows: 1 }))
      return tell({ type: 'run', bundle, runs, inputs: new Float32Array(models.length) })
    },
  }
}

test('runs of a bundle are answered in their order, from the session of each', async () => {
  const it = stage(Number.POSITIVE_INFINITY)
  await it.load(1)
  await it.load(2)
  await it.run(2, 1, 2)
  const last = it.answers.at(-1)
  assert(last?.type === 'ran')
  assert.deepEqual([...last.outputs], [2, 1, 2])
})

test('rows that overlap are cut where they begin', async () => {
  const it = stage(Number.POSITIVE_INFINITY)
  await it.load(1)
  await it.runRows(1, [5, 6, 7, 8], [3, 0, 2, 2])
  const last = it.answers.at(-1)
  assert(last?.type === 'ran')
  assert.deepEqual([...last.outputs], [9, 6, 8, 8])
})

test('a row that a graph throws on is none, and its neighbours are answered', async () => {
  const it = stage(Number.POSITIVE_INFINITY)
  await it.load(1)
  await it.runRows(1, [1, unlucky, 3], [0, 1, 2])
  const last = it.answers.at(-1)
  assert(last?.type === 'ran')
  assert.deepEqual([...last.outputs], [2, Number.NaN, 4])
  assert.partialDeepStrictEqual(last.results, [{ type: 'done', width: 1 }])
})

test('a graph that throws on every row of a run has failed, and says why', async () => {
  const it = stage(Number.POSITIVE_INFINITY)
  await it.load(1)
  for (const starts of [[1], [1, 1, 1]]) {
    await it.runRows(1, [0, unlucky], starts)
    const last = it.answers.at(-1)
    assert(last?.type === 'ran')
    assert.deepEqual(last.results, [
      { type: 'failed', reason: 'Error: Gather: index out of range' },
    ])
  }
})

test('where memory is short, the session that was not used for longest goes, and comes back when it is', async () => {
  const it = stage(15)
  await it.load(1)
  await it.load(2)
  await it.run(1)
  await it.load(3)
  assert.deepEqual(it.open, ['1', '3'])
  await it.run(2)
  const last = it.answers.at(-1)
  assert(last?.type === 'ran')
  assert.deepEqual([...last.outputs], [2])
  assert.deepEqual(it.opened, ['1', '2', '3', '2'])
})

test('a model that was closed holds no session', async () => {
  const it = stage(Number.POSITIVE_INFINITY)
  await it.load(1)
  await it.close(1)
  assert.deepEqual(it.open, [])
})
