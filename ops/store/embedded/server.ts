/**
 * The embedded PostgreSQL server: started or adopted, watched, and started again when it dies.
 *
 * absent → starting → ready → (died → waiting → starting …) → stopping → stopped. It runs in a session of its own, so a
 * Ctrl-C meant for the daemon does not reach it, and outlives a killed daemon; the next one adopts it. The last of those
 * who use it stops it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  openSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Fault } from '../../../streams/fault.ts'
import { isAlive, programOf } from '../process-identity.ts'
import { readIfThere } from '../read-if-there.ts'
import { findBinaries } from './binaries.ts'
import { draftOf, ensureCluster, serverSettings } from './cluster.ts'
import { type Placement, place, placed } from './placement.ts'
import { useServer } from './server-users.ts'

export type ServerEvent =
  | { readonly type: 'started' | 'adopted'; readonly pid: number; readonly ms: number }
  | { readonly type: 'died'; readonly pid: number }
  | { readonly type: 'waiting'; readonly delayMs: number; readonly cause: string }

export interface Server {
  /** The socket's file; it stays the same across restarts. */
  readonly socket: string
  readonly pid: () => number | undefined
  /** Ends it in order, connections are cut and everything is on disk; or leaves it to the others who use it. */
  readonly stop: () => Promise<void>
}

/** Recovery after a crash replays up to `max_wal_size`; a disk that needs longer than this is not going to finish. */
const recoveryMsMax = 300_000
const readyPollMs = 10
const watchPollMs = 250
const delayMsMin = 200
const delayMsMax = 30_000
/** A fast shutdown writes a checkpoint; past this it is told to stop without one, and recovers at the next start. */
const stopMsMax = 12_000
const logBytesMax = 8 * 1024 * 1024

export async function startServer(
  dataPath: string,
  tell: (event: ServerEvent) => void = () => {},
): Promise<Server> {
  const placement = place(dataPath, findBinaries())
  const user = useServer(dataPath)
  const watching = new AbortController()
  const { signal } = watching
  const raise = (): Promise<number> =>
    user.inTurn(async () => {
      ensureCluster(placement)
      return bringUp(placement, tell, signal)
    }, signal)
  let pid: number | undefined
  try {
    pid = await raise()
  } catch (error) {
    user.leave()
    throw error
  }
  const became = (next: number | undefined): void => {
    pid = next
  }
  void keepUp(raise, tell, signal, () => pid, became)
  return {
    socket: socketOf(placement),
    pid: () => pid,
    stop: async () => {
      watching.abort()
      const running = pid
      pid = undefined
      await user.inTurn(async () => {
        if (user.isAlone()) await end(placement, running)
        user.leave()
      })
    },
  }
}

/**
 * Takes a data directory away with what belongs to it, wherever that lies: the server that runs on it, its cluster and
 * the folder of its socket. For data that nobody wants any more: the server is given no time to put it in order.
 */
