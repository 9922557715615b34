import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BinaryReader } from '@bufbuild/protobuf/wire'
import fc from 'fast-check'
import { InferenceSession } from 'onnxruntime-node'
import { openArtifact } from '../../models/artifact.ts'
import { openSession } from '../../models/session.ts'
import { Fault } from '../../streams/fault.ts'
import { featureSet } from '../../streams/features/set.ts'
import { minuteMs } from '../../streams/time.ts'
import {
  softmax,
  softmaxModel,
  type TestModel,
  testFolder,
  writeArtifact,
} from '../support/models/artifacts.ts'

const model = softmaxModel(0.5)

test('answers are what the graph says', async (t) => {
  const folder = testFolder(t)
  await writeArtifact(folder, model)
  const session = await openSession(await openArtifact(folder))
  t.after(() => session.release())
  const found = await session.run(Float32Array.of(1, 2, -1, 0), 2)
  const expected = [...softmax([1, 2, 0.5]), ...softmax([-1, 0, 0.5])]
  found.forEach((it, at) => {
    assert.ok(Math.abs(it - (expected[at] as number)) < 1e-6)
  })
})

test('logits become probabilities', async (t) => {
  const folder = testFolder(t)
  const graph = {
    ...model.graph,
    nodes: model.graph.nodes.slice(0, 1),
    outputs: [{ name: 'logits', shape: ['n', 3] }],
  }
  const outputs = model.inputs.map(([a = 0, b = 0]) => [a, b, 0.5])
  const output = { tensor: 'logits', kind: 'logits' }
  await writeArtifact(folder, { ...model, graph, outputs }, (it) => ({ ...it, output }))
  const session = await openSession(await openArtifact(folder))
  t.after(() => session.release())
  const found = await session.run(Float32Array.of(3, 1), 1)
  softmax([3, 1, 0.5]).forEach((it, at) => {
    assert.ok(Math.abs(it - (found[at] as number)) < 1e-6)
  })
})

test('a text goes in as token ids and their mask', async (t) => {
  const folder = testFolder(t)
  const inputs = Array.from({ length: 16 }, (_, at) => [at, at + 1, 1, at % 2])
  const text: TestModel = {
    graph: {
      nodes: [
        { op: 'Mul', inputs: ['input_ids', 'attention_mask'], outputs: ['counted'] },
        { op: 'ReduceSum', inputs: ['counted', 'last'], outputs: ['sum'], ints: { keepdims: 1 } },
        { op: 'Cast', inputs: ['sum'], outputs: ['value'], ints: { to: 1 } },
      ],
      constants: { last: { shape: [1], values: [1], int64: true } },
      inputs: [
        { name: 'input_ids', shape: ['n', 't'], int64: true },
        { name: 'attention_mask', shape: ['n', 't'], int64: true },
      ],
      outputs: [{ name: 'value', shape: ['n', 1] }],
    },
    manifest: {
      ...model.manifest,
      task: 'regress',
      label: { kind: 'volatility' },
      input: { tensor: 'input_ids', mask: 'attention_mask', kind: 'text', length: 2 },
      output: { tensor: 'value', kind: 'value' },
    },
    inputs,
    outputs: inputs.map(([a = 0, b = 0, c = 0, d = 0]) => [a * c + b * d]),
  }
  await writeArtifact(folder, text)
  const session = await openSession(await openArtifact(folder))
  t.after(() => session.release())
  assert.deepEqual([...(await session.run(Float32Array.of(5, 7, 1, 1), 1))], [12])
})

