/**
 * The store on somebody else's PostgreSQL, over TCP with a password: the oldest that is promised, 15, as Debian 12 has it,
 * or else our own binaries as a stranger's server. The store's own tests pass there, and the whole daemon lives there.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { dirname, join } from 'node:path'
import { describe, type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { findBinaries } from '../../ops/store/embedded/binaries.ts'
import {
  assertContinuity,
  house,
  quickConfig,
  starling,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { assertKept, progress, seen } from '../support/daemon/ledger-view.ts'
import { debianTools } from './support/debian.ts'
import { type OtherServer, startPostgres } from './support/postgres.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

async function otherServer(t: TestContext): Promise<OtherServer> {
  const programs = ['initdb', 'postgres']
  const debian = debianTools('postgresql-15', programs, 'usr/lib/postgresql/15/bin')
  if (debian.type === 'present') {
    try {
      return await startPostgres(t, dirname(debian.paths.postgres as string))
    } catch (error) {
      // Unpacked and not installed, it may lack a library.
      t.diagnostic(`PostgreSQL 15 does not run here: ${error}`)
    }
  } else t.diagnostic(debian.why)
  return startPostgres(t, join(findBinaries().home, 'bin'))
}

describe('another PostgreSQL', { concurrency: true }, () => {
  test('the store’s own tests pass on it', async (t) => {
    const server = await otherServer(t)
    t.diagnostic(`PostgreSQL ${server.version}`)
    const child = spawn(
      process.execPath,
      [
        ...['--test', '--test-reporter=tap', '--test-concurrency=2', '--test-timeout=120000'],
        'test/ops/store/**/*.test.ts',
      ],
      {
        cwd: root,
        stdio: ['ignore', 'pipe', 'pipe'],
        // Told apart from this test's own run, of which it would take itself for a part.
        env: {
          ...process.env,
          NODE_TEST_CONTEXT: undefined,
          STARLING_TEST_DATABASE_URL: server.url,
        },
      },
    )
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk
      })
    const code = await new Promise((resolve) => child.once('close', resolve))
    assert.equal(
      code,
      0,
      said
        .split('\n')
        .filter((line) => /not ok|Error/.test(line))
        .join('\n'),
    )
    const passed = Number(/^# pass (\d+)/m.exec(said)?.[1] ?? 0)
    assert.ok(passed > 40, `${passed} tests passed`)
    t.diagnostic(`${passed} tests passed`)
  })

  test('a daemon lives on it, is killed, and its next life goes on; commands reach it without a daemon', async (t) => {
    const server = await otherServer(t)
    const at = house(t, `${quickConfig}store: { url: "${server.url}" }\n`)
    const first = await startDaemon(t, at)
    await progress(first, 12)
    const before = await seen(first)
    await first.end('SIGKILL')
    const second = await startDaemon(t, at)
    await progress(second, 12)
    assertKept(before, await seen(second))
    await assertContinuity(second)
    assert.equal((await second.end('SIGTERM')).code, 0)
    assert.doesNotMatch(first.output() + second.output(), /sesame/, 'the password is nobody’s')
    const options = ['--config', at.config, '--data', at.data, '--json']
    const audit = starling('continuity', ...options)
    assert.equal(audit.code, 0, audit.err)
    assert.doesNotMatch(starling('config', ...options).out, /sesame/)
  })
})
