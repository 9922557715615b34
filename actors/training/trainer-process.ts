/**
 * One trainer at work, in a process of its own at low priority, watched from outside: what it tells is bounded, its
 * silence, its memory and its time are limited, and whatever way it ends has a name. It ends when we do: its standard
 * input is held open for as long as somebody waits for it.
 */
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { type TrainerEvent, trainerEvent } from '../../models/training/events.ts'
import { politely } from '../../models/training/politely.ts'
import { parseTrained, type Trained, type TrainRequest } from '../../models/training/request.ts'
import { Fault } from '../../streams/fault.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import { residentBytes } from '../inference/memory.ts'
import { stopwatch } from './stopwatch.ts'

export interface TrainerCommand {
  readonly command: string
  /** Before the request's path. */
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
}

export interface TrainerLimits {
  readonly clock: Clock
  /** Without a line for so long it counts as hung. */
  readonly silenceMs: Millis
  readonly limitMs: Millis
  readonly memoryBytes: number
  readonly signal: AbortSignal
}

export interface TrainerEars {
  readonly event: (event: TrainerEvent) => void
  /** A line for the log: what it wrote to stderr, or to stdout without being an event. */
  readonly log: (line: string) => void
}

type Child = ChildProcessByStdio<Writable, Readable, Readable>

const lookMs: Millis = 500
const lineMax = 8_192
/** After this it is not asked any longer. */
const leaveMs: Millis = 3_000

/**
 * Settles when the process has ended. Refuses with what the trainer says of itself (`data.…`, `model.…`), or with
 * `trainer.crashed`, `.hung`, `.too_large`, `.timeout`, `.cancelled`, `.half_artifact`.
 */
export async function runTrainer(
  request: TrainRequest,
  requestPath: string,
  by: TrainerCommand,
  limits: TrainerLimits,
  ears: TrainerEars,
): Promise<Trained> {
  if (limits.signal.aborted) throw cancelled()
  const { command, args, detached } = politely(by.command, [...by.args, requestPath])
  const child = spawn(command, args, {
    detached,
    stdio: ['pipe', 'pipe', 'pipe'],
    env: by.env,
  })
  const ended = await watch(child, limits, ears)
  if (ended !== undefined) throw ended
  return readWork(request.out)
}

/** Undefined where it said that it was done and ended so. */
function watch(
  child: Child,
  { clock, silenceMs, limitMs, memoryBytes, signal }: TrainerLimits,
  ears: TrainerEars,
): Promise<Fault | undefined> {
  const { promise, resolve } = Promise.withResolvers<Fault | undefined>()
  let fault: Fault | undefined
  let isDone = false
  const passed = stopwatch(clock, lookMs)
  let workedMs: Millis = 0
  let silentMs: Millis = 0
  const tail: string[] = []

  const end = (why: Fault): void => {
    if (fault !== undefined) return
    fault = why
    child.kill('SIGTERM')
    kill = clock.schedule(() => child.kill('SIGKILL'), leaveMs)
  }
  let kill: { unsubscribe(): void } | undefined
  const cancel = (): void => end(cancelled())
  const look = clock.schedule(function (this) {
    const ms = passed()
    workedMs += ms
    silentMs += ms
    if (workedMs > limitMs)
      end(new Fault('trainer.timeout', `it took more than ${limitMs / 1000} s`))
    else if (silentMs > silenceMs)
      end(
        new Fault('trainer.hung', `it said nothing for ${silenceMs / 1000} s`, { retryable: true }),
      )
    void residentBytes(child.pid ?? 0, process.platform).then((bytes) => {
      if (bytes !== undefined && bytes > memoryBytes)
        end(new Fault('trainer.too_large', `it grew past ${memoryBytes / 2 ** 20} MiB`))
    })
    this.schedule(undefined, lookMs)
  }, lookMs)

  const hear = (line: string): void => {
    silentMs = 0
    const event = readEvent(line)
    if (event === undefined) ears.log(line)
    else ears.event(event)
    if (event?.type === 'done') isDone = true
    if (event?.type === 'failed')
      // Of all that it may say only a full disk passes by itself.
      fault ??= new Fault(event.code as Fault['code'], event.message, {
        retryable: event.code === 'disk.full',
      })
  }
  lines(child.stdout, hear)
  lines(child.stderr, (line) => {
    tail.push(line)
    if (tail.length > 5) tail.shift()
    ears.log(line)
  })
  signal.addEventListener('abort', cancel)
  // It may have ended before it read anything; its exit says so.
  child.stdin.on('error', () => {})
  child.on('error', (cause) => {
    fault ??= new Fault('trainer.crashed', `the trainer could not be started: ${cause.message}`, {
      cause,
    })
    settle()
  })
  child.on('close', (code, by) => {
    if (fault === undefined && !(isDone && code === 0)) {
      const how = by === null ? `ended with ${code}` : `was killed by ${by}`
      const last = tail.length > 0 ? `: ${tail.join(' | ').slice(-1_000)}` : ''
      fault = new Fault('trainer.crashed', `the trainer ${how}${last}`, { retryable: true })
    }
    settle()
  })
  const settle = (): void => {
    look.unsubscribe()
    kill?.unsubscribe()
    signal.removeEventListener('abort', cancel)
    resolve(fault)
  }
  return promise
}

function readEvent(line: string): TrainerEvent | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    const parsed = trainerEvent.safeParse(JSON.parse(line))
    return parsed.success ? parsed.data : undefined
  } catch {
    // A line that merely begins like one: it goes to the log.
    return undefined
  }
}

/** Lines of bounded length; what is longer is cut. */
function lines(from: Readable, take: (line: string) => void): void {
  let rest = ''
  from.setEncoding('utf8')
  from.on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = (parts.pop() as string).slice(0, lineMax)
    for (const part of parts) if (part !== '') take(part.slice(0, lineMax))
  })
  from.on('end', () => {
    if (rest !== '') take(rest)
  })
}

async function readWork(out: string): Promise<Trained> {
  const read = async (name: string): Promise<Uint8Array> => {
    const bytes = await readFile(join(out, name)).catch((cause: unknown) => {
      throw new Fault('trainer.half_artifact', `the trainer left no ${name}`, { cause })
    })
    if (bytes.length === 0) throw new Fault('trainer.half_artifact', `${name} is empty`)
    return bytes
  }
  await read('model.onnx')
  await read('golden.json')
  return parseTrained(await read('trained.json'))
}

function cancelled(): Fault {
  return new Fault('trainer.cancelled', 'it was cancelled')
}
