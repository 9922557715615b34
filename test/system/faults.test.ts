import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rmSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as elapse } from 'node:timers/promises'
import {
  assertContinuity,
  halfMinute,
  house,
  quickConfig,
  startDaemon,
} from '../support/daemon/daemon.ts'
import {
  answersAgain,
  assertKept,
  progress,
  seen,
  status,
  wellAgain,
} from '../support/daemon/ledger-view.ts'
import { ownDatabase, tapeDatabase } from '../support/daemon/own-database.ts'
import { startOwnServer, urlOf } from '../support/store/database.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

const mebi = 1024 ** 2
const isRoot = process.getuid?.() === 0

test('the database is slow, then refuses, then is back: the daemon waits and loses nothing', async (t) => {
  const daemon = await startDaemon(t, house(t))
  await progress(daemon, 6)
  const before = await seen(daemon)
  const sql = ownDatabase(daemon)
  t.after(() => sql.end())
  await sql.begin(async (tx) => {
    await tx`lock table prediction in access exclusive mode`
    await elapse(5_000)
  })
  await progress(daemon, 6)
  const admin = ownDatabase(daemon, 'postgres')
  t.after(() => admin.end())
  await admin.unsafe(`alter database ${tapeDatabase} with allow_connections false`)
  await admin`select pg_terminate_backend(pid) from pg_stat_activity where datname = ${tapeDatabase}`
  const refused = ownDatabase(daemon)
  t.after(() => refused.end())
  await assert.rejects(refused`select 1`, { code: '55000' })
  await elapse(10_000)
  assert.equal((await fetch(`${daemon.address}/api/v1/status`)).status, 503)
  await admin.unsafe(`alter database ${tapeDatabase} with allow_connections true`)
  const allowedAt = performance.now()
  await answersAgain(daemon)
  await progress(daemon, 12)
  await wellAgain(daemon)
  const ms = performance.now() - allowedAt
  assert.ok(ms < halfMinute(daemon), `it took ${ms} ms to be well again`)
  assert.doesNotMatch(daemon.output(), /records\.dropped/)
  assertKept(before, await seen(daemon))
  await assertContinuity(daemon)
})

test('the disk is full: it was said before, nothing is lost, and the fleet goes on when there is room', {
  skip: isRoot ? false : 'needs root, to mount a small disk',
}, async (t) => {
  const folder = temporaryFolder()
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256m,mode=755', 'tmpfs', folder])
  if (mounted.status !== 0) return t.skip(`cannot mount a small disk here: ${mounted.stderr}`)
  const at = { data: join(folder, 'data'), config: join(folder, 'starling.yaml') }
  writeFileSync(at.config, quickConfig)
  t.after(() => {
    spawnSync('fuser', ['-k', '-m', folder])
    spawnSync('umount', ['-l', folder])
    rmSync(folder, { recursive: true, force: true })
  })
  const daemon = await startDaemon(t, at)
  await progress(daemon, 6)
  const before = await seen(daemon)
  const ballast = join(folder, 'ballast')
  const fill = (file: string, bytes: number): unknown =>
    spawnSync('dd', ['if=/dev/zero', `of=${file}`, 'bs=1M', `count=${Math.ceil(bytes / mebi)}`])
  const { bavail, bsize } = statfsSync(folder)
  fill(join(folder, 'some'), bavail * bsize - 20 * mebi)
  const says = (what: RegExp) => async () =>
    (await status(daemon)).degraded.some((it) => what.test(it))
  await until('it says that there is little room', says(/disk/), 30_000)
  fill(ballast, 400 * mebi)
  await until(
    'it says that it cannot write',
    () => /disk\.full|sink\.waiting/.test(daemon.output()),
    60_000,
  )
  rmSync(ballast)
  rmSync(join(folder, 'some'))
  // The database may have ended over it, and be on its way back.
  await answersAgain(daemon)
  await progress(daemon, 12)
  assertKept(before, await seen(daemon))
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})

test('two daemons on one database: the second stands by, takes over, and the first cannot write again', async (t) => {
  const { socket } = await startOwnServer()
  const url = urlOf({ type: 'socket', path: socket })
  const config = `${quickConfig}store: { url: "${url}" }\n`
  const first = await startDaemon(t, house(t, config))
  assert.match(first.output(), /opening the database/)
  await progress(first, 6)
  const second = startDaemon(t, house(t, config), 90_000)
  await progress(first, 6)
  const before = await seen(first)
  const stoppedAt = performance.now()
  first.process.kill('SIGSTOP')
  const taken = await second
  const ms = performance.now() - stoppedAt
  assert.ok(ms < halfMinute(first), `it took ${ms} ms to take over`)
  await progress(taken, 6)
  assertKept(before, await seen(taken))
  first.process.kill('SIGCONT')
  assert.notEqual(await first.ended, 0)
  assert.match(first.output(), /lease/)
  await progress(taken, 12)
  await assertContinuity(taken)
  await taken.end('SIGTERM')
})
