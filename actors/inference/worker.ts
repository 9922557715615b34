/**
 * One inference child as an actor: forks the process, passes bundles to it and answers back, and ends with it. A process that
 * does not answer for longer than its deadline, or grows past its limit, is killed; the supervisor starts a new one. However
 * it ends, the pool is told once.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import type { ActorSpec, Address, Self } from '../protocol.ts'
import { residentBytes } from './memory.ts'
import type { ChildEnd, ChildNews, Give, WireAnswer, WireCommand } from './wire.ts'

export interface ChildOptions {
  /** From 0; the same for every life. */
  readonly child: number
  readonly pool: Address<ChildNews>
  /** The file that the process runs. */
  readonly entry: string
  /** How long one bundle may take. */
  readonly deadlineMs: Millis
  /** After so long without an answer, what waits behind is given to another. */
  readonly stalledMs: Millis
  /** How often it is looked at. */
  readonly checkMs: Millis
  readonly rssMax: number
  readonly platform: NodeJS.Platform
  readonly env: NodeJS.ProcessEnv
}

export const childDefaults: Pick<ChildOptions, 'deadlineMs' | 'stalledMs' | 'checkMs' | 'rssMax'> =
  { deadlineMs: 10_000, stalledMs: 500, checkMs: 250, rssMax: 1024 ** 3 }

export const childEntry = fileURLToPath(new URL('./child.ts', import.meta.url))

export type ChildMessage =
  | Give
  | { readonly type: 'heard'; readonly epoch: number; readonly answer: WireAnswer }
  | { readonly type: 'exited'; readonly epoch: number; readonly detail: string }
  | { readonly type: 'check' }
  | { readonly type: 'measured'; readonly rss: number | undefined }

/**
 * Many small models are more memory than caches hold, and are run one after the other: with huge pages, where the system
 * offers them, a run of a transformer costs a seventh less. Other C libraries than glibc do not know the variable.
 */
const hugePages = { GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1' }

/** From here on a child lets go of the sessions that it has not used for longest, so that only a fault takes it to its limit. */
const softShare = 0.75

interface State {
  readonly process: ChildProcess
  readonly epoch: number
  /** Bundles given and not fully answered: how many runs of each are left. */
  readonly underWay: Map<number, number>
  /** Since when it has owed an answer: the last one, or the first bundle after nothing was owed. */
  owesSince: Millis
  checkedAt: Millis
  stalled: boolean
  /** Why it ends, if it ends now. */
  end: { readonly cause: ChildEnd; readonly detail: string }
}

export function inferenceChild(options: ChildOptions): ActorSpec<State, ChildMessage> {
  return {
    kind: 'inferenceChild',
    mailboxMax: 4096,
    deadlineMs: 30_000,
    start: (self) => start(options, self),
    receive: (state, message, self) => {
      receive(options, state, message, self)
      return state
    },
    end: (state) => end(options, state),
  }
}

async function start(options: ChildOptions, self: Self<ChildMessage>): Promise<State> {
  const { epoch, signal, clock } = self
  const process = fork(options.entry, [`${options.rssMax * softShare}`], {
    serialization: 'advanced',
    execArgv: [],
    env: { ...hugePages, ...options.env },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  signal.addEventListener('abort', () => process.kill('SIGKILL'), { once: true })
  const lastWords = listenTo(process)
  // Both, because an exit may be seen before the last answers in the channel.
  const gone = Promise.all([once(process, 'exit'), once(process, 'disconnect')]).then(
    ([[code, killedBy]]) => `${killedBy ?? `exit code ${code}`} ${lastWords()}`.trim(),
  )
  const ready = once(process, 'message')
  const detail = await Promise.race([ready.then(() => undefined), gone])
  if (detail !== undefined) throw new Fault('inference.start', `it did not start: ${detail}`)
  process.on('message', (answer: WireAnswer) => self.answers.tell({ type: 'heard', epoch, answer }))
  self.pipe(gone, (it) => ({ type: 'exited', epoch, detail: it }))
  self.after(options.checkMs, { type: 'check' })
  tellPool(options, { type: 'childEntered', child: options.child, epoch, address: self })
  report(options, 'started', `process ${process.pid}`)
  const now = clock.now()
  return {
    process,
    epoch,
    underWay: new Map(),
    owesSince: now,
    checkedAt: now,
    stalled: false,
    end: { cause: 'stopped', detail: '' },
  }
}

/** The end of what it wrote to stderr: an abort's reason stands there. */
function listenTo(process: ChildProcess): () => string {
  let words = ''
  process.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-500)
  })
  return () => words.trim()
}

