/**
 * The backup file: one gzip stream of frames, each a letter, a length and so many bytes. A section (a table or a file)
 * begins with a frame that names it, and ends with one that holds its length and sha256; the last frame says that the
 * file is whole.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import type { Writable } from 'node:stream'
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

interface Frame {
  readonly letter: Letter
  readonly bytes: Buffer
}

const headBytes = 5
/** More than any frame that is written; a length beyond it is damage. */
const frameBytesMax = 64 * 1024 * 1024

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
        await put('d', chunk)
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
    hash.update(frame.bytes)
    yield frame.bytes
  }
}

async function* readFrames(file: string): AsyncGenerator<Frame> {
  let rest: Buffer = Buffer.alloc(0)
  const zipped = createReadStream(file)
  const unzipped = zipped.pipe(createGunzip())
  zipped.on('error', (error) => unzipped.destroy(error))
  try {
    for await (const chunk of unzipped) {
      rest = rest.length === 0 ? (chunk as Buffer) : Buffer.concat([rest, chunk as Buffer])
      while (rest.length >= headBytes) {
        const length = rest.readUInt32BE(1)
        if (length > frameBytesMax) throw damaged(file, 'a frame is too long')
        if (rest.length < headBytes + length) break
        const letter = rest.toString('latin1', 0, 1) as Letter
        yield { letter, bytes: rest.subarray(headBytes, headBytes + length) }
        rest = rest.subarray(headBytes + length)
      }
    }
  } catch (cause) {
    if (cause instanceof Fault) throw cause
    const { code, message } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new Fault('backup.missing', `there is no file ${file}`, { cause })
    throw damaged(file, message, cause)
  }
}

function damaged(file: string, why: string, cause?: unknown): Fault {
  return new Fault('backup.damaged', `${file} is not a whole backup: ${why}`, { cause })
}
