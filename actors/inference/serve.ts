/**
 * The loop inside an inference child: takes commands one at a time, in order, and answers each. A bundle that takes long is
 * answered in pieces, so that its first rows need not wait for its last, and so that it shows which run a process was at
 * when it died.
 */
import assert, { AssertionError } from 'node:assert/strict'
import { Fault } from '../../streams/fault.ts'
import type { RunResult, WireAnswer, WireCommand } from './wire.ts'

/** What it needs of a session. */
export interface Opened {
  readonly inputWidth: number
  readonly run: (inputs: Float32Array, rows: number) => Promise<Float32Array>
  readonly release: () => Promise<void>
}

export type Open = (folder: string, sha256: string) => Promise<Opened>

type Artifact = Pick<Extract<WireCommand, { type: 'open' }>, 'folder' | 'sha256'>
type RunCommand = Extract<WireCommand, { type: 'run' }>

/** Longer than most bundles take, so that they are answered in one piece. */
const pieceMs = 5
/** Asking the system how large the process is costs 20 µs, so it is not asked for every bundle. */
const rssEveryMs = 200

/** Spent on the rows of a run that failed, each by itself: no deadline is near then. */
const apartMsMax = 1_000

/** What it needs of its process. */
export type Host = Pick<NodeJS.Process, 'pid' | 'send' | 'kill'> & {
  readonly memoryUsage: { readonly rss: () => number }
  readonly on: (event: string, hear: (message: WireCommand) => void) => unknown
}

export function serveInference(host: Host, open: Open, rssSoftMax: number): void {
  const known = new Map<number, Artifact>()
  const widths = new Map<number, number>()
  /** Least recently used first. */
  const sessions = new Map<number, Opened>()
  const waiting: WireCommand[] = []
  let busy = false
  let rss = 0
  let rssAt = -Infinity

  const send = (answer: WireAnswer): void => void host.send?.(answer)
  const size = (): number => {
    const now = performance.now()
    if (now - rssAt > rssEveryMs) {
      rss = host.memoryUsage.rss()
      rssAt = now
    }
    return rss
  }

  // The terminal sends these to the whole group; the daemon drains first, and this process leaves with it.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) host.on(signal, () => undefined)
  host.on('disconnect', () => host.kill(host.pid, 'SIGKILL'))
  host.on('message', (command: WireCommand) => {
    waiting.push(command)
    if (!busy) void work()
  })
  send({ type: 'ready', rss: size() })

  async function work(): Promise<void> {
    busy = true
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) await obey(next)
    busy = false
  }

  async function obey(command: WireCommand): Promise<void> {
    switch (command.type) {
      case 'open':
        return openModel(command)
      case 'close':
        known.delete(command.model)
        widths.delete(command.model)
        return close(command.model)
      case 'run':
        return runBundle(command)
    }
  }

  async function openModel(command: Extract<WireCommand, { type: 'open' }>): Promise<void> {
    const { bundle, model } = command
    try {
      known.set(model, command)
      await close(model)
      await use(model)
      send({ type: 'opened', bundle, rss: size() })
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      known.delete(model)
      send({ type: 'refused', bundle, code: error.code, reason: error.message, rss: size() })
    }
  }

  /** Its session, opened anew where memory had become short. */
  async function use(model: number): Promise<Opened> {
    const before = sessions.get(model)
    if (before !== undefined) {
      sessions.delete(model)
      sessions.set(model, before)
      return before
    }
    const artifact = known.get(model)
    assert(artifact !== undefined, 'the pool gives runs only to where their model was opened')
    for (const [oldest] of sessions) {
      if (host.memoryUsage.rss() <= rssSoftMax) break
      await close(oldest)
    }
    const session = await open(artifact.folder, artifact.sha256)
    sessions.set(model, session)
    widths.set(model, session.inputWidth)
    return session
  }

  async function close(model: number): Promise<void> {
    const session = sessions.get(model)
    sessions.delete(model)
    await session?.release()
  }

  async function runBundle({ bundle, runs, inputs, starts }: RunCommand): Promise<void> {
    let results: RunResult[] = []
    let parts: Float32Array[] = []
    let sentAt = performance.now()
    let offset = 0
    let row = 0
    const flush = (): void => {
      send({ type: 'ran', bundle, results, outputs: joined(parts), rss: size() })
      results = []
      parts = []
      sentAt = performance.now()
    }
    for (const [at, { model, rows }] of runs.entries()) {
      const width = widths.get(model) ?? 0
      const numbers = starts
        ? cut(inputs, starts.subarray(row, row + rows), width)
        : inputs.subarray(offset, offset + rows * width)
      const { result, outputs } = await runOne(() => use(model), numbers, rows)
      offset += rows * width
      row += rows
      results.push(result)
      if (outputs !== undefined) parts.push(outputs)
      if (at === runs.length - 1 || performance.now() - sentAt > pieceMs) flush()
    }
  }
}

/** Rows that overlap, one after the other as the graph wants them. */
function cut(inputs: Float32Array, starts: Uint32Array, width: number): Float32Array {
  const [only] = starts
  if (starts.length === 1 && only !== undefined) return inputs.subarray(only, only + width)
  const rows = new Float32Array(starts.length * width)
  starts.forEach((start, row) => {
    rows.set(inputs.subarray(start, start + width), row * width)
  })
  return rows
}

async function runOne(
  use: () => Promise<Opened>,
  inputs: Float32Array,
  rows: number,
): Promise<{ readonly result: RunResult; readonly outputs?: Float32Array }> {
  const startedAt = performance.now()
  let outputs: Float32Array
  try {
    const session = await use()
    outputs = await session.run(inputs, rows).catch((error) => apart(session, inputs, rows, error))
  } catch (error) {
    if (error instanceof AssertionError) throw error
    // The runtime throws plain errors with its own words. And where a session had been let go of, its artifact may be gone since.
    return { result: { type: 'failed', reason: String(error).slice(0, 300) } }
  }
  const ms = performance.now() - startedAt
  const width = outputs.length / rows
  return { result: { type: 'done', width, ms }, outputs }
}

/** One row can make a graph fail, and its neighbours be well: those that are not, or have no time left, are NaN. */
async function apart(
  session: Opened,
  inputs: Float32Array,
  rows: number,
  error: unknown,
): Promise<Float32Array> {
  if (error instanceof AssertionError || rows === 1) throw error
  const until = performance.now() + apartMsMax
  const width = inputs.length / rows
  const answers: (Float32Array | undefined)[] = []
  for (let row = 0; row < rows && performance.now() < until; row++) {
    const numbers = inputs.subarray(row * width, (row + 1) * width)
    answers[row] = await session.run(numbers, 1).catch((again) => {
      if (again instanceof AssertionError) throw again
      return undefined
    })
  }
  const well = answers.find((answer) => answer !== undefined)
  // None at all is the graph's fault.
  if (well === undefined) throw error
  const outputs = new Float32Array(rows * well.length).fill(Number.NaN)
  answers.forEach((answer, row) => {
    if (answer !== undefined) outputs.set(answer, row * well.length)
  })
  return outputs
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const [first] = parts
  if (parts.length === 1 && first !== undefined) return first
  const all = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0))
  let offset = 0
  for (const part of parts) {
    all.set(part, offset)
    offset += part.length
  }
  return all
}