function receive(
  options: ChildOptions,
  state: State,
  message: ChildMessage,
  self: Self<ChildMessage>,
): void {
  switch (message.type) {
    case 'give':
      // One meant for an earlier life: the pool has given it to another since.
      if (message.epoch === state.epoch) give(state, message.command, self.clock.now())
      return
    case 'heard':
      if (message.epoch === state.epoch) hear(options, state, message.answer, self.clock.now())
      return
    case 'exited':
      if (message.epoch === state.epoch) die(state, 'died', message.detail)
      return
    case 'measured':
      weigh(options, state, message.rss ?? 0)
      return
    case 'check':
      self.after(options.checkMs, { type: 'check' })
      if (state.underWay.size > 0) {
        // One that is idle does not grow, and asking costs half a millisecond.
        self.pipe(residentBytes(state.process.pid ?? 0, options.platform), (rss) => ({
          type: 'measured',
          rss,
        }))
      }
      check(options, state, self.clock.now())
      return
  }
}

function give(state: State, command: WireCommand, now: Millis): void {
  if (command.type !== 'close') {
    if (state.underWay.size === 0) state.owesSince = now
    state.underWay.set(command.bundle, command.type === 'run' ? command.runs.length : 1)
  }
  // An error here means that the channel has closed, which is told as its exit.
  state.process.send(command, () => undefined)
}

function hear(options: ChildOptions, state: State, answer: WireAnswer, now: Millis): void {
  state.owesSince = now
  state.stalled = false
  if (answer.type !== 'ready') {
    const answered = answer.type === 'ran' ? answer.results.length : 1
    const left = (state.underWay.get(answer.bundle) ?? 0) - answered
    if (left > 0) state.underWay.set(answer.bundle, left)
    else state.underWay.delete(answer.bundle)
  }
  tellPool(options, { type: 'childAnswered', child: options.child, epoch: state.epoch, answer })
  weigh(options, state, answer.rss)
}

/** What the pool did not take it would wait for in vain. The next life's entering makes it give everything again. */
function tellPool({ pool }: ChildOptions, news: ChildNews): void {
  if (!pool.tell(news)) throw new Fault('inference.unheard', `the pool did not take ${news.type}`)
}

function check(options: ChildOptions, state: State, now: Millis): void {
  const lateMs = now - state.checkedAt - options.checkMs
  state.checkedAt = now
  // This process itself was held up, or the machine slept: in that time it has not listened. What it has listened before
  // counts, or a child that hangs would be forgiven for ever where we are late again and again.
  if (lateMs > options.checkMs) state.owesSince += lateMs
  // The clock was set back: it owes its answer from now on, not only when the same hour has come again.
  state.owesSince = Math.min(state.owesSince, now)
  if (state.underWay.size === 0) return
  const silentMs = now - state.owesSince
  if (silentMs > options.deadlineMs) die(state, 'hung', `no answer for ${silentMs} ms`)
  if (silentMs > options.stalledMs && !state.stalled) {
    state.stalled = true
    options.pool.tell({ type: 'childStalled', child: options.child, epoch: state.epoch })
  }
}

function weigh(options: ChildOptions, state: State, rss: number): void {
  if (rss > options.rssMax) die(state, 'too_large', `${rss} bytes, at most ${options.rssMax}`)
}

function die(state: State, cause: 'died' | 'hung' | 'too_large', detail: string): never {
  state.end = { cause, detail }
  throw new Fault(`inference.${cause}`, detail)
}

function end(options: ChildOptions, state: State): void {
  const { cause, detail } = state.end
  state.process.kill('SIGKILL')
  report(options, cause === 'stopped' ? 'recycled' : cause, detail)
  const { child, pool } = options
  pool.tell({ type: 'childLeft', child, epoch: state.epoch, cause, detail })
}

function report(
  { child }: ChildOptions,
  event: 'started' | 'recycled' | Exclude<ChildEnd, 'stopped'>,
  detail: string,
): void {
  tell('inference.child', { child, event, detail })
}
