import assert from 'node:assert/strict'
import { readFile, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { openArtifact, readVerified } from '../../models/artifact.ts'
import { Fault } from '../../streams/fault.ts'
import {
  encode,
  sha256,
  softmaxModel,
  testFolder,
  writeArtifact,
} from '../support/models/artifacts.ts'

test('an artifact is known by the sha256 of its manifest', async (t) => {
  const folder = testFolder(t)
  const identity = await writeArtifact(folder, softmaxModel())
  const artifact = await openArtifact(folder)
  assert.equal(artifact.sha256, identity)
  assert.equal(artifact.golden.rows, 16)
  assert.equal(artifact.manifest.family, 'linear')
})

/** Puts other bytes in a file's place, and names them in the manifest as if they belonged there. */
async function replace(folder: string, name: string, bytes: Uint8Array): Promise<void> {
  await writeFile(join(folder, name), bytes)
  const path = join(folder, 'manifest.json')
  const manifest = JSON.parse(await readFile(path, 'utf8'))
  manifest.files[name] = { bytes: bytes.length, sha256: sha256(bytes) }
  await writeFile(path, JSON.stringify(manifest))
}

const golden = (rows: number, width: number): Uint8Array =>
  encode({
    inputs: Array.from({ length: rows }, () => Array(width).fill(0)),
    outputs: Array.from({ length: rows }, () => [0.2, 0.3, 0.5]),
  })

const refusals: [what: string, code: string, spoil: (folder: string) => Promise<void>][] = [
  ['a graph cut short', 'artifact.size', (it) => truncate(join(it, 'model.onnx'), 40)],
  [
    'a graph with one byte changed',
    'artifact.hash',
    async (it) => {
      const bytes = await readFile(join(it, 'model.onnx'))
      bytes[50] = (bytes[50] ?? 0) ^ 1
      await writeFile(join(it, 'model.onnx'), bytes)
    },
  ],
  ['a file that is not there', 'artifact.missing', (it) => rm(join(it, 'golden.json'))],
  [
    'a link in place of a file',
    'artifact.missing',
    async (it) => {
      await rm(join(it, 'metrics.json'))
      await symlink('/etc/hostname', join(it, 'metrics.json'))
    },
  ],
  ['no manifest', 'artifact.missing', (it) => rm(join(it, 'manifest.json'))],
  ['a manifest cut short', 'artifact.manifest', (it) => truncate(join(it, 'manifest.json'), 100)],
  ['a pickle by its name', 'artifact.kind', (it) => replace(it, 'weights.pkl', encode({}))],
  [
    'a pickle by its first bytes',
    'artifact.pickle',
    (it) => replace(it, 'weights.json', Uint8Array.of(0x80, 4, 0x95)),
  ],
  [
    'an archive, as torch saves',
    'artifact.pickle',
    (it) => replace(it, 'weights.txt', Uint8Array.of(0x50, 0x4b, 3, 4)),
  ],
  ['too few golden rows', 'artifact.golden', (it) => replace(it, 'golden.json', golden(15, 2))],
  ['golden rows too wide', 'artifact.golden', (it) => replace(it, 'golden.json', golden(16, 3))],
  [
    'golden rows with null in them',
    'artifact.golden',
    (it) => replace(it, 'golden.json', encode({ inputs: Array(16).fill([null, 1]), outputs: [] })),
  ],
]
for (const [what, code, spoil] of refusals) {
  test(`refused as ${code}: ${what}`, async (t) => {
    const folder = testFolder(t)
    await writeArtifact(folder, softmaxModel())
    await spoil(folder)
    await assert.rejects(openArtifact(folder), (error) => {
      assert(error instanceof Fault)
      assert.equal(error.code, code, error.message)
      return true
    })
  })
}

test('refused as artifact.too_large: more bytes than are taken', async (t) => {
  const folder = testFolder(t)
  await writeArtifact(folder, softmaxModel())
  await assert.rejects(openArtifact(folder, { bytesMax: 1000 }), { code: 'artifact.too_large' })
})

test('a file that changed after it was verified is not read', async (t) => {
  const folder = testFolder(t)
  await writeArtifact(folder, softmaxModel())
  const { manifest } = await openArtifact(folder)
  await writeFile(join(folder, 'metrics.json'), '[]')
  await assert.rejects(readVerified(folder, manifest, 'metrics.json'), { code: 'artifact.hash' })
})

test('a file that the manifest does not name is left alone', async (t) => {
  const folder = testFolder(t)
  const identity = await writeArtifact(folder, softmaxModel())
  await writeFile(join(folder, 'notes.pkl'), Uint8Array.of(0x80, 4))
  assert.equal((await openArtifact(folder)).sha256, identity)
})
