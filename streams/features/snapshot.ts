/**
 * An engine's memory as bytes: `SFE`, the format's version, the candle's length in milliseconds, the set's hash, then the
 * numbers, all little-endian, as are the machines that Starling runs on. Another format or another set is refused, and
 * the history is read instead.
 */
import { Fault } from '../fault.ts'
import type { Memory } from '../indicators/layout.ts'
import type { Millis } from '../time.ts'
import { type FeatureSet, featureSet } from './set.ts'

const magic = 'SFE1'
const hashAt = 12
const memoryAt = 48

export function writeSnapshot(set: FeatureSet, memory: Memory): Uint8Array {
  const bytes = new Uint8Array(memoryAt + memory.byteLength)
  bytes.set(Buffer.from(magic, 'latin1'))
  new DataView(bytes.buffer).setFloat64(4, set.intervalMs, true)
  bytes.set(digestOf(set), hashAt)
  bytes.set(new Uint8Array(memory.buffer, memory.byteOffset, memory.byteLength), memoryAt)
  return bytes
}

export function readSnapshot(bytes: Uint8Array): {
  readonly intervalMs: Millis
  readonly memory: Memory
} {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < memoryAt || Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== magic) {
    throw refused('it is not one, or of another format')
  }
  const intervalMs = view.getFloat64(4, true)
  const set = featureSet(intervalMs)
  if (Buffer.compare(digestOf(set), bytes.subarray(hashAt, hashAt + 32)) !== 0) {
    throw refused('it belongs to another feature set')
  }
  const { size } = set.program
  if (bytes.length !== memoryAt + size * 8) throw refused('it is cut off')
  // Copied by the constructor: a Buffer's own slice would share the memory of whoever read it.
  const memory = new Float64Array(new Uint8Array(bytes.subarray(memoryAt)).buffer)
  return { intervalMs, memory }
}

function digestOf(set: FeatureSet): Uint8Array {
  return Buffer.from(set.hash.slice('sha256:'.length), 'hex')
}

function refused(why: string): Fault {
  return new Fault('features.snapshot', `the engine's snapshot cannot be used: ${why}`)
}
