/** What `doctor` looks at on this machine, one question each; a test answers them itself. */
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statfsSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { connect, createServer } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import type { Millis } from '../../streams/time.ts'
import { whyUnwritable } from '../store/data-directory.ts'
import { findBinaries } from '../store/embedded/binaries.ts'

export interface Probes {
  readonly nodeVersion: string
  /** The packages that are wanted and not there. */
  readonly missingPackages: () => readonly string[]
  readonly canListen: (host: string, port: number) => Promise<boolean>
  /** Of the nearest folder above that exists. */
  readonly freeBytes: (path: string) => number
  /** Why a file cannot be made there; undefined where it can. */
  readonly cannotWrite: (path: string) => string | undefined
  /** Why our own PostgreSQL cannot run on a data directory; its version where it can. */
  readonly ownDatabase: (path: string) => { readonly version: string } | { readonly why: string }
  /** The first line that a program prints about its version; undefined where there is none. */
  readonly versionOf: (program: string) => string | undefined
  readonly canConnect: (host: string, port: number) => Promise<boolean>
  /** The server's `Date` header as an instant; undefined where it does not answer. */
  readonly dateAt: (url: string) => Promise<Millis | undefined>
  readonly now: () => Millis
}

const patienceMs: Millis = 3000

export function realProbes(
  root: string,
  dependencies: readonly string[],
  now: () => Millis,
  ask: typeof fetch,
): Probes {
  const require = createRequire(join(root, 'package.json'))
  return {
    nodeVersion: process.versions.node,
    missingPackages: () =>
      dependencies.filter(
        (name) => !(require.resolve.paths(name) ?? []).some((path) => existsSync(join(path, name))),
      ),
    canListen,
    freeBytes: (path) => {
      const disk = statfsSync(existing(path))
      return disk.bavail * disk.bsize
    },
    cannotWrite,
    ownDatabase,
    versionOf: (program) => {
      const asked = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: patienceMs })
      return asked.status === 0 ? (asked.stdout || asked.stderr).trim().split('\n')[0] : undefined
    },
    canConnect,
    dateAt: async (url) => {
      const signal = AbortSignal.timeout(patienceMs)
      const answer = await ask(url, { method: 'HEAD', signal }).catch(() => undefined)
      const date = Date.parse(answer?.headers.get('date') ?? '')
      return Number.isNaN(date) ? undefined : date
    },
    now,
  }
}

function existing(path: string): string {
  const whole = resolve(path)
  return existsSync(whole) ? whole : existing(dirname(whole))
}

function cannotWrite(path: string): string | undefined {
  try {
    const found = existing(path)
    if (!statSync(found).isDirectory()) return `${found} is a file`
    const folder = mkdtempSync(join(found, '.doctor-'))
    writeFileSync(join(folder, 'probe'), 'x')
    rmSync(folder, { recursive: true })
    return undefined
  } catch (error) {
    return whyUnwritable(error)
  }
}

function ownDatabase(path: string): { version: string } | { why: string } {
  try {
    const { version: packed, major } = findBinaries()
    // The package counts its own builds behind PostgreSQL's number: 18.4.0-beta.17.
    const version = packed.split('.').slice(0, 2).join('.')
    const mark = join(path, 'postgres', 'PG_VERSION')
    const kept = existsSync(mark) ? Number(readFileSync(mark, 'utf8').trim()) : major
    return kept === major
      ? { version }
      : { why: `the data is of PostgreSQL ${kept}, this is ${version}` }
  } catch (error) {
    return { why: (error as Error).message }
  }
}

function canListen(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, host, () => server.close(() => resolve(true)))
  })
}

function canConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: patienceMs })
    const end = (reached: boolean) => () => {
      socket.destroy()
      resolve(reached)
    }
    socket.once('connect', end(true))
    socket.once('error', end(false))
    socket.once('timeout', end(false))
  })
}