/** The same graph for another number of columns or classes. */
const sized = (columns: number, classes: number): TestModel => ({
  ...model,
  graph: {
    ...model.graph,
    constants: {
      weight: { shape: [columns, classes], values: Array(columns * classes).fill(0) },
      bias: { shape: [classes], values: Array(classes).fill(0) },
    },
    inputs: [{ name: 'features', shape: ['n', columns] }],
    outputs: [{ name: 'probabilities', shape: ['n', classes] }],
  },
})
const refusals: [what: string, code: string, model: TestModel][] = [
  [
    'an input by another name',
    'artifact.tensor',
    {
      ...model,
      manifest: { ...model.manifest, input: { ...(model.manifest.input as object), tensor: 'x' } },
    },
  ],
  [
    'an output by another name',
    'artifact.tensor',
    { ...model, manifest: { ...model.manifest, output: { tensor: 'p', kind: 'probabilities' } } },
  ],
  ['more columns than the manifest has', 'artifact.shape', sized(3, 3)],
  [
    'room for one row alone',
    'artifact.shape',
    { ...model, graph: { ...model.graph, inputs: [{ name: 'features', shape: [1, 2] }] } },
  ],
  ['fewer classes than three', 'artifact.shape', sized(2, 2)],
  [
    'an operator unheard of',
    'artifact.graph',
    {
      ...model,
      graph: {
        ...model.graph,
        nodes: [{ op: 'Guess', inputs: ['features'], outputs: ['probabilities'] }],
      },
    },
  ],
  [
    'golden rows that it does not answer so',
    'artifact.golden',
    { ...model, outputs: model.outputs.map(([a = 0, b = 0, c = 0]) => [a + 0.001, b, c - 0.001]) },
  ],
  [
    'NaN for a golden row',
    'artifact.not_finite',
    {
      ...model,
      graph: {
        ...model.graph,
        nodes: [
          { op: 'Sqrt', inputs: ['features'], outputs: ['roots'] },
          { op: 'Gemm', inputs: ['roots', 'weight', 'bias'], outputs: ['probabilities'] },
        ],
      },
    },
  ],
]
for (const [what, code, spoilt] of refusals) {
  test(`refused as ${code}: ${what}`, async (t) => {
    const folder = testFolder(t)
    await writeArtifact(folder, spoilt)
    await assert.rejects(openArtifact(folder).then(openSession), (error) => {
      assert(error instanceof Fault, String(error))
      assert.equal(error.code, code, error.message)
      return true
    })
  })
}

for (const family of ['linear', 'lightgbm', 'tst', 'lstm', 'volatility']) {
  const folder = fileURLToPath(new URL(`../../models/${family}/v1`, import.meta.url))
  test(`the first ${family} was made for the features that are computed here`, async () => {
    const { input, coin } = (await openArtifact(folder)).manifest
    assert(input.kind !== 'text')
    assert.equal(coin, '*')
    assert.equal(input.featureSet, featureSet(minuteMs).hash)
    assert.ok(featureSet(minuteMs).candlesNeeded(input.columns, input.length) <= 241)
  })

  test(`the first ${family} opens, and answers a row alike in any bundle`, async (t) => {
    const artifact = await openArtifact(folder)
    const session = await openSession(artifact)
    t.after(() => session.release())
    const { inputWidth: width, outputWidth } = session
    const { rows, inputs } = artifact.golden
    const row = (at: number): Float32Array => inputs.subarray(at * width, (at + 1) * width)
    const bundle = fc.array(fc.nat(rows - 1), { minLength: 2, maxLength: 70 })
    await fc.assert(
      fc.asyncProperty(bundle, async (picked) => {
        const together = new Float32Array(picked.length * width)
        picked.forEach((at, place) => {
          together.set(row(at), place * width)
        })
        const answers = await session.run(together, picked.length)
        const place = picked.length - 1
        const alone = await session.run(row(picked[place] as number), 1)
        assert.deepEqual(answers.subarray(place * outputWidth), alone)
      }),
      { numRuns: 40 },
    )
  })
}

test('the first tst is lean: a fleet asks hundreds of its kind in turn, and pays for each node', async (t) => {
  const model = fileURLToPath(new URL('../../models/tst/v1/model.onnx', import.meta.url))
  const optimised = join(testFolder(t), 'optimised.onnx')
  const session = await InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: 'all',
    optimizedModelFilePath: optimised,
    logSeverityLevel: 4,
  })
  t.after(() => session.release())
  const [graph = new Uint8Array()] = fieldsOf(await readFile(optimised), 7)
  const nodes = fieldsOf(graph, 1).length
  assert.ok(nodes > 0 && nodes <= 39, `the runtime has ${nodes} nodes to run`)
})

/** By the numbers of onnx.proto, in which 7 is a model's graph and 1 a graph's node. */
function fieldsOf(message: Uint8Array, wanted: number): readonly Uint8Array[] {
  const reader = new BinaryReader(message)
  const found: Uint8Array[] = []
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === wanted) found.push(reader.bytes())
    else reader.skip(type)
  }
  return found
}
