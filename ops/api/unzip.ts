/**
 * Reads a zip archive from memory: its central directory, files that are stored or deflated, and nothing else. Together
 * they may unpack to a bounded size; what is larger, encrypted or damaged is refused.
 */
import { crc32, inflateRawSync } from 'node:zlib'
import { Fault } from '../../streams/fault.ts'

const unpackedMax = 64 * 1024 * 1024
const filesMax = 100
const endLength = 22
const entryLength = 46
const localLength = 30
const methods = { stored: 0, deflated: 8 }

export function unzip(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  try {
    return read(bytes, view)
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    throw damaged(cause)
  }
}

function read(bytes: Uint8Array, view: DataView): ReadonlyMap<string, Uint8Array> {
  const end = endOf(view)
  const count = view.getUint16(end + 10, true)
  if (count > filesMax) throw new Fault('artifact.zip', `more than ${filesMax} files`)
  const files = new Map<string, Uint8Array>()
  let at = view.getUint32(end + 16, true)
  let total = 0
  for (let i = 0; i < count; i++) {
    if (view.getUint32(at, true) !== 0x02014b50) throw damaged()
    const nameLength = view.getUint16(at + 28, true)
    const name = new TextDecoder().decode(
      bytes.subarray(at + entryLength, at + entryLength + nameLength),
    )
    if (!name.endsWith('/')) {
      const file = unpack(bytes, view, at, unpackedMax - total)
      total += file.length
      files.set(name, file)
    }
    at += entryLength + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
  }
  return files
}

/** The end of the central directory stands last, but for a comment. */
function endOf(view: DataView): number {
  const first = Math.max(0, view.byteLength - endLength - 0xffff)
  for (let at = view.byteLength - endLength; at >= first; at--)
    if (view.getUint32(at, true) === 0x06054b50) return at
  throw damaged()
}

function unpack(bytes: Uint8Array, view: DataView, entry: number, room: number): Uint8Array {
  const method = view.getUint16(entry + 10, true)
  const [crc, packed, size, local] = [16, 20, 24, 42].map((by) => view.getUint32(entry + by, true))
  if ((view.getUint16(entry + 8, true) & 1) === 1)
    throw new Fault('artifact.zip', 'an encrypted archive cannot be read')
  if ((size as number) > room)
    throw new Fault('artifact.too_large', `more than ${unpackedMax} bytes unpacked`)
  const start =
    (local as number) +
    localLength +
    view.getUint16((local as number) + 26, true) +
    view.getUint16((local as number) + 28, true)
  const raw = bytes.subarray(start, start + (packed as number))
  const file = inflate(raw, method, size as number)
  if (file.length !== size || crc32(file) !== crc) throw damaged()
  return file
}

function inflate(raw: Uint8Array, method: number, size: number): Uint8Array {
  if (method === methods.stored) return raw
  if (method !== methods.deflated)
    throw new Fault('artifact.zip', 'it is packed in a way that is not known')
  return inflateRawSync(raw, { maxOutputLength: Math.max(1, size) })
}

function damaged(cause?: unknown): Fault {
  return new Fault('artifact.zip', 'this is no whole zip archive', { cause })
}
