/** The daemon itself: start it, ask how it is, read its log, end it. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../../streams/fault.ts'
import { type Millis, wait } from '../../../streams/time.ts'
import type { StatusBody } from '../../api/routes/status.ts'
import { logFileName } from '../../telemetry/log-file.ts'
import { type Call, type Command, setting, wholeNumber } from '../command.ts'
import { exitCodes } from '../exit.ts'
import { requireDaemon, requireSource } from '../market.ts'
import { listing, minute } from '../table.ts'

const run: Command = {
  name: 'run',
  usage: '[--source S] [--seed N] [--speed X] [--port P]',
  summary: 'the daemon, in the foreground, until Ctrl-C',
  options: {
    seed: { type: 'string', what: "of the tape's generated market" },
    speed: { type: 'string', what: 'market seconds that the tape plays in one second' },
    port: { type: 'string', what: 'for the API, 0 lets the system choose' },
  },
  run: (call) => {
    const { config } = call.config([
      ...setting(call, 'seed', ['market', 'tape', 'seed']),
      ...setting(call, 'speed', ['market', 'tape', 'speed']),
      ...setting(call, 'port', ['api', 'port']),
    ])
    return call.world.daemon.run({ config, dataPath: call.dataPath, json: call.json })
  },
}

const status: Command = {
  name: 'status',
  summary: 'is it well; exit 1 while it is degraded',
  run: async (call) => {
    const daemon = requireDaemon(call.world, call.dataPath)
    const body = (await daemon.get('/api/v1/status')) as StatusBody
    requireSource(call.text('source') ?? 'auto', body)
    call.print(body, () => statusText(body, daemon.holder.address ?? ''))
    return body.health === 'degraded' ? exitCodes.failed : exitCodes.done
  },
}

function statusText(body: StatusBody, address: string): string {
  const { continuity } = body
  return listing([
    ['health', [body.health, ...body.degraded].join('; ')],
    ['market', `${body.mode} ${body.source}: ${body.reason}`],
    ['address', address],
    ['version', body.version],
    ['started', minute(body.startedAt)],
    ['first prediction', minute(body.firstPredictionAt)],
    ['coins', body.coins],
    ['lanes', body.lanes],
    ['models', body.models],
    ['predictions', body.predictions],
    ['gaps', `${body.gaps.open} open, ${body.gaps.unhealable} for good`],
    ['holes', continuity.holes],
    ['unexplained', continuity.unexplained],
    ['duplicates', continuity.duplicates],
  ])
}

/** The daemon has 25 seconds to flush everything; a little more before we stop believing in it. */
const stopMsMax: Millis = 30_000
const lookEveryMs: Millis = 100

const stop: Command = {
  name: 'stop',
  summary: 'end the running daemon, with nothing unflushed',
  run: async (call) => {
    const { world, dataPath } = call
    const holder = world.holder(dataPath)
    if (!holder) throw new Fault('daemon.absent', `no daemon is running on ${dataPath}`)
    world.terminate(holder.pid)
    const until = world.clock.now() + stopMsMax
    while (world.holder(dataPath)?.pid === holder.pid) {
      if (world.clock.now() >= until) {
        throw new Fault(
          'daemon.timeout',
          `process ${holder.pid} is still there after ${stopMsMax / 1000} s`,
        )
      }
      await wait(world.clock, lookEveryMs)
    }
    call.print({ stopped: true }, () => 'stopped')
    return exitCodes.done
  },
}

const linesDefault = 200

const logs: Command = {
  name: 'logs',
  usage: '[--follow] [--lines N]',
  summary: "the daemon's log",
  options: {
    follow: { type: 'boolean', what: 'go on as it grows, while the daemon runs' },
    lines: { type: 'string', what: `how many of the newest, ${linesDefault} by itself` },
  },
  run: async (call) => {
    const lines = wholeNumber(logs, call, 'lines') ?? linesDefault
    const path = join(call.dataPath, 'log', logFileName)
    if (!existsSync(path)) throw new Fault('daemon.absent', `there is no log in ${call.dataPath}`)
    let at = tail(call, path, lines)
    while (call.flag('follow') && call.world.holder(call.dataPath)) {
      await wait(call.world.clock, lookEveryMs)
      at = copyFrom(call, path, at)
    }
    return exitCodes.done
  },
}

/** What the newest lines are looked for in: some 200 bytes a line. */
const tailBytesMax = 4 * 1024 * 1024

/** Returns where the file ended. */
function tail(call: Call, path: string, count: number): number {
  const { text, end } = read(path, (size) => Math.max(0, size - tailBytesMax))
  const lines = text.split('\n').filter(Boolean)
  for (const line of count === 0 ? [] : lines.slice(-count)) show(call, line)
  return end
}

/** A file shorter than before was begun anew. */
function copyFrom(call: Call, path: string, at: number): number {
  const { text, end } = read(path, (size) => (size < at ? 0 : at))
  const whole = text.lastIndexOf('\n') + 1
  for (const line of text.slice(0, whole).split('\n').filter(Boolean)) show(call, line)
  return end - Buffer.byteLength(text.slice(whole))
}

function read(path: string, from: (size: number) => number): { text: string; end: number } {
  const file = openSync(path, 'r')
  try {
    const { size } = fstatSync(file)
    const start = from(size)
    const bytes = Buffer.alloc(size - start)
    const count = readSync(file, bytes, 0, bytes.length, start)
    return { text: bytes.subarray(0, count).toString(), end: start + count }
  } finally {
    closeSync(file)
  }
}

function show(call: Call, line: string): void {
  call.world.out.write(`${call.json ? line : logText(line)}\n`)
}

/** `12:00:01 warn gap.opened coin=BTC-USDT cause=silent`; what is null is not there. */
export function logText(line: string): string {
  if (!line.startsWith('{')) return line
  const { at, level, event, ...fields } = JSON.parse(line) as Readonly<Record<string, unknown>>
  const known = Object.entries(fields).filter(([, value]) => value !== null)
  const rest = known.map(([key, value]) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value)
    return `${key}=${/\s/.test(text) && typeof value === 'string' ? JSON.stringify(text) : text}`
  })
  return [String(at).slice(11, 19), String(level).padEnd(5), event, ...rest].join(' ')
}

export const daemonCommands: readonly Command[] = [run, status, stop, logs]
