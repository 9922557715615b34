/**
 * A trained model on disk: a folder whose `manifest.json` names every other file with its size and sha256. What this file
 * hands out has been verified; anything else is refused with a reason. Files that the manifest does not name are never read.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Fault } from '../streams/fault.ts'
import { type Golden, parseGolden } from './golden.ts'
import { type Manifest, parseManifest } from './manifest.ts'

export interface Artifact {
  readonly folder: string
  /** Of `manifest.json`: the artifact's identity. */
  readonly sha256: string
  readonly manifest: Manifest
  readonly golden: Golden
  /** All files together, the manifest included. */
  readonly bytes: number
}

export interface ArtifactLimits {
  /** All files together. */
  readonly bytesMax: number
}

const artifactLimits: ArtifactLimits = { bytesMax: 512 * 1024 * 1024 }
const manifestBytesMax = 1024 * 1024

/** Endings of what an artifact may hold: data, never code. A pickle runs what it likes when it is opened. */
const endings = /\.(onnx|json|jsonl|txt|md|csv|parquet|png|svg|html|safetensors)$/

export async function openArtifact(
  folder: string,
  limits: ArtifactLimits = artifactLimits,
): Promise<Artifact> {
  const bytes = await readPlain(join(folder, 'manifest.json'), manifestBytesMax)
  const manifest = parseManifest(bytes)
  const files = Object.entries(manifest.files)
  const total = files.reduce((sum, [, file]) => sum + file.bytes, bytes.length)
  if (total > limits.bytesMax) {
    throw new Fault('artifact.too_large', `${total} bytes, at most ${limits.bytesMax} are taken`)
  }
  for (const [name, file] of files) await verify(folder, name, file)
  const golden = parseGolden(await readVerified(folder, manifest, 'golden.json'), manifest)
  return { folder, sha256: sha256(bytes), manifest, golden, bytes: total }
}

/** The bytes of one of its files, verified again as they are read. */
export async function readVerified(
  folder: string,
  manifest: Manifest,
  name: string,
): Promise<Uint8Array> {
  const file = manifest.files[name]
  if (file === undefined) throw new Fault('artifact.missing', `the manifest names no ${name}`)
  const bytes = await readPlain(join(folder, name), file.bytes)
  if (sha256(bytes) !== file.sha256) throw wrongHash(name)
  return bytes
}

async function verify(
  folder: string,
  name: string,
  file: { readonly bytes: number; readonly sha256: string },
): Promise<void> {
  if (!endings.test(name)) {
    throw new Fault('artifact.kind', `${name} is no kind of file that an artifact may hold`)
  }
  const size = await sizeOf(join(folder, name))
  if (size !== file.bytes) {
    throw new Fault('artifact.size', `${name} has ${size} bytes, the manifest says ${file.bytes}`)
  }
  const hash = createHash('sha256')
  let first = true
  for await (const chunk of createReadStream(join(folder, name))) {
    if (first) refusePickle(name, chunk)
    first = false
    hash.update(chunk)
  }
  if (hash.digest('hex') !== file.sha256) throw wrongHash(name)
}

/** Protocols 2 to 5 open with 0x80 and their number; torch's own format is a zip around one. */
function refusePickle(name: string, head: Uint8Array): void {
  const [a = 0, b = 0] = head
  if ((a === 0x80 && b >= 2 && b <= 5) || (a === 0x50 && b === 0x4b && !name.endsWith('.onnx'))) {
    throw new Fault('artifact.pickle', `${name} is a pickle or an archive`)
  }
}

async function readPlain(path: string, bytesMax: number): Promise<Uint8Array> {
  const size = await sizeOf(path)
  if (size > bytesMax) {
    throw new Fault('artifact.size', `${path} has ${size} bytes, at most ${bytesMax} are expected`)
  }
  return readFile(path)
}

/** A link could point anywhere, so only plain files count. */
async function sizeOf(path: string): Promise<number> {
  const stat = await lstat(path).catch((cause: unknown) => {
    throw new Fault('artifact.missing', `cannot read ${path}`, { cause })
  })
  if (!stat.isFile()) throw new Fault('artifact.missing', `${path} is not a plain file`)
  return stat.size
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

function wrongHash(name: string): Fault {
  return new Fault('artifact.hash', `${name} is not what the manifest says: its sha256 differs`)
}
