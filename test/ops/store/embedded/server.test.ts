import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import {
  removeDataDirectory,
  type ServerEvent,
  startServer,
} from '../../../../ops/store/embedded/server.ts'
import { isAlive } from '../../../../ops/store/process-identity.ts'
import { readIfThere } from '../../../../ops/store/read-if-there.ts'
import { minuteMs } from '../../../../streams/time.ts'
import { clusterFolder } from '../../../support/store/cluster-folder.ts'
import {
  entries,
  noon,
  openTestStore,
  prediction,
  startOwnServer,
  version,
} from '../../../support/store/database.ts'
import { until } from '../../../support/until.ts'

const isRoot = process.getuid?.() === 0

/** The process of a server whose daemon was killed. */
async function outlived(home: string): Promise<number> {
  const script = `
    const { startServer } = await import(process.argv[1])
    process.stdout.write(String((await startServer(process.argv[2])).pid()))
    setInterval(() => {}, 1000)`
  const module = join(import.meta.dirname, '../../../../ops/store/embedded/server.ts')
  const daemon = spawn(process.execPath, ['--input-type=module', '-e', script, module, home])
  after(() => daemon.kill('SIGKILL'))
  const pid = Number(String((await once(daemon.stdout, 'data'))[0]))
  daemon.kill('SIGKILL')
  await once(daemon, 'exit')
  return pid
}

test('a server that outlived its daemon is adopted, not started beside', async () => {
  const home = clusterFolder()
  const pid = await outlived(home)
  const events: ServerEvent[] = []
  const second = await startServer(home, (event) => events.push(event))
  assert.deepEqual([events[0]?.type, second.pid()], ['adopted', pid])
  assert.equal(readdirSync(join(home, 'server', 'users')).length, 1, 'the dead one has left')
  await second.stop()
  assert.equal(isAlive(pid), false)
  // Stopped in order: the next start finds nothing to recover.
  const log = readFileSync(join(home, 'postgres', 'server.log'), 'utf8')
  assert.doesNotMatch(log, /not properly shut down/)
})

test('a server that several use is stopped by the last, in whatever order they come and go', async () => {
  const home = clusterFolder()
  const first = await startServer(home)
  const pid = first.pid() as number
  const second = await startServer(home)
  await first.stop()
  assert.ok(isAlive(pid), 'the second still uses it')
  const third = await startServer(home)
  await Promise.all([second.stop(), third.stop()])
  assert.equal(isAlive(pid), false)
  // One that comes while the last one stops it waits for that, and starts it anew.
  const fourth = await startServer(home)
  const [, fifth] = await Promise.all([fourth.stop(), startServer(home)])
  after(() => fifth.stop())
  assert.ok(isAlive(fifth.pid() as number))
})

test('kill -9 of PostgreSQL under load: it comes back, and what was acknowledged is there', async () => {
  const server = await startOwnServer()
  const store = await openTestStore({ type: 'socket', path: server.socket })
  const who = await version(store, { slot: 'v1' })
  const acknowledged: number[] = []
  const refused = new Set<string>()
  let next = 0
  let isOver = false
  const lane = async (): Promise<void> => {
    for (let i = next++; !isOver; ) {
      try {
        await store.write.commit(entries(prediction(who, i)), () => noon + minuteMs)
        acknowledged.push(i)
        i = next++
      } catch (error) {
        const { code, retryable } = error as { code: string; retryable: boolean }
        isOver ||= !retryable
        assert.ok(retryable, String(error))
        refused.add(code)
        await pause(5)
      }
    }
  }
  const lanes = Promise.all([lane(), lane(), lane()])
  for (let kill = 0; kill < 2; kill++) {
    const killed = server.pid() as number
    const before = acknowledged.length
    await until('writes go on', () => acknowledged.length > before + 20)
    process.kill(killed, 'SIGKILL')
    const atKill = acknowledged.length
    await until('it is back', () => isOver || (server.pid() ?? killed) !== killed, 20_000)
    await until('writes go on', () => isOver || acknowledged.length > atKill + 20, 20_000)
  }
  isOver = true
  await lanes
  assert.ok(refused.has('store.unavailable'))
  const rows = await store.sql<{ open_at: number }[]>`select open_at from prediction`
  const kept = new Set(rows.map((row) => (row.open_at - noon) / minuteMs))
  assert.deepEqual(
    acknowledged.filter((i) => !kept.has(i)),
    [],
  )
})

test('a server that was killed leaves a note of its pid; another program under that pid is no server', async () => {
  const home = clusterFolder()
  const first = await startServer(home)
  await first.stop()
  const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  after(() => other.kill('SIGKILL'))
  writeFileSync(join(home, 'postgres', 'postmaster.pid'), `${other.pid}\n${home}\n`, {
    mode: 0o600,
  })
  const events: ServerEvent[] = []
  const second = await startServer(home, (event) => events.push(event))
  after(() => second.stop())
  assert.equal(events[0]?.type, 'started')
})

test("another major's cluster is refused with what to do, and left as it is", async () => {
  const home = clusterFolder()
  mkdirSync(join(home, 'postgres'))
  writeFileSync(join(home, 'postgres', 'PG_VERSION'), '17\n')
  await assert.rejects(startServer(home), {
    code: 'store.other_major',
    message: /PostgreSQL 17.*backup.*restore/s,
  })
  assert.equal(readFileSync(join(home, 'postgres', 'PG_VERSION'), 'utf8'), '17\n')
})

test('a path too long for a socket gets one elsewhere', async () => {
  const home = join(clusterFolder(), 'a'.repeat(90))
  mkdirSync(home)
  const server = await startServer(home)
  after(() => server.stop())
  assert.ok(Buffer.byteLength(server.socket) < 104)
  assert.ok(existsSync(server.socket))
})

test('what the user of PostgreSQL cannot reach is placed elsewhere', {
  skip: !isRoot,
}, async () => {
  const home = clusterFolder()
  chmodSync(home, 0o700)
  const server = await startServer(home)
  after(() => server.stop())
  const place = readFileSync(join(home, 'postgres.elsewhere'), 'utf8').trim()
  assert.ok(server.socket.startsWith(place))
})

test('a data directory is removed with its server, and with its cluster that lies elsewhere', async () => {
  const home = join(clusterFolder(), 'closed')
  mkdirSync(home, { mode: 0o700 })
  const pid = await outlived(home)
  const cluster = readIfThere(join(home, 'postgres.elsewhere'))?.trim() ?? join(home, 'postgres')
  assert.equal(cluster.startsWith(home), !isRoot)
  await removeDataDirectory(home)
  assert.deepEqual([isAlive(pid), existsSync(home), existsSync(cluster)], [false, false, false])
})
