import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { inScratch } from '../../../../ops/store/versions/scratch.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const file = fileURLToPath(new URL('../../../../ops/store/versions/scratch.ts', import.meta.url))

function emptyFolder(t: TestContext): string {
  const folder = temporaryFolder()
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Another process, in the middle of its work. */
async function atWork(t: TestContext, folder: string) {
  const program = `
    import { inScratch } from ${JSON.stringify(file)}
    await inScratch(${JSON.stringify(folder)}, async () => {
      console.log('at work')
      for await (const _ of process.stdin);
    })`
  const other = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  t.after(() => other.kill('SIGKILL'))
  await once(other.stdout, 'data')
  return other
}

test('what is put together at once lies apart, and is gone when it is done or has failed', async (t) => {
  const folder = emptyFolder(t)
  const seen = await Promise.all(
    [1, 2, 3].map((nth) =>
      inScratch(folder, async (scratch) => {
        assert.deepEqual(readdirSync(scratch), [])
        await writeFile(join(scratch, 'part'), String(nth))
        return scratch
      }),
    ),
  )
  assert.equal(new Set(seen).size, 3)
  const failing = inScratch(folder, async () => {
    throw new Error('the disk is full')
  })
  await assert.rejects(failing, /the disk is full/)
  assert.deepEqual(readdirSync(folder), [])
})

test('a process that ended in the middle leaves nothing for ever; one that lives keeps what it has', async (t) => {
  const folder = emptyFolder(t)
  const dead = await atWork(t, folder)
  const alive = await atWork(t, folder)
  const ended = once(dead, 'exit')
  dead.kill('SIGKILL')
  await ended
  assert.equal(readdirSync(folder).length, 2)
  await inScratch(folder, async () => undefined)
  const [left, ...others] = readdirSync(folder)
  assert.ok(left?.startsWith(`${alive.pid}-`))
  assert.deepEqual(others, [])
  const done = once(alive, 'exit')
  alive.stdin.end()
  await done
  assert.deepEqual(readdirSync(folder), [])
})

test('what earlier builds have left goes too, and nothing that is only called alike', async (t) => {
  const folder = emptyFolder(t)
  const sha256 = 'ab12'.repeat(16)
  const left = [`${sha256}.partial`, `${sha256}.download`, `${randomUUID()}.upload`]
  const others = [sha256, 'mine.partial', `${sha256}.partial.txt`]
  for (const name of [...left, ...others]) mkdirSync(join(folder, name))
  await inScratch(folder, async () => undefined)
  assert.deepEqual(new Set(readdirSync(folder)), new Set(others))
})
