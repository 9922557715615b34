import assert from 'node:assert/strict'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VirtualTimeScheduler } from 'rxjs'
import { runCli } from '../../../../ops/cli/cli.ts'
import { logText } from '../../../../ops/cli/commands/daemon.ts'
import type { World } from '../../../../ops/cli/world.ts'
import { said, starling, stubWorld } from '../stub.ts'

/** Virtual time goes on while somebody waits, one turn of the event loop for each step. */
async function whilePassing<T>(
  clock: VirtualTimeScheduler,
  stepMs: number,
  work: Promise<T>,
): Promise<T> {
  let isOver = false
  const over = work.finally(() => {
    isOver = true
  })
  clock.maxFrames = clock.frame
  while (!isOver) {
    clock.maxFrames += stepMs
    clock.flush()
    await new Promise(setImmediate)
  }
  return over
}

function stopping(leavesAfterMs: number) {
  const clock = new VirtualTimeScheduler()
  const ended: number[] = []
  const out = said()
  const err = said()
  const world: World = stubWorld({
    clock,
    out,
    err,
    holder: () => (clock.now() >= leavesAfterMs ? undefined : { pid: 7, address: null }),
    terminate: (pid) => void ended.push(pid),
  })
  return { run: () => whilePassing(clock, 100, runCli(['stop', '--json'], world)), ended, out, err }
}

test('stop asks the process to end and waits until it has', async () => {
  const { run, ended, out } = stopping(3000)
  assert.equal(await run(), 0)
  assert.deepEqual(ended, [7])
  assert.deepEqual(JSON.parse(out.text()), { stopped: true })
})

test('stop does not wait forever', async () => {
  const { run, err } = stopping(Number.POSITIVE_INFINITY)
  assert.equal(await run(), 5)
  assert.match(err.text(), /still there after 30 s/)
})

function logIn(t: TestContext, text: string) {
  const data = mkdtempSync(join(tmpdir(), 'starling-logs-'))
  t.after(() => rmSync(data, { recursive: true }))
  mkdirSync(join(data, 'log'))
  const path = join(data, 'log', 'starling.log')
  writeFileSync(path, text)
  return { data, path }
}

test('logs prints the newest lines', async (t) => {
  const { data } = logIn(t, 'one\ntwo\nthree\n')
  assert.equal((await starling(`logs --lines 2 --data ${data}`)).out, 'two\nthree\n')
})

test('logs --follow goes on with whole lines, through a new file, until the daemon has left', async (t) => {
  const { data, path } = logIn(t, 'one\n')
  const clock = new VirtualTimeScheduler()
  const out = said()
  const steps = [
    () => appendFileSync(path, 'two\nth'),
    () => appendFileSync(path, 'ree\n'),
    () => truncateSync(path),
    () => appendFileSync(path, '4\n'),
  ]
  const holder = () => {
    const step = steps.shift()
    step?.()
    return step ? { pid: 7, address: null } : undefined
  }
  const world = stubWorld({ clock, out, holder })
  await whilePassing(clock, 100, runCli(['logs', '--follow', '--data', data], world))
  assert.equal(out.text(), 'one\ntwo\nthree\n4\n')
})

const lines: readonly [string, string][] = [
  [
    '{"at":"2026-11-20T12:00:01.000Z","level":"warn","event":"gap.opened","coin":"BTC-USDT","cause":"no data","n":1,"detail":null}',
    '12:00:01 warn  gap.opened coin=BTC-USDT cause="no data" n=1',
  ],
  ['not JSON', 'not JSON'],
]
for (const [line, text] of lines) {
  test(`a log line reads: ${text}`, () => assert.equal(logText(line), text))
}
