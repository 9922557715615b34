/**
 * An artifact's graph, opened: the only file that knows the runtime. It is loaded in inference children alone, since the
 * runtime blocks the thread it runs on and takes the process with it when it fails. A session that is handed out has
 * answered its golden rows, and what it answers to a row never depends on the bundle that the row came in.
 */
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { Fault } from '../streams/fault.ts'
import { type Artifact, readVerified } from './artifact.ts'
import { type Bundling, decideBundling, type Run, runBundled } from './bundling.ts'
import { goldenDistance, goldenTolerance } from './golden.ts'
import { inputWidth, type Manifest, outputWidth } from './manifest.ts'
import { softmaxRows } from './softmax.ts'

export interface Session {
  readonly inputWidth: number
  readonly outputWidth: number
  readonly bundling: Bundling
  /** The output tensor of `rows` rows, logits made probabilities. Not checked for finiteness. */
  readonly run: Run
  readonly release: () => Promise<void>
}

/**
 * One thread and no arena: a fleet is many small sessions, and they run one after the other in each of several processes.
 * Without the arena and the memory pattern a session keeps no scratch memory between runs.
 */
const options: InferenceSession.SessionOptions = {
  executionProviders: ['cpu'],
  executionMode: 'sequential',
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: 'all',
  enableCpuMemArena: false,
  enableMemPattern: false,
  logSeverityLevel: 4,
}

export async function openSession(artifact: Artifact): Promise<Session> {
  const { manifest } = artifact
  const bytes = await readVerified(artifact.folder, manifest, 'model.onnx')
  const graph = await InferenceSession.create(bytes, options).catch((cause: unknown) => {
    throw new Fault('artifact.graph', `model.onnx cannot be opened: ${sentence(cause)}`, { cause })
  })
  try {
    checkTensors(graph, manifest)
    const raw = runner(graph, manifest)
    const bundling = await warm(raw, artifact)
    const logits = manifest.output.kind === 'logits'
    return {
      inputWidth: inputWidth(manifest.input),
      outputWidth: outputWidth(manifest),
      bundling,
      run: async (inputs, rows) => {
        const outputs = await runBundled(raw, bundling, inputs, rows)
        return logits ? softmaxRows(outputs, outputWidth(manifest)) : outputs
      },
      release: () => graph.release(),
    }
  } catch (error) {
    await graph.release()
    throw error
  }
}

/** Names, types and shapes as the manifest has them; a dimension of the graph that is left open fits everything. */
function checkTensors(graph: InferenceSession, manifest: Manifest): void {
  const { input, output } = manifest
  const expected = new Map<string, readonly number[]>()
  switch (input.kind) {
    case 'row':
      expected.set(input.tensor, [-1, input.columns.length])
      break
    case 'window':
      expected.set(input.tensor, [-1, input.length, input.columns.length])
      break
    case 'text':
      expected.set(input.tensor, [-1, input.length])
      if (input.mask !== undefined) expected.set(input.mask, [-1, input.length])
  }
  const type = input.kind === 'text' ? 'int64' : 'float32'
  for (const name of graph.inputNames) {
    if (!expected.has(name))
      throw new Fault('artifact.tensor', `the graph wants ${name}, which the manifest has not`)
  }
  for (const [name, shape] of expected) {
    checkTensor(graph.inputMetadata, name, type, shape, 'input')
  }
  const shape = manifest.task === 'classify' ? [-1, outputWidth(manifest)] : undefined
  checkTensor(graph.outputMetadata, output.tensor, 'float32', shape, 'output')
}