export async function removeDataDirectory(dataPath: string): Promise<void> {
  if (!existsSync(dataPath)) return
  const path = realpathSync(dataPath)
  const { cluster, socketFolder } = placed(path)
  const running = readPostmaster({ cluster })
  if (running) await stopPostmaster(running.pid, ['SIGQUIT', 'SIGKILL'])
  // What was just ended may write its last while its folders are read.
  for (const it of [socketFolder, cluster, draftOf(cluster), path])
    rmSync(it, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
}

async function end(placement: Placement, pid: number | undefined): Promise<void> {
  // Another user of it may have started it again since.
  const running = readPostmaster(placement)?.pid ?? pid
  if (running !== undefined) await stopPostmaster(running)
  if (placement.socketFolder !== placement.cluster)
    rmSync(placement.socketFolder, { recursive: true, force: true })
}

/** Watches for its end and starts it again, later after each failure. Settles when the watching is called off. */
async function keepUp(
  raise: () => Promise<number>,
  tell: (event: ServerEvent) => void,
  signal: AbortSignal,
  running: () => number | undefined,
  became: (pid: number | undefined) => void,
): Promise<void> {
  let delayMs = delayMsMin
  const wait = (ms: number): Promise<unknown> =>
    pause(ms, undefined, { signal, ref: false }).catch(() => undefined)
  while (!signal.aborted) {
    const pid = running()
    if (pid !== undefined && isPostmaster(pid)) {
      await wait(watchPollMs)
      continue
    }
    if (pid !== undefined) {
      tell({ type: 'died', pid })
      became(undefined)
    }
    try {
      const next = await raise()
      if (signal.aborted) return
      became(next)
      delayMs = delayMsMin
    } catch (error) {
      if (signal.aborted) return
      tell({ type: 'waiting', delayMs, cause: (error as Error).message })
      await wait(delayMs)
      delayMs = Math.min(2 * delayMs, delayMsMax)
    }
  }
}

/** The pid of a server that accepts connections. */
async function bringUp(
  placement: Placement,
  tell: (event: ServerEvent) => void,
  signal: AbortSignal,
): Promise<number> {
  const began = performance.now()
  const found = readPostmaster(placement)
  if (found && isPostmaster(found.pid)) {
    await becomeReady(placement, found.pid, signal)
    tell({ type: 'adopted', pid: found.pid, ms: performance.now() - began })
    return found.pid
  }
  // PostgreSQL takes a pid that is now another program's, or a zombie's, for a running server. Starts take turns, and
  // shared memory in use still stops it.
  if (found) {
    rmSync(postmasterFile(placement))
    rmSync(`${socketOf(placement)}.lock`, { force: true })
  }
  const child = spawnPostmaster(placement)
  const pid = child.pid
  if (pid === undefined) throw await spawnFault(placement, child)
  await becomeReady(placement, pid, signal)
  tell({ type: 'started', pid, ms: performance.now() - began })
  return pid
}

function spawnPostmaster(placement: Placement): ChildProcess {
  const { binaries, cluster, owner } = placement
  const logFile = logOf(placement)
  if (existsSync(logFile) && statSync(logFile).size > logBytesMax) truncateSync(logFile)
  const log = openSync(logFile, 'a', 0o600)
  try {
    const child = spawn(
      join(binaries.home, 'bin', 'postgres'),
      ['-D', cluster, ...serverSettings(placement)],
      {
        cwd: cluster,
        detached: true,
        stdio: ['ignore', log, log],
        env: { PATH: '/usr/bin:/bin', TZ: 'UTC' },
        ...(owner ? { uid: owner.uid, gid: owner.gid } : {}),
      },
    )
    child.unref()
    return child
  } finally {
    closeSync(log)
  }
}

function spawnFault(placement: Placement, child: ChildProcess): Promise<Fault> {
  return new Promise((resolve) =>
    child.once('error', (cause) =>
      resolve(
        new Fault(
          'store.start',
          `cannot run ${placement.binaries.home}/bin/postgres: ${cause.message}`,
          { cause },
        ),
      ),
    ),
  )
}

async function becomeReady(placement: Placement, pid: number, signal: AbortSignal): Promise<void> {
  const until = performance.now() + recoveryMsMax
  while (performance.now() < until) {
    const noted = readPostmaster(placement)
    // Before, whoever stops it now would not find it.
    if (noted?.pid === pid) signal.throwIfAborted()
    if (noted?.pid === pid && noted.status === 'ready' && (await answers(socketOf(placement))))
      return
    if (!isPostmaster(pid))
      throw new Fault('store.start', lastWords(placement), { retryable: true })
    await pause(readyPollMs)
  }
  throw new Fault('store.start', `PostgreSQL (process ${pid}) does not become ready`, {
    retryable: true,
  })
}

function answers(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(socket)
    probe.once('connect', () => {
      probe.destroy()
      resolve(true)
    })
    probe.once('error', () => resolve(false))
  })
}

/** SIGINT: fast shutdown; SIGQUIT: immediate. */
async function stopPostmaster(
  pid: number,
  signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGQUIT', 'SIGKILL'],
): Promise<void> {
  for (const signal of signals) {
    if (!isPostmaster(pid)) return
    process.kill(pid, signal)
    const until = performance.now() + stopMsMax
    while (performance.now() < until) {
      if (!isPostmaster(pid)) return
      await pause(readyPollMs)
    }
  }
}

interface PostmasterNote {
  readonly pid: number
  readonly status: string | undefined
}

/** Its lines are pid, folder, start, port, socket folder, addresses, shared memory, status; written step by step. */
function readPostmaster(placement: Pick<Placement, 'cluster'>): PostmasterNote | undefined {
  const lines = readIfThere(postmasterFile(placement))?.split('\n')
  const pid = Number(lines?.[0])
  return pid > 0 ? { pid, status: lines?.[7]?.trim() } : undefined
}

/** Another program may have got the number since. */
function isPostmaster(pid: number): boolean {
  return isAlive(pid) && programOf(pid) === 'postgres'
}

function lastWords(placement: Placement): string {
  const said = readFileSync(logOf(placement), 'utf8').trim().split('\n')
  const word = said.findLast((line) => /FATAL|PANIC/.test(line)) ?? said.at(-1) ?? 'nothing'
  return `PostgreSQL did not start; it said: ${word} (${logOf(placement)})`
}

function postmasterFile(placement: Pick<Placement, 'cluster'>): string {
  return join(placement.cluster, 'postmaster.pid')
}

function logOf(placement: Placement): string {
  return join(placement.cluster, 'server.log')
}

function socketOf(placement: Placement): string {
  return join(placement.socketFolder, '.s.PGSQL.5432')
}
