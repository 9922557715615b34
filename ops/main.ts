/**
 * The daemon as a process: loads the configuration, takes the data directory, starts, shows one calm line, and ends on
 * Ctrl-C with nothing unflushed; a second Ctrl-C ends it at once. Exits non-zero when it could not go on, to be started
 * again from outside; a start that was refused leaves no data directory that it made.
 */
import { existsSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { Fault } from '../streams/fault.ts'
import { type Millis, wallClock } from '../streams/time.ts'
import type { Config } from './config/schema.ts'
import { type Daemon, startDaemon } from './daemon/daemon.ts'
import { interruptedCode } from './daemon/interrupted.ts'
import { lockDataDirectory, openDataDirectory, takeBackDirectory } from './store/data-directory.ts'
import { createLog } from './telemetry/log.ts'
import { openLogFile } from './telemetry/log-file.ts'
import { type StatusLine, startStatusLine } from './telemetry/status-line.ts'
import type { Output } from './telemetry/terminal.ts'

export interface RunOptions {
  readonly config: Config
  readonly dataPath: string
  readonly version: string
  /** Log lines in the place of the status line. */
  readonly json: boolean
  readonly out: Output
}

const exitFailed = 1
/** Five seconds less than the 30 s after which container engines and systemd kill. */
const stopMsMax: Millis = 25_000

/** Settles with the exit code when the daemon has ended. */
export async function runDaemon(options: RunOptions): Promise<number> {
  const { config, out } = options
  const isNew = !existsSync(options.dataPath)
  const directory = openDataDirectory(options.dataPath)
  const lock = lockDataDirectory(directory)
  const limits = { bytesMax: 64 * 1024 * 1024, filesMax: 20, keepMs: config.store.keep.logs }
  const now = (): number => wallClock.now()
  const file = openLogFile(join(directory.path, 'log'), limits, now)
  const log = createLog((line) => {
    file.write(line)
    if (options.json) out.write(`${line}\n`)
  }, now)
  const shown: Shown = {}
  const say = (text: string): void => {
    log.say('info', 'daemon.says', { text })
    if (shown.line) shown.line.say(text)
    else if (!options.json) out.write(`${text}\n`)
  }
  const interrupts = listenForSignals()
  try {
    const starting = startDaemon({
      config,
      directory,
      lock,
      clock: wallClock,
      random: Math.random,
      cores: cpus().length,
      log,
      say,
      version: options.version,
      interrupted: interrupts.first,
    })
    const daemon = await starting
    say(
      `starling ${options.version}: ${daemon.market.mode} market, look at ${daemon.address}/api/v1/status`,
    )
    return await live(daemon, options, interrupts, say, shown)
  } catch (error) {
    if (!(error instanceof Fault) || error.code !== interruptedCode) throw error
    say('stopped before it had started, everything is on disk')
    return 0
  } finally {
    log.close()
    file.close()
    if (isNew) takeBackDirectory(directory)
    lock.release()
  }
}

/** While there is a status line, what is said stands above it. */
interface Shown {
  line?: StatusLine
}

async function live(
  daemon: Daemon,
  options: RunOptions,
  interrupts: Interrupts,
  say: (text: string) => void,
  shown: Shown,
): Promise<number> {
  if (!options.json) shown.line = startStatusLine(daemon.vitals, options.out, wallClock)
  const why = await Promise.race([
    interrupts.first.then((signal) => ({ code: 0, text: `stopping on ${signal}` })),
    daemon.failed.then((reason) => ({ code: exitFailed, text: `cannot go on: ${reason}` })),
  ])
  shown.line?.stop()
  delete shown.line
  say(why.text)
  const { killed } = await daemon.stop(stopMsMax - 3_000)
  say(
    killed.length === 0
      ? 'stopped, everything is on disk'
      : `stopped; had to end ${killed.join(', ')}`,
  )
  return why.code
}

interface Interrupts {
  readonly first: Promise<string>
}

/** The second signal does not wait for anything. */
function listenForSignals(): Interrupts {
  const first = Promise.withResolvers<string>()
  let asked = false
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (asked) process.exit(signal === 'SIGINT' ? 130 : 143)
      asked = true
      first.resolve(signal)
    })
  }
  return { first: first.promise }
}
