import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { niceness, politely } from '../../../models/training/politely.ts'

/** Field 6 of `stat` is the session, 19 the niceness, 41 the policy; the name before them may hold anything. */
const look = `
  const { readFileSync, readdirSync } = require('node:fs')
  const fields = (path) => readFileSync(path + '/stat', 'utf8').replace(/^.*\\) /s, '').split(' ')
  const tasks = readdirSync('/proc/self/task').map((it) => fields('/proc/self/task/' + it))
  const of = (at) => tasks.map((it) => it[at])
  const [session] = of(3)
  console.log(JSON.stringify({ args: process.argv.slice(1), session, nice: of(16), policy: of(38) }))`

async function said() {
  const { command, args, detached } = politely(process.execPath, ['-e', look, 'a b', '$c'])
  // Nothing is found by a path that leads nowhere.
  const env = { PATH: '/nowhere' }
  const child = spawn(command, args, { detached, env, stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  child.stdout.setEncoding('utf8').on('data', (it: string) => {
    text += it
  })
  const [code] = await once(child, 'close')
  assert.equal(code, 0)
  return { pid: child.pid, ...JSON.parse(text) }
}

const onLinux = { skip: process.platform !== 'linux' }

test(
  'every thread runs only where nobody else wants to, in a session of its own',
  onLinux,
  async () => {
    const { pid, args, session, nice, policy } = await said()
    assert.deepEqual(args, ['a b', '$c'], 'its words reach it as they are')
    assert.equal(Number(session), pid)
    assert.ok(nice.length > 4, 'a runtime has threads from the start')
    const idle = '5'
    assert.ok(policy.every((it: string) => it === idle) || policy.every((it: string) => it === '0'))
    assert.ok(nice.every((it: string) => Number(it) === niceness))
  },
)
