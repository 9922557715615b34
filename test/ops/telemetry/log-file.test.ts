import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { openLogFile } from '../../../ops/telemetry/log-file.ts'

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'starling-log-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return folder
}

test('a log goes on where it was', (t) => {
  const folder = folderFor(t)
  for (const line of ['one', 'two']) {
    const file = openLogFile(folder, { bytesMax: 100, filesMax: 3, keepMs: 1000 }, () => 0)
    file.write(line)
    file.close()
  }
  assert.equal(readFileSync(join(folder, 'starling.log'), 'utf8'), 'one\ntwo\n')
})

test('a full log is set aside, and only so many are kept', (t) => {
  const folder = folderFor(t)
  let now = Date.now()
  const file = openLogFile(folder, { bytesMax: 10, filesMax: 2, keepMs: 1e9 }, () => now++)
  t.after(file.close)
  for (let i = 0; i < 12; i++) file.write(`line ${i}`)
  const names = readdirSync(folder).sort()
  assert.equal(names.length, 3)
  const kept = names.map((name) => readFileSync(join(folder, name), 'utf8')).join('')
  assert.equal(kept, 'line 6\nline 7\nline 8\nline 9\nline 10\nline 11\n')
})

test('an old log is forgotten at the next turn', (t) => {
  const folder = folderFor(t)
  let now = Date.now()
  const file = openLogFile(folder, { bytesMax: 1, filesMax: 9, keepMs: 60_000 }, () => now++)
  t.after(file.close)
  file.write('a')
  file.write('b')
  const aside = readdirSync(folder).find((name) => name !== 'starling.log') as string
  utimesSync(join(folder, aside), 0, 0)
  file.write('c')
  assert.equal(readdirSync(folder).includes(aside), false)
})
