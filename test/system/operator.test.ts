/**
 * What an operator does to a running daemon, over HTTP and by command: hold and let go on, restart, coins that come and
 * go, the log, the end; and that two of them live side by side as an ordinary user, from a path with spaces.
 */
import assert from 'node:assert/strict'
import { type ChildProcessByStdio, type SpawnOptions, spawn } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { describe, test } from 'node:test'
import {
  assertContinuity,
  cli,
  house,
  quickConfig,
  type RunningDaemon,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { assertKept, progress, seen, wellAgain } from '../support/daemon/ledger-view.ts'
import { ownDatabase } from '../support/daemon/own-database.ts'
import { freePort } from '../support/free-port.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'

interface Audit {
  readonly lanes: readonly {
    readonly coin: string
    readonly family: string
    readonly holes: number
    readonly byReason: Readonly<Record<string, number>>
  }[]
}

interface Told {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

/** A command beside the daemon; not `spawnSync`, which would hold up the test's own look at it. */
function begin(
  daemon: RunningDaemon,
  ...args: readonly string[]
): { readonly said: { readonly out: string }; readonly end: Promise<Told> } {
  const { data, config } = daemon.house
  return run([...args, '--data', data, '--config', config])
}

function run(args: readonly string[], as: SpawnOptions = {}): ReturnType<typeof begin> {
  const child = spawn(process.execPath, [cli, ...args], {
    ...as,
    stdio: ['ignore', 'pipe', 'pipe'],
  }) as ChildProcessByStdio<null, Readable, Readable>
  const said = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => {
    said.out += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    said.err += chunk
  })
  const end = new Promise<Told>((resolve) =>
    child.once('close', (code) => resolve({ code, ...said })),
  )
  return { said, end }
}

function command(daemon: RunningDaemon, ...args: readonly string[]): Promise<Told> {
  return begin(daemon, ...args).end
}

async function holes(daemon: RunningDaemon, reason: string): Promise<number> {
  const { lanes } = await daemon.get<Audit>('/api/v1/continuity')
  return lanes.reduce((sum, { byReason }) => sum + (byReason[reason] ?? 0), 0)
}

describe('an operator', { concurrency: true }, () => {
  test('pauses, restarts and lets go on, and what was held is answered afterwards', async (t) => {
    const daemon = await startDaemon(t, house(t))
    await progress(daemon, 6)
    const before = await seen(daemon)
    const paused = await command(daemon, 'pause', 'BTC/USDT', 'linear', '--json')
    assert.equal(paused.code, 0, paused.err)
    assert.deepEqual(JSON.parse(paused.out), { state: 'paused' })
    await until('its candles have holes', async () => (await holes(daemon, 'paused')) >= 2, 30_000)
    const lanes = await daemon.get<{ items: { coin: string; family: string; state?: string }[] }>(
      '/api/v1/lanes',
    )
    assert.ok(lanes.items.some((lane) => lane.family === 'linear' && lane.state === 'paused'))

    const { code } = await daemon.end('SIGTERM')
    assert.equal(code, 0)
    const next = await startDaemon(t, daemon.house)
    await until(
      'it is held after a restart too',
      async () => (await holes(next, 'paused')) >= 4,
      30_000,
    )
    const resumed = await next.post('/api/v1/lanes/BTC-USDT/linear/resume', { reason: 'enough' })
    assert.equal(resumed.status, 200)
    await until('its holes have healed', async () => (await holes(next, 'paused')) === 0, 30_000)

    const whole = await next.post('/api/v1/coins/ETH-USDT/pause')
    assert.deepEqual(await whole.json(), { state: 'paused' })
    await until('the coin has holes', async () => (await holes(next, 'paused')) >= 3, 30_000)
    assert.equal((await command(next, 'resume', 'ETH/USDT')).code, 0)
    const restarted = await command(next, 'restart', 'ETH/USDT', '--json')
    assert.equal(restarted.code, 0, restarted.err)
    assert.equal((await command(next, 'release', 'ETH/USDT', 'linear')).code, 0)
    await until('its holes have healed', async () => (await holes(next, 'paused')) === 0, 30_000)
    await progress(next, 6)

    assert.equal((await next.post('/api/v1/lanes/BTC-USDT/nonsense/pause')).status, 404)
    const unguarded = await fetch(`${next.address}/api/v1/coins/BTC-USDT/pause`, { method: 'POST' })
    assert.equal(unguarded.status, 401)
    assert.equal((await command(next, 'pause')).code, 2)
    assertKept(before, await seen(next))
    await wellAgain(next)
    await assertContinuity(next)
    assert.equal((await next.end('SIGTERM')).code, 0)
  })

  test('adds and removes coins, reads the log, stops', async (t) => {
    const daemon = await startDaemon(t, house(t))
    await progress(daemon, 6)
    const coinsOf = async (at: RunningDaemon): Promise<readonly string[]> =>
      (await at.get<{ coin: string }[]>('/api/v1/coins')).map(({ coin }) => coin)
    const added = await command(daemon, 'coins', 'add', 'SOL/USDT', '--json')
    assert.equal(added.code, 0, added.err)
    assert.ok((await coinsOf(daemon)).includes('SOL/USDT'))
    const predicted = async (at: RunningDaemon, coin: string): Promise<number> =>
      (await at.get<{ items: unknown[] }>(`/api/v1/predictions?coin=${coin}&limit=1000`)).items
        .length
    await until('it is predicted', async () => (await predicted(daemon, 'SOL-USDT')) >= 6, 60_000)
    assert.equal((await command(daemon, 'coins', 'add', 'SOL/USDT')).code, 1)
    const removed = await command(daemon, 'coins', 'remove', 'ETH/USDT', '--json')
    assert.equal(removed.code, 0, removed.err)
    assert.deepEqual(await coinsOf(daemon), ['BTC/USDT', 'SOL/USDT'])
    // Removed before its versions are loaded: what they did not come to answer is nobody's.
    assert.equal((await command(daemon, 'coins', 'add', 'XRP/USDT')).code, 0)
    assert.equal((await command(daemon, 'coins', 'remove', 'XRP/USDT')).code, 0)
    await progress(daemon, 6)
    await assertContinuity(daemon)

    const logs = await command(daemon, 'logs', '--lines', '5')
    assert.equal(logs.code, 0)
    assert.equal(logs.out.trim().split('\n').length, 5)
    const followed = begin(daemon, 'logs', '--follow', '--json', '--lines', '1')
    await until('the log is followed', () => followed.said.out !== '')
    const stopped = await command(daemon, 'stop', '--json')
    assert.equal(stopped.code, 0, stopped.err)
    assert.deepEqual(JSON.parse(stopped.out), { stopped: true })
    assert.match((await followed.end).out, /stopping on SIGTERM/)
    assert.equal((await command(daemon, 'stop')).code, 3)
    assert.equal((await command(daemon, 'status')).code, 3)

    const next = await startDaemon(t, daemon.house)
    assert.deepEqual(await coinsOf(next), ['BTC/USDT', 'SOL/USDT'], 'as the operator left it')
    await progress(next, 6)
    await assertContinuity(next)
    assert.equal((await next.end('SIGTERM')).code, 0)
  })

  test('Ctrl-C ends a daemon that still waits for its exchange, and its database with it', async (t) => {
    const nowhere = `http://127.0.0.1:${await freePort()}`
    const market = `market: { source: binance, urls: { rest: "${nowhere}" } }`
    const at = house(t, `${market}\nfleet: { families: { linear: {} } }\napi: { port: 0 }\n`)
    const child = spawn(
      process.execPath,
      [cli, 'run', '--json', '--data', at.data, '--config', at.config],
      { stdio: ['ignore', 'pipe', 'ignore'] },
    )
    t.after(() => child.kill('SIGKILL'))
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk
    })
    await until('it looks for its market', () => said.includes('following BTC/USDT'), 30_000)
    const from = performance.now()
    const end = new Promise((resolve) => child.once('close', resolve))
    child.kill('SIGINT')
    assert.equal(await end, 0, said.slice(-2_000))
    assert.ok(performance.now() - from < 25_000)
    assert.match(said, /stopped before it had started/)
    assert.equal(existsSync(join(at.data, 'postgres', 'postmaster.pid')), false)
    assert.equal(existsSync(join(at.data, 'lock')), false)
  })

  test('a second Ctrl-C does not wait for the first, and the next start goes on from there', async (t) => {
    const daemon = await startDaemon(t, house(t))
    await progress(daemon, 6)
    const before = await seen(daemon)
    const sql = ownDatabase(daemon)
    t.after(() => sql.end())
    await sql.begin(async (tx) => {
      await tx`lock table prediction in access exclusive mode`
      await until('a write waits for that, and so would the end', async () => {
        const waiting =
          await tx`select from pg_locks where relation = 'prediction'::regclass and not granted`
        return waiting.length > 0
      })
      daemon.process.kill('SIGINT')
      await until('it is stopping', () => daemon.output().includes('stopping on SIGINT'))
      daemon.process.kill('SIGINT')
      assert.equal(await daemon.ended, 130)
    })
    const next = await startDaemon(t, daemon.house)
    await progress(next, 6)
    assertKept(before, await seen(next))
    await assertContinuity(next)
    assert.equal((await next.end('SIGTERM')).code, 0)
  })

  test('an ordinary user runs two side by side, from a path with spaces; each is its own', {
    skip: process.getuid?.() === 0 ? false : 'all other tests run as an ordinary user then',
  }, async (t) => {
    const folder = join(temporaryFolder(), 'my data')
    mkdirSync(folder)
    t.after(() => rmSync(join(folder, '..'), { recursive: true, force: true, maxRetries: 20 }))
    const nobody = { uid: 65_534, gid: 65_534 }
    chownSync(folder, nobody.uid, nobody.gid)
    const config = join(folder, 'starling.yaml')
    writeFileSync(config, quickConfig)
    const houses = ['one', 'two'].map((name) => ({ data: join(folder, name), config }))
    const daemons = await Promise.all(
      houses.map((at, i) =>
        startDaemon(t, at, 60_000, { user: nobody, flags: ['--seed', String(i + 1)] }),
      ),
    )
    const [one, two] = daemons as [RunningDaemon, RunningDaemon]
    await Promise.all(daemons.map((daemon) => progress(daemon, 12)))
    assert.notEqual(one.address, two.address)
    for (const daemon of daemons) {
      await wellAgain(daemon)
      await assertContinuity(daemon)
      const asked = run(['status', '--json', '--data', daemon.house.data], { ...nobody, cwd: '/' })
      const { code, out, err } = await asked.end
      assert.equal(code, 0, err + out)
      assert.match(readFileSync(join(daemon.house.data, 'lock'), 'utf8'), /127\.0\.0\.1/)
    }
    const rowsOf = async (daemon: RunningDaemon): Promise<string> =>
      JSON.stringify([...(await seen(daemon))].filter(([key]) => key.includes('BTC')).slice(0, 5))
    assert.notEqual(await rowsOf(one), await rowsOf(two), 'two seeds, two markets')
    await Promise.all(daemons.map((daemon) => daemon.end('SIGINT')))
    for (const { process: gone } of daemons) assert.equal(gone.exitCode, 0)
  })
})
