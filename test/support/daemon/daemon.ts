/**
 * The real daemon as a process of its own, in a data directory of its own, on a port that the system chooses. Whatever a
 * test leaves running is killed when the test ends, and only then its directory goes.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { lockHolder } from '../../../ops/store/data-directory.ts'
import { removeDataDirectory } from '../../../ops/store/embedded/server.ts'
import { isAlive } from '../../../ops/store/process-identity.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { until } from '../until.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
export const cli = join(root, 'ops', 'cli', 'main.ts')

/** Two coins, three small families, a tape that plays a candle each half second. */
export const quickConfig = `
market: { source: tape, historyDays: 3, tape: { speed: 120 } }
fleet: { families: { linear: {}, lightgbm: {}, volatility: { horizon: 60m } } }
api: { port: 0 }
`

/** A test, or whoever else ends what it began, one thing after the other. */
export interface Ends {
  readonly after: (end: () => void | Promise<void>) => void
}

export interface House {
  readonly data: string
  readonly config: string
}

export interface StartOptions {
  /** Modules that are loaded before the daemon's own. */
  readonly preload?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** Settle as soon as it has a port, whatever it waits for. */
  readonly early?: boolean
  /** Beside those that name house and configuration. */
  readonly flags?: readonly string[]
  /** Whom it runs as, instead of whom the test runs as. */
  readonly user?: { readonly uid: number; readonly gid: number }
}

/** One that answers, in whatever process it is. */
export interface DrivenDaemon {
  readonly house: House
  readonly address: string
  /** Rejects when it answers with an error, as it does while its database is away. */
  readonly get: <T = Record<string, unknown>>(path: string) => Promise<T>
  readonly post: (path: string, body?: object) => Promise<Response>
}

export interface RunningDaemon extends DrivenDaemon {
  readonly process: ChildProcess
  readonly pid: number
  /** What its start took until it was ready: how slow this machine is now. */
  readonly startMs: number
  /** All that it has written so far. */
  readonly output: () => string
  /** Its exit code, once it has ended and all that it wrote has been read. */
  readonly ended: Promise<number | null>
  /** Sends the signal and waits for its end. */
  readonly end: (
    signal: NodeJS.Signals,
  ) => Promise<{ readonly code: number | null; readonly ms: number }>
}

/** A data directory and a configuration, gone with the test and with whoever still works there. */
export function house(t: Ends, config = quickConfig): House {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const file = join(folder, 'starling.yaml')
  writeFileSync(file, config)
  t.after(async () => {
    await vacate(data)
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
  return { data, config: file }
}

/** Settles when it is ready: it answers, and every version is loaded. */
export async function startDaemon(
  t: Ends,
  at: House,
  readyMsMax = 60_000,
  { preload = [], env = {}, flags = [], user, early = false }: StartOptions = {},
): Promise<RunningDaemon> {
  const startedAt = performance.now()
  const imports = preload.flatMap((module) => ['--import', module])
  const child = spawn(
    process.execPath,
    [...imports, cli, 'run', '--json', '--data', at.data, '--config', at.config, ...flags],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env }, ...user },
  )
  let written = ''
  child.stdout.on('data', (chunk: Buffer) => {
    written += chunk
  })
  child.stderr.on('data', (chunk: Buffer) => {
    written += chunk
  })
  t.after(() => void child.kill('SIGKILL'))
  // Not at its exit: what it wrote last may be read only afterwards.
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  const whyEnded = (): string | undefined =>
    child.exitCode === null
      ? undefined
      : `the daemon ended with ${child.exitCode}:\n${written.slice(-4_000)}`
  const failed = (error: Error): never => {
    throw new Error(`${error.message}; it wrote:\n${written.slice(-4_000)}`)
  }
  const address = await until(
    'the daemon has an address',
    () => {
      const why = whyEnded()
      if (why !== undefined) throw new Error(why)
      return addressOf(at.data, child.pid as number)
    },
    readyMsMax,
  ).catch(failed)
  const isReady = async (): Promise<boolean> =>
    (await fetch(`${address}/health/ready`, { headers: asked })).ok
  if (!early) await until('the daemon is ready', isReady, readyMsMax).catch(failed)
  return {
    ...drive(at, address),
    process: child,
    pid: child.pid as number,
    startMs: performance.now() - startedAt,
    output: () => written,
    ended,
    end: async (signal) => {
      const from = performance.now()
      child.kill(signal)
      return { code: await ended, ms: performance.now() - from }
    },
  }
}

/**
 * A connection for each question: one that is kept may be closed by the daemon while a command holds up the test's own
 * process, which then asks on it in vain.
 */
export const asked = { connection: 'close' }

/** With the right to write. */
export function drive(house: House, address: string): DrivenDaemon {
  return {
    house,
    address,
    get: async <T>(path: string) => {
      const response = await fetch(address + path, { headers: asked })
      if (!response.ok)
        throw new Error(`${path} answers ${response.status}: ${await response.text()}`)
      return (await response.json()) as T
    },
    post: (path, body = {}) =>
      fetch(address + path, {
        method: 'POST',
        headers: {
          ...asked,
          authorization: `Bearer ${readFileSync(join(house.data, 'token'), 'utf8').trim()}`,
          'content-type': 'application/json',
        },
        body: JSON.stringify(body),
      }),
  }
}

/** What is done in 30 s where a start takes ten or less, and elsewhere as much later as that is slower. */
export function halfMinute({ startMs }: Pick<RunningDaemon, 'startMs'>): number {
  return 20_000 + Math.max(10_000, startMs)
}

/** A command of the command line, to its end. */
export function starling(...args: readonly string[]): {
  readonly code: number | null
  readonly out: string
  readonly err: string
} {
  const run = spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', timeout: 120_000 })
  return { code: run.status, out: run.stdout, err: run.stderr }
}

/** The audit holds: what every system test ends with. */
export async function assertContinuity(daemon: DrivenDaemon): Promise<void> {
  const audit = await daemon.get<{ unexplained: number; duplicates: number; lanes: unknown[] }>(
    '/api/v1/continuity',
  )
  if (audit.unexplained === 0 && audit.duplicates === 0 && audit.lanes.length > 0) return
  throw new Error(`continuity does not hold: ${JSON.stringify(audit, null, 1)}`)
}

function addressOf(data: string, pid: number): string | undefined {
  const holder = lockHolder({ path: data })
  return holder?.pid === pid ? (holder.address ?? undefined) : undefined
}

/** The daemon first: it would start its database again. A killed one leaves that running for the next one to adopt. */
async function vacate(data: string): Promise<void> {
  const daemon = lockHolder({ path: data })?.pid
  if (daemon !== undefined && daemon !== process.pid) await gone(daemon)
  await removeDataDirectory(data)
}

async function gone(pid: number): Promise<void> {
  // It may end by itself just now, which is no error here.
  spawnSync('kill', ['-s', 'KILL', String(pid)])
  await until(`process ${pid} has ended`, () => !isAlive(pid))
}
