/** Artifacts for tests, made in a folder of their own: small classifiers whose answers can be worked out by hand. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Graph, onnx } from '../../../models/onnx.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { minuteMs } from '../../../streams/time.ts'

export interface TestModel {
  readonly graph: Graph
  readonly manifest: Readonly<Record<string, unknown>>
  readonly inputs: readonly (readonly number[])[]
  readonly outputs: readonly (readonly number[])[]
}

export const goldenRows = 16
const columns = ['a', 'b']

export function baseManifest(): Record<string, unknown> {
  return {
    format: 'starling-model/1',
    family: 'linear',
    coin: '*',
    interval: '1m',
    horizonCandles: 15,
    task: 'classify',
    classes: ['sell', 'hold', 'buy'],
    label: { kind: 'scaled_threshold', up: 0.5, down: -0.5, lookback: 240 },
    input: {
      tensor: 'features',
      kind: 'row',
      length: 1,
      columns,
      featureSet: `sha256:${'0'.repeat(64)}`,
    },
    output: { tensor: 'probabilities', kind: 'probabilities' },
    trained: {
      from: '2019-01-01T00:00:00.000Z',
      to: '2019-02-01T00:00:00.000Z',
      rows: 1000,
      purgeCandles: 15,
      seed: 1,
      markets: [
        {
          source: 'bitfinex',
          coin: 'BTC/USD',
          from: '2019-01-01T00:00:00.000Z',
          to: '2019-02-01T00:00:00.000Z',
        },
      ],
      trainer: 'by hand',
    },
  }
}

/** Softmax of `[a, b, bias]`: the third number tells one model from the next. */
export function softmaxModel(bias = 0): TestModel {
  const inputs = Array.from({ length: goldenRows }, (_, at) => [Math.sin(at), Math.cos(at * 3)])
  return {
    graph: {
      nodes: [
        { op: 'Gemm', inputs: ['features', 'weight', 'bias'], outputs: ['logits'] },
        { op: 'Softmax', inputs: ['logits'], outputs: ['probabilities'], ints: { axis: 1 } },
      ],
      constants: {
        weight: { shape: [2, 3], values: [1, 0, 0, 0, 1, 0] },
        bias: { shape: [3], values: [0, 0, bias] },
      },
      inputs: [{ name: 'features', shape: ['n', 2] }],
      outputs: [{ name: 'probabilities', shape: ['n', 3] }],
    },
    manifest: baseManifest(),
    inputs,
    outputs: inputs.map(([a = 0, b = 0]) => softmax([a, b, bias])),
  }
}

export function softmax(logits: readonly number[]): readonly number[] {
  const exps = logits.map(Math.exp)
  const sum = exps.reduce((total, it) => total + it, 0)
  return exps.map((it) => it / sum)
}

/** A folder that goes when the test does. */
export function testFolder(t: { after(end: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'starling-test-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Writes it, and answers the sha256 of its manifest. `mend` changes the manifest last. */
export async function writeArtifact(
  folder: string,
  model: TestModel,
  mend: (manifest: Record<string, unknown>) => Record<string, unknown> = (it) => it,
): Promise<string> {
  await mkdir(folder, { recursive: true })
  const files: Record<string, Uint8Array> = {
    'model.onnx': onnx(model.graph),
    'golden.json': encode({ inputs: model.inputs, outputs: model.outputs }),
    'metrics.json': encode({}),
  }
  for (const [name, bytes] of Object.entries(files)) await writeFile(join(folder, name), bytes)
  const named = Object.fromEntries(
    Object.entries(files).map(([name, bytes]) => [
      name,
      { bytes: bytes.length, sha256: sha256(bytes) },
    ]),
  )
  const manifest = encode(mend({ ...model.manifest, files: named }))
  await writeFile(join(folder, 'manifest.json'), manifest)
  return sha256(manifest)
}

/** One that reads two of the live features, to be published and swapped; `mark` makes it another version than the last. */
export async function writeVersion(
  folder: string,
  mark: number,
  change: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const set = featureSet(minuteMs)
  const model = softmaxModel(mark / 1_000)
  const input = {
    ...(baseManifest().input as object),
    columns: ['return_1', 'rsi_14'],
    featureSet: set.hash,
  }
  await writeArtifact(folder, model, (manifest) => ({ ...manifest, input, ...change }))
}

export function encode(json: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(json))
}

export function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
