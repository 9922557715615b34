/**
 * ONNX files as far as Starling writes them itself: a graph of named operators over constants, with rows going in and
 * numbers coming out. Field numbers are those of onnx.proto; the same graph gives the same bytes.
 */
import { BinaryWriter } from '@bufbuild/protobuf/wire'

export interface Graph {
  readonly nodes: readonly Node[]
  readonly constants?: Readonly<Record<string, Constant>>
  readonly inputs: readonly TensorShape[]
  readonly outputs: readonly TensorShape[]
}

export interface Node {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly ints?: Readonly<Record<string, number>>
  readonly lists?: Readonly<Record<string, readonly number[] | Float32Array | readonly string[]>>
  readonly strings?: Readonly<Record<string, string>>
  readonly domain?: string
}

export interface Constant {
  /** None for a scalar. */
  readonly shape: readonly number[]
  readonly values: readonly number[] | Float32Array
  readonly int64?: boolean
}

/** `n` and other words are open dimensions. */
export interface TensorShape {
  readonly name: string
  readonly shape: readonly (number | string)[]
  readonly int64?: boolean
}

const [float32, int64] = [1, 7]
const irVersion = 8
const opsets = [
  ['', 17],
  ['ai.onnx.ml', 3],
] as const

/** What an attribute says it holds. */
const [isInt, isString, areFloats, areInts, areStrings] = [2, 3, 6, 7, 8]

export function onnx(graph: Graph, name = 'model'): Uint8Array {
  const model = new Fields()
  model.int(1, irVersion)
  for (const [domain, version] of opsets)
    model.message(8, (opset) => opset.text(1, domain).int(2, version))
  model.message(7, (body) => {
    for (const node of graph.nodes) body.message(1, (it) => writeNode(it, node))
    body.text(2, name)
    for (const [key, constant] of Object.entries(graph.constants ?? {}))
      body.message(5, (it) => writeTensor(it, key, constant))
    for (const input of graph.inputs) body.message(11, (it) => writeShape(it, input))
    for (const output of graph.outputs) body.message(12, (it) => writeShape(it, output))
  })
  return model.finish()
}

function writeNode(to: Fields, node: Node): void {
  for (const name of node.inputs) to.text(1, name)
  for (const name of node.outputs) to.text(2, name)
  to.text(4, node.op)
  for (const [name, value] of Object.entries(node.ints ?? {}))
    to.message(5, (it) => it.text(1, name).int(3, value).int(20, isInt))
  for (const [name, value] of Object.entries(node.strings ?? {}))
    to.message(5, (it) => it.text(1, name).text(4, value).int(20, isString))
  for (const [name, values] of Object.entries(node.lists ?? {}))
    to.message(5, (it) => writeList(it, name, values))
  to.text(7, node.domain ?? '')
}

function writeList(
  to: Fields,
  name: string,
  values: readonly number[] | Float32Array | readonly string[],
): void {
  to.text(1, name)
  if (values instanceof Float32Array) {
    to.bytes(7, bytesOf(values)).int(20, areFloats)
    return
  }
  for (const value of values) {
    if (typeof value === 'string') to.text(9, value)
    else to.int(8, value)
  }
  to.int(20, typeof values[0] === 'string' ? areStrings : areInts)
}

function writeTensor(to: Fields, name: string, it: Constant): void {
  for (const size of it.shape) to.int(1, size)
  to.int(2, it.int64 ? int64 : float32).text(8, name)
  to.bytes(
    9,
    bytesOf(
      it.int64
        ? BigInt64Array.from(it.values, (value) => BigInt(value))
        : Float32Array.from(it.values),
    ),
  )
}

function writeShape(to: Fields, { name, shape, int64: isInt64 }: TensorShape): void {
  to.text(1, name).message(2, (type) =>
    type.message(1, (tensor) =>
      tensor.int(1, isInt64 ? int64 : float32).message(2, (dims) => {
        for (const size of shape)
          dims.message(1, (dim) =>
            typeof size === 'string' ? dim.text(2, size) : dim.int(1, size),
          )
      }),
    ),
  )
}

/** Little-endian, as ONNX wants raw numbers and as every machine that we run on has them. */
function bytesOf(values: Float32Array | BigInt64Array): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}

/** A message's fields by number. */
class Fields {
  readonly #writer = new BinaryWriter()

  int(field: number, value: number): this {
    this.#writer.tag(field, 0).int64(value)
    return this
  }

  text(field: number, value: string): this {
    this.#writer.tag(field, 2).string(value)
    return this
  }

  bytes(field: number, value: Uint8Array): this {
    this.#writer.tag(field, 2).bytes(value)
    return this
  }

  message(field: number, write: (fields: Fields) => unknown): this {
    const inner = new Fields()
    write(inner)
    return this.bytes(field, inner.finish())
  }

  finish(): Uint8Array {
    return this.#writer.finish()
  }
}
