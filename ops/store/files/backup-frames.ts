/**
 * The backup file: one gzip stream of frames, each a letter, a length and so many bytes. A section (a table or a file)
 * begins with a frame that names it, and ends with one that holds its length and sha256; the last frame says that the
 * file is whole.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Readable, Writable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'

export interface BackupManifest {
  readonly format: 'starling-backup/1'
  readonly market: string
  readonly intervalMs: Millis
  readonly createdAt: string
  readonly migrations: readonly { readonly number: number; readonly sha256: string }[]
  readonly parts: readonly { readonly table: string; readonly from: Millis }[]
  /** Terms only grow, and the epochs of actors with them. */
  readonly leases: readonly { readonly name: string; readonly term: number }[]
}

export type Section =
  | { readonly type: 'table'; readonly table: string; readonly columns: readonly string[] }
  | { readonly type: 'file'; readonly path: string }

/** m: manifest, s: a section begins, d: its data, e: it ends, z: the file is whole. */
type Letter = 'm' | 's' | 'd' | 'e' | 'z'

/** Of data, as much of a frame as came at once. */
interface Frame {
  readonly letter: Letter
  readonly bytes: Buffer
}

const headBytes = 5
/** What is written at once of a section's data; a chunk that comes longer, of wide rows, is cut up. */
const dataBytesMax = 1024 * 1024
/**
 * More than any frame that names or ends something; a length beyond it is damage. Data may come in longer ones, as it was
 * written once: it is handed on as it comes.
 */
const frameBytesMax = 64 * 1024 * 1024
const readBytes = 256 * 1024

export interface FrameWriter {
  readonly manifest: (manifest: BackupManifest) => Promise<void>
  readonly section: (section: Section, content: AsyncIterable<Uint8Array>) => Promise<void>
  readonly finish: () => Promise<void>
}

export function frameWriter(to: Writable): FrameWriter {
  const put = async (letter: Letter, bytes: Uint8Array): Promise<void> => {
    const head = Buffer.alloc(headBytes)
    head.write(letter, 'latin1')
    head.writeUInt32BE(bytes.length, 1)
    to.write(head)
    if (!to.write(bytes)) await drained(to)
  }
  const putJson = (letter: Letter, value: unknown): Promise<void> =>
    put(letter, Buffer.from(JSON.stringify(value)))
  return {
    manifest: (manifest) => putJson('m', manifest),
    section: async (section, content) => {
      await putJson('s', section)
      const hash = createHash('sha256')
      let bytes = 0
      for await (const chunk of content) {
        hash.update(chunk)
        bytes += chunk.length
        for (let at = 0; at < chunk.length; at += dataBytesMax)
          await put('d', chunk.subarray(at, at + dataBytesMax))
      }
      await putJson('e', { bytes, sha256: hash.digest('hex') })
    },
    finish: () => putJson('z', {}),
  }
}

function drained(to: Writable): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error): void => {
      to.off('drain', settle)
      to.off('error', settle)
      if (error) reject(error)
      else resolve()
    }
    to.once('drain', settle)
    to.once('error', settle)
  })
}

export interface BackupReader {
  readonly manifest: BackupManifest
  /** Each section's content is to be read to its end before the next one is asked for. */
  readonly sections: () => AsyncGenerator<{
    readonly section: Section
    readonly content: AsyncIterable<Buffer>
  }>
}

export async function openBackup(file: string): Promise<BackupReader> {
  const frames = readFrames(file)
  const first = await frames.next()
  if (first.done || first.value.letter !== 'm') throw damaged(file, 'it has no manifest')
  const manifest = JSON.parse(first.value.bytes.toString()) as BackupManifest
  if (manifest.format !== 'starling-backup/1')
    throw damaged(file, `its format is ${manifest.format}`)
  return { manifest, sections: () => readSections(file, frames) }
}

async function* readSections(
  file: string,
  frames: AsyncGenerator<Frame>,
): ReturnType<BackupReader['sections']> {
  for (;;) {
    const { value: frame, done } = await frames.next()
    if (done) throw damaged(file, 'it breaks off')
    if (frame.letter === 'z') return
    if (frame.letter !== 's') throw damaged(file, 'its frames are out of order')
    const section = JSON.parse(frame.bytes.toString()) as Section
    yield { section, content: readContent(file, frames) }
  }
}

async function* readContent(file: string, frames: AsyncGenerator<Frame>): AsyncGenerator<Buffer> {
  const hash = createHash('sha256')
  for (;;) {
    const { value: frame, done } = await frames.next()
    if (done) throw damaged(file, 'it breaks off')
    if (frame.letter === 'e') {
      const { sha256 } = JSON.parse(frame.bytes.toString()) as { readonly sha256: string }
      if (hash.digest('hex') !== sha256) throw damaged(file, 'a checksum does not hold')
      return
    }
    if (frame.letter !== 'd') throw damaged(file, 'its frames are out of order')
    hash.update(frame.bytes)
    yield frame.bytes
  }
}

async function* readFrames(file: string): AsyncGenerator<Frame> {
  const zipped = createReadStream(file)
  const unzipped = zipped.pipe(createGunzip({ chunkSize: readBytes }))
  zipped.on('error', (error) => unzipped.destroy(error))
  const source = bytesOf(unzipped)
  try {
    for (;;) {
      const head = await source.whole(headBytes)
      if (head.length < headBytes) return
      const letter = head.toString('latin1', 0, 1) as Letter
      let left = head.readUInt32BE(1)
      if (letter !== 'd') {
        if (left > frameBytesMax) throw damaged(file, 'a frame is too long')
        const bytes = await source.whole(left)
        if (bytes.length < left) return
        yield { letter, bytes }
        continue
      }
      while (left > 0) {
        const bytes = await source.some(left)
        if (bytes.length === 0) return
        left -= bytes.length
        yield { letter, bytes }
      }
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Fault('backup.missing', `there is no file ${file}`, { cause })
    throw damaged(file, message, cause)
  } finally {
    zipped.destroy()
    unzipped.destroy()
  }
}

interface Bytes {
  /** As many of the next ones as are there at once; none at the end. */
  readonly some: (most: number) => Promise<Buffer>
  /** The next ones; fewer where the stream ends before. */
  readonly whole: (length: number) => Promise<Buffer>
}

function bytesOf(stream: Readable): Bytes {
  const chunks = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer, undefined>
  let rest: Buffer = Buffer.alloc(0)
  const some = async (most: number): Promise<Buffer> => {
    if (rest.length === 0) rest = (await chunks.next()).value ?? rest
    const bytes = rest.subarray(0, most)
    rest = rest.subarray(bytes.length)
    return bytes
  }
  const whole = async (length: number): Promise<Buffer> => {
    const taken: Buffer[] = []
    for (let left = length; left > 0; ) {
      const bytes = await some(left)
      if (bytes.length === 0) break
      taken.push(bytes)
      left -= bytes.length
    }
    return Buffer.concat(taken)
  }
  return { some, whole }
}

function damaged(file: string, why: string, cause?: unknown): Fault {
  return new Fault('backup.damaged', `${file} is not a whole backup: ${why}`, { cause })
}
