import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { lockDataDirectory, openDataDirectory } from '../../../ops/store/data-directory.ts'
import { crowd, crowdSize } from '../../support/crowd.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const module = join(import.meta.dirname, '../../../ops/store/data-directory.ts')
const isRoot = process.getuid?.() === 0

function folder(): string {
  const made = temporaryFolder()
  after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('a second daemon on the same data directory is refused with the address of the first', async () => {
  const directory = openDataDirectory(folder())
  const script = `
    const { openDataDirectory, lockDataDirectory } = await import(process.argv[1])
    const lock = lockDataDirectory(openDataDirectory(process.argv[2]))
    lock.announce('http://127.0.0.1:8080')
    process.stdout.write('locked')
    setInterval(() => {}, 1000)`
  const first = spawn(process.execPath, [
    '--input-type=module',
    '-e',
    script,
    module,
    directory.path,
  ])
  after(() => first.kill('SIGKILL'))
  await once(first.stdout, 'data')
  assert.throws(() => lockDataDirectory(directory), {
    code: 'data.locked',
    message: /http:\/\/127\.0\.0\.1:8080/,
  })
  first.kill('SIGKILL')
  await once(first, 'exit')
  // The lock of a process that has ended counts for nothing, even if its pid lives on.
  const lock = lockDataDirectory(directory)
  lock.release()
  const stale = { pid: process.pid, startedAt: 'long ago', address: null }
  writeFileSync(join(directory.path, 'lock'), JSON.stringify(stale))
  lockDataDirectory(directory).release()
  assert.equal(existsSync(join(directory.path, 'lock')), false)
})

test('many that open a new directory at once are all let in, and know it by the same id', async (t) => {
  const ask = await crowd(t, module, 'module.openDataDirectory(folder).id')
  for (let round = 0; round < 100; round++) {
    const home = folder()
    const said = await ask(join(home, 'data'))
    assert.deepEqual(
      said,
      Array(crowdSize).fill(openDataDirectory(join(home, 'data')).id),
      `round ${round}`,
    )
  }
})

test('a directory that this user may not write is refused by name', () => {
  const home = folder()
  chmodSync(home, 0o555)
  const script = `
    const { openDataDirectory } = await import(process.argv[1])
    try { openDataDirectory(process.argv[2]) } catch (error) { process.stdout.write(error.code + ' ' + error.message) }`
  // Root may write everywhere, so another user is asked.
  const done = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', script, module, join(home, 'data')],
    {
      encoding: 'utf8',
      cwd: '/',
      ...(isRoot ? { uid: 65534, gid: 65534 } : {}),
    },
  )
  assert.match(
    done.stdout,
    /^data\.unusable cannot use the data directory .*may not write there/,
    done.stderr,
  )
})
