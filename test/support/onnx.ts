/** Tiny ONNX graphs, written by hand: enough of the format for rows in, a few operators, numbers out. */

type Bytes = Uint8Array

function varint(value: number): Bytes {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, BigInt(value))
  do {
    const low = Number(left & 0x7fn)
    left >>= 7n
    bytes.push(left > 0n ? low | 0x80 : low)
  } while (left > 0n)
  return Uint8Array.from(bytes)
}

function concat(parts: readonly Bytes[]): Bytes {
  return new Uint8Array(Buffer.concat(parts))
}

const int = (field: number, value: number): Bytes => concat([varint(field << 3), varint(value)])
const bytes = (field: number, value: Bytes): Bytes =>
  concat([varint((field << 3) | 2), varint(value.length), value])
const text = (field: number, value: string): Bytes => bytes(field, new TextEncoder().encode(value))

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

export interface Graph {
  readonly nodes: readonly Node[]
  readonly constants?: Readonly<Record<string, Constant>>
  readonly inputs: readonly TensorShape[]
  readonly outputs: readonly TensorShape[]
}

const float32 = 1
const int64 = 7

export function onnx(graph: Graph): Bytes {
  const opset = (domain: string, version: number): Bytes =>
    bytes(8, concat([text(1, domain), int(2, version)]))
  const body = concat([
    ...graph.nodes.map((node) => bytes(1, nodeBytes(node))),
    text(2, 'test'),
    ...Object.entries(graph.constants ?? {}).map(([name, it]) => bytes(5, tensor(name, it))),
    ...graph.inputs.map((it) => bytes(11, value(it))),
    ...graph.outputs.map((it) => bytes(12, value(it))),
  ])
  return concat([int(1, 8), opset('', 17), opset('ai.onnx.ml', 3), bytes(7, body)])
}

function nodeBytes(node: Node): Bytes {
  return concat([
    ...node.inputs.map((name) => text(1, name)),
    ...node.outputs.map((name) => text(2, name)),
    text(4, node.op),
    ...Object.entries(node.ints ?? {}).map(([name, it]) =>
      bytes(5, concat([text(1, name), int(3, it), int(20, 2)])),
    ),
    ...Object.entries(node.strings ?? {}).map(([name, it]) =>
      bytes(5, concat([text(1, name), text(4, it), int(20, 3)])),
    ),
    ...Object.entries(node.lists ?? {}).map(([name, it]) => bytes(5, list(name, it))),
    text(7, node.domain ?? ''),
  ])
}

function list(name: string, it: readonly number[] | Float32Array | readonly string[]): Bytes {
  if (it instanceof Float32Array) {
    return concat([text(1, name), bytes(7, new Uint8Array(it.buffer)), int(20, 6)])
  }
  const parts = it.map((one) => (typeof one === 'string' ? text(9, one) : int(8, one)))
  return concat([text(1, name), ...parts, int(20, typeof it[0] === 'string' ? 8 : 7)])
}

function tensor(name: string, it: Constant): Bytes {
  const raw = it.int64
    ? BigInt64Array.from(it.values, (one) => BigInt(one))
    : Float32Array.from(it.values)
  return concat([
    ...it.shape.map((size) => int(1, size)),
    int(2, it.int64 ? int64 : float32),
    text(8, name),
    bytes(9, new Uint8Array(raw.buffer)),
  ])
}

function value(it: TensorShape): Bytes {
  const dims = it.shape.map((size) =>
    bytes(1, typeof size === 'string' ? text(2, size) : int(1, size)),
  )
  const type = concat([int(1, it.int64 ? int64 : float32), bytes(2, concat(dims))])
  return concat([text(1, it.name), bytes(2, bytes(1, type))])
}