function checkTensor(
  all: readonly InferenceSession.ValueMetadata[],
  name: string,
  type: string,
  shape: readonly number[] | undefined,
  what: string,
): void {
  const found = all.find((it) => it.name === name)
  if (found === undefined) {
    const names = all.map((it) => it.name).join(', ')
    throw new Fault('artifact.tensor', `the graph has no ${what} ${name}, only ${names}`)
  }
  if (!found.isTensor || found.type !== type) {
    throw new Fault('artifact.tensor', `${what} ${name} is no ${type} tensor`)
  }
  if (shape === undefined) return
  const fits =
    found.shape.length === shape.length &&
    found.shape.every((size, at) => {
      const wanted = shape[at] as number
      // The first dimension counts the rows and must be open: a bundle has any number of them.
      if (at === 0) return typeof size === 'string' || size < 0
      return typeof size === 'string' || size < 0 || size === wanted
    })
  if (!fits) {
    throw new Fault(
      'artifact.shape',
      `${what} ${name} has shape [${found.shape.join(', ')}], the manifest wants [n, ${shape.slice(1).join(', ')}]`,
    )
  }
}

/** The graph as a function of rows. */
function runner(graph: InferenceSession, manifest: Manifest): Run {
  const { input, output } = manifest
  const width = outputWidth(manifest)
  const feed = feeder(input)
  return async (inputs, rows) => {
    const answer = await graph.run(feed(inputs, rows), [output.tensor])
    const data = answer[output.tensor]?.data
    if (!(data instanceof Float32Array) || data.length !== rows * width) {
      throw new Fault(
        'artifact.shape',
        `output ${output.tensor} gave ${data?.length} numbers for ${rows} rows of ${width}`,
      )
    }
    return data
  }
}

function feeder(
  input: Manifest['input'],
): (inputs: Float32Array, rows: number) => Record<string, Tensor> {
  switch (input.kind) {
    case 'row':
      return (inputs, rows) => ({
        [input.tensor]: new Tensor('float32', inputs, [rows, input.columns.length]),
      })
    case 'window':
      return (inputs, rows) => ({
        [input.tensor]: new Tensor('float32', inputs, [rows, input.length, input.columns.length]),
      })
    case 'text':
      return (inputs, rows) => {
        const part = (offset: number): Tensor =>
          new Tensor('int64', tokens(inputs, inputWidth(input), offset, input.length), [
            rows,
            input.length,
          ])
        const ids = { [input.tensor]: part(0) }
        return input.mask === undefined ? ids : { ...ids, [input.mask]: part(input.length) }
      }
  }
}

/** Token ids travel as float32, which holds whole numbers below 2^24 exactly. */
function tokens(
  inputs: Float32Array,
  width: number,
  offset: number,
  length: number,
): BigInt64Array<ArrayBuffer> {
  const rows = inputs.length / width
  const ids = new BigInt64Array(rows * length)
  for (let row = 0; row < rows; row += 1) {
    for (let at = 0; at < length; at += 1) {
      ids[row * length + at] = BigInt(inputs[row * width + offset + at] as number)
    }
  }
  return ids
}

/** Runs the golden rows, compares, and finds how bundles must be made so that they change nothing. */
async function warm(raw: Run, artifact: Artifact): Promise<Bundling> {
  const { golden, manifest } = artifact
  const width = inputWidth(manifest.input)
  const bundling = await decideBundling(raw, golden.inputs, width, outputWidth(manifest)).catch(
    (cause: unknown) => {
      if (cause instanceof Fault) throw cause
      throw new Fault('artifact.graph', `the graph cannot run: ${sentence(cause)}`, { cause })
    },
  )
  const outputs = await runBundled(raw, bundling, golden.inputs, golden.rows)
  if (!outputs.every(Number.isFinite)) {
    throw new Fault('artifact.not_finite', 'a golden row is answered with NaN or infinity')
  }
  const distance = goldenDistance(golden.outputs, outputs, manifest.output.kind)
  if (distance > goldenTolerance) {
    throw new Fault(
      'artifact.golden',
      `golden rows differ by ${distance.toPrecision(3)}, at most ${goldenTolerance} is taken`,
    )
  }
  return bundling
}

function sentence(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).slice(0, 300)
}
