/**
 * Somebody else's PostgreSQL for a test: on a TCP port, with a password, made from the programs in a folder, gone with the
 * test.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { freePort } from '../../support/free-port.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { until } from '../../support/until.ts'

export interface OtherServer {
  readonly url: string
  readonly version: string
}

/** PostgreSQL does not run as root; then it runs as nobody. */
const nobody = { uid: 65_534, gid: 65_534 }

export async function startPostgres(t: TestContext, bin: string): Promise<OtherServer> {
  const folder = temporaryFolder()
  const cluster = join(folder, 'cluster')
  const password = join(folder, 'password')
  const owner = process.getuid?.() === 0 ? nobody : undefined
  mkdirSync(cluster, { mode: 0o700 })
  writeFileSync(password, 'sesame')
  if (owner) for (const path of [cluster, folder]) chownSync(path, owner.uid, owner.gid)
  const options = { cwd: folder, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' }, ...owner }
  const auth = ['--auth=scram-sha-256', `--pwfile=${password}`]
  const made = spawnSync(
    join(bin, 'initdb'),
    ['-D', cluster, '-U', 'owner', '-E', 'UTF8', '--no-sync', ...auth],
    { ...options, encoding: 'utf8' },
  )
  let server: ChildProcess | undefined
  t.after(async () => {
    if (server !== undefined && server.exitCode === null) {
      const gone = new Promise((resolve) => server?.once('exit', resolve))
      server.kill('SIGQUIT')
      await gone
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
  if (made.status !== 0) throw new Error(`initdb failed: ${made.error ?? made.stderr}`)
  const port = await freePort()
  const settings = [`listen_addresses=127.0.0.1`, `port=${port}`, `unix_socket_directories=`]
  server = spawn(
    join(bin, 'postgres'),
    ['-D', cluster, ...settings.flatMap((setting) => ['-c', setting])],
    { ...options, stdio: ['ignore', 'ignore', 'ignore'] },
  )
  await until('PostgreSQL accepts connections', () => accepts(port), 30_000)
  return {
    url: `postgres://owner:sesame@127.0.0.1:${port}/postgres`,
    version: readFileSync(join(cluster, 'PG_VERSION'), 'utf8').trim(),
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(port, '127.0.0.1')
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}
