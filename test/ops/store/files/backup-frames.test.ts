import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { openBackup } from '../../../../ops/store/files/backup-frames.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const mebi = 1024 * 1024

function fileOf(t: TestContext, ...frames: readonly (readonly [string, Buffer | object])[]) {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const bytes = frames.flatMap(([letter, content]) => {
    const body = Buffer.isBuffer(content) ? content : Buffer.from(JSON.stringify(content))
    const head = Buffer.alloc(5)
    head.write(letter, 'latin1')
    head.writeUInt32BE(body.length, 1)
    return [head, body]
  })
  const file = join(folder, 'a.backup')
  writeFileSync(file, gzipSync(Buffer.concat(bytes), { level: 1 }))
  return file
}

const manifest = ['m', { format: 'starling-backup/1' }] as const
const section = ['s', { type: 'table', table: 'candle', columns: [] }] as const

test('data that was written as one frame, of any length, is read piece by piece', async (t) => {
  const data = Buffer.alloc(80 * mebi, 'wide rows\n')
  const sha256 = createHash('sha256').update(data).digest('hex')
  const file = fileOf(t, manifest, section, ['d', data], ['e', { sha256 }], ['z', {}])
  let bytes = 0
  let longest = 0
  for await (const { content } of (await openBackup(file)).sections())
    for await (const piece of content) {
      bytes += piece.length
      longest = Math.max(longest, piece.length)
    }
  assert.equal(bytes, data.length)
  assert.ok(longest <= mebi, `one piece has ${longest} bytes`)
})

test('what breaks off, is out of order or claims to be too long is damaged', async (t) => {
  const end = ['e', { sha256: createHash('sha256').digest('hex') }] as const
  const cases: [string, string][] = [
    ['nothing', fileOf(t)],
    ['no manifest', fileOf(t, section, end, ['z', {}])],
    ['no end', fileOf(t, manifest, section, end)],
    ['a section within another', fileOf(t, manifest, section, section, end, ['z', {}])],
    ['another checksum', fileOf(t, manifest, section, ['d', Buffer.of(1)], end, ['z', {}])],
    ['a manifest of 65 MiB', fileOf(t, ['m', Buffer.alloc(65 * mebi)])],
  ]
  for (const [what, file] of cases) {
    const read = async (): Promise<void> => {
      for await (const { content } of (await openBackup(file)).sections())
        for await (const _ of content);
    }
    await assert.rejects(read(), { code: 'backup.damaged' }, what)
  }
})
