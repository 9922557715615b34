/** The door, as processes: what comes through it is what was sent, once, and what comes back is the program's own. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { isAlive } from '../../ops/store/process-identity.ts'
import { until } from '../support/until.ts'

const launcher = join(import.meta.dirname, '../../ops/launch.mjs')

/** Says each signal it gets, as a line; the second SIGINT ends it with 7. */
const listener = `
let count = 0
process.on('SIGINT', () => { console.log('SIGINT'); if (++count === 2) process.exit(7) })
process.on('SIGTERM', () => { console.log('SIGTERM'); process.exit(5) })
console.log(process.pid)
setInterval(() => {}, 1000)
`

interface Launched {
  readonly process: ChildProcess
  readonly pid: number
  readonly said: string[]
}

async function launch(t: TestContext, env: NodeJS.ProcessEnv = {}): Promise<Launched> {
  const { npm_command: _, ...clean } = process.env
  const child = spawn(process.execPath, [launcher, '--node', '-e', listener], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...clean, ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  const said: string[] = []
  createInterface({ input: child.stdout }).on('line', (line) => said.push(line))
  await until('the program says its id', () => said.length > 0)
  return { process: child, pid: Number(said[0]), said }
}

/** Once all that it said has been read. */
async function codeOf({ process: launcher }: Launched): Promise<number | null> {
  const [code] = await once(launcher, 'close')
  return code
}

test('an exit code comes back', () => {
  for (const code of [0, 4]) {
    const args = [launcher, '--node', '-e', `process.exit(${code})`]
    assert.equal(spawnSync(process.execPath, args).status, code)
  }
})

test('a program that a signal ends comes back as 128 and its number', () => {
  const args = [launcher, '--node', '-e', "process.kill(process.pid, 'SIGKILL')"]
  assert.equal(spawnSync(process.execPath, args).status, 137)
})

test('each SIGINT and SIGTERM sent here arrives there, once', async (t) => {
  const interrupted = await launch(t)
  interrupted.process.kill('SIGINT')
  await until('the first arrives', () => interrupted.said.length === 2)
  interrupted.process.kill('SIGINT')
  assert.equal(await codeOf(interrupted), 7)
  assert.deepEqual(interrupted.said.slice(1), ['SIGINT', 'SIGINT'])

  const terminated = await launch(t)
  terminated.process.kill('SIGTERM')
  assert.equal(await codeOf(terminated), 5)
})

test('under npm, the Ctrl-C that comes from the terminal and from npm is one', async (t) => {
  const launched = await launch(t, { npm_command: 'start' })
  launched.process.kill('SIGINT')
  launched.process.kill('SIGINT')
  await until('it arrives', () => launched.said.length === 2)
  launched.process.kill('SIGTERM')
  assert.equal(await codeOf(launched), 5)
  assert.deepEqual(launched.said.slice(1), ['SIGINT', 'SIGTERM'])
})

test('a launcher that is killed takes the program along', async (t) => {
  const launched = await launch(t)
  launched.process.kill('SIGKILL')
  await until('the program is gone', () => !isAlive(launched.pid))
})

test('where npm is missing and nothing is installed, it says so, and nothing is left half-done', (t) => {
  const root = mkdtempSync(join(tmpdir(), 'starling launch '))
  t.after(() => rmSync(root, { recursive: true }))
  mkdirSync(join(root, 'ops'))
  mkdirSync(join(root, 'bin'))
  copyFileSync(launcher, join(root, 'ops', 'launch.mjs'))
  writeFileSync(join(root, 'package-lock.json'), '{"packages":{"":{}}}')
  symlinkSync(process.execPath, join(root, 'bin', 'node'))
  const run = (): ReturnType<typeof spawnSync> =>
    spawnSync(process.execPath, [join(root, 'ops', 'launch.mjs'), '--install'], {
      env: { PATH: join(root, 'bin') },
      encoding: 'utf8',
    })
  for (const done of [run(), run()]) {
    assert.equal(done.status, 1)
    assert.match(String(done.stderr), /npm was not found/)
  }
})
