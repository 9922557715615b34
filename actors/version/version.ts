/**
 * One version of one lane, alive. It has a cursor into its coin's closed candles: a hint says that there may be more, and
 * it reads what it has not answered, from the ring while that reaches back, else from the ledger. Each candle ends as
 * one committed prediction or as one hole with its reason, for every slot the version holds; none is dropped.
 *
 * It leaves when it has drained: told up to which candle it is to answer, it answers those and goes.
 *
 * loading (the pool opens the artifact) → looking (the ledger says what is unanswered) → following (the ring), and back
 * to looking when candles have mended or the ring no longer reaches back to the cursor.
 */
import { map, type Observable } from 'rxjs'
import type { Artifact } from '../../models/artifact.ts'
import { type Range, trainingRanges } from '../../models/manifest.ts'
import type { Slot, Version } from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import type { Millis } from '../../streams/time.ts'
import type { CoinLine, LineHint } from '../coin/coin-line.ts'
import type { FeatureHistory } from '../coin/feature-history.ts'
import type { FeatureRing } from '../coin/feature-ring.ts'
import {
  artifactRef,
  type InferenceCommand,
  type InferFailed,
  type Inferred,
  type Loaded,
  type LoadRefused,
} from '../inference/inference.ts'
import type { LedgerEntry, LedgerReader } from '../ledger.ts'
import type { ActorSpec, Address, Self } from '../protocol.ts'
import type { Sink, WriteOutcome } from '../sink.ts'
import {
  type Answering,
  answerBundle,
  type Bundle,
  bundleRowsMax,
  firstWithin,
  makeBundle,
  tellCommitted,
} from './version-bundle.ts'
import { type InputPlan, planInput } from './version-input.ts'

export interface VersionPorts {
  readonly version: Version
  readonly artifact: Artifact
  readonly source: string
  readonly line: CoinLine
  readonly set: FeatureSet
  readonly features: FeatureHistory
  readonly reader: LedgerReader
  readonly pool: Address<InferenceCommand>
  readonly sink: Sink
  /** The slots this version held when that candle opened. */
  readonly slotsAt: (openAt: Millis) => readonly Slot[]
  /** Emits the opening from which on its slots have changed. */
  readonly reassigned$: Observable<Millis>
  /** Openings from here on are past its age. */
  readonly expiresAt: Millis
  /** What a row may take, when those of several bundles in a row take so long. */
  readonly inferMsMax: Millis
  /** It has left a candle open because it is past its age. */
  readonly expired: (openAt: Millis) => void
  /** It begins at this candle, and is not ready yet. */
  readonly entered: (from: Millis) => void
  /** Its model is open and has given the golden answers. */
  readonly loaded: () => void
  /** Told how far it has answered; the tape waits for this. */
  readonly answered: (to: Millis) => void
  /** It is not to be waited for any longer. */
  readonly left: () => void
  /** Sets this version aside: its model is at fault, and a restart would not help. */
  readonly quarantine: (reason: string) => Promise<void>
}

export type VersionMessage =
  | LineHint
  /** Leaves once every candle before `to` is answered; null: it stays after all. */
  | { readonly type: 'drain'; readonly to: Millis | null }
  | { readonly type: 'again' }
  | { readonly type: 'looked'; readonly openAts: readonly Millis[]; readonly to: Millis }
  | { readonly type: 'read'; readonly ring: FeatureRing; readonly openAts: readonly Millis[] }
  | { readonly type: 'committed'; readonly outcome: WriteOutcome }
  | Loaded
  | LoadRefused
  | Inferred
  | InferFailed

/** What is under way, in the order in which it happens; at most one of it at a time. */
type Work =
  | { readonly type: 'none' }
  | { readonly type: 'looking' }
  | { readonly type: 'reading' }
  | { readonly type: 'asking'; readonly bundle: Bundle; readonly id: number }
  | { readonly type: 'writing'; readonly bundle: Bundle; readonly entries: readonly LedgerEntry[] }

interface VersionState {
  readonly plan: InputPlan
  readonly trainedOn: readonly Range[]
  loaded: boolean
  /** Whether what is unanswered must be asked of the ledger before the ring is followed. */
  mustLook: boolean
  /** What lies before has been looked at. */
  lookFrom: Millis
  /** Grows with each question to the pool and begins where no earlier incarnation's numbers reach. */
  asked: number
  work: Work
  /** Opening of the first candle that has not been taken up from the ring. */
  next: Millis
  /** What the ledger said is unanswered, ascending. */
  unanswered: readonly Millis[]
  /** Bundles in a row in which the model answered something that is no answer. */
  refusals: number
  /** Bundles in a row whose rows took longer than they may. */
  slow: number
  /** Opening of the first candle that is not its to answer. */
  drainTo: Millis
}

const lookMax = 4_096
/** One read of the past spans at most this many candles. */
const readSpanMax = 2_048
const retryMs = 25
const refusalsMax = 3
/** One slow bundle may be the machine's fault. */
const slowMax = 5

export function version(ports: VersionPorts): ActorSpec<VersionState, VersionMessage> {
  return {
    kind: 'version',
    mailboxMax: 256,
    deadlineMs: 30_000,
    start: (self) => start(ports, self),
    receive: (state, message, self) => {
      switch (message.type) {
        case 'loaded':
          state.loaded = true
          ports.loaded()
          tell('version.loaded', { ...ports.version })
          break
        case 'loadRefused':
          setAside(ports, self, `${message.code}: ${message.reason}`)
          return state
        case 'closed':
          break
        case 'mended':
          mustLook(state, message.from)
          break
        case 'drain':
          state.drainTo = message.to ?? Number.POSITIVE_INFINITY
          break
        case 'again':
          resume(ports, state, self)
          return state
        case 'looked':
          looked(ports, state, message.openAts, message.to)
          break
        case 'read':
          ask(
            ports,
            state,
            self,
            makeBundle(ports.line.coin, state.plan, message.ring, message.openAts, ports.expiresAt),
          )
          return state
        case 'inferred':
          if (state.work.type === 'asking' && message.id === state.work.id)
            answer(ports, state, self, state.work.bundle, message)
          return state
        case 'inferFailed':
          failed(ports, state, self, message)
          return state
        case 'committed':
          committed(ports, state, message.outcome)
          break
      }
      advance(ports, state, self)
      return state
    },
    end: () => ports.left(),
  }
}

function start(ports: VersionPorts, self: Self<VersionMessage>): VersionState {
  const { version, artifact, line, pool } = ports
  const plan = planInput(artifact.manifest.input, ports.set)
  ports.entered(line.committedTo)
  self.follow(line.hints$)
  self.follow(ports.reassigned$.pipe(map((from) => ({ type: 'mended', from }))))
  const taken = pool.tell({
    type: 'load',
    version,
    artifact: artifactRef(artifact),
    replyTo: self.answers,
  })
  if (!taken)
    throw new Fault('inference.full', 'the pool takes no version now', { retryable: true })
  return {
    plan,
    trainedOn: trainingRanges(artifact.manifest, ports.source, version.coin),
    loaded: false,
    mustLook: true,
    lookFrom: 0,
    asked: (self.epoch % 2 ** 20) * 2 ** 20,
    work: { type: 'none' },
    next: line.committedTo,
    unanswered: [],
    refusals: 0,
    slow: 0,
    drainTo: Number.POSITIVE_INFINITY,
  }
}

/** Takes up the next candles, if there are any and nothing is under way. */
function advance(ports: VersionPorts, state: VersionState, self: Self<VersionMessage>): void {
  if (!state.loaded || state.work.type !== 'none') return
  const { ring, intervalMs } = ports.line
  if (state.unanswered.length > 0) {
    const openAts = firstWithin(state.unanswered, readSpanMax * intervalMs)
    state.unanswered = state.unanswered.slice(openAts.length)
    read(ports, state, self, openAts)
  } else if (state.mustLook || ring.from === undefined || ring.from > state.next) {
    look(ports, state, self)
  } else if (state.next >= state.drainTo) {
    self.leave()
  } else {
    const to = Math.min(ring.to as Millis, state.next + bundleRowsMax * intervalMs, state.drainTo)
    const openAts: Millis[] = []
    for (let openAt = state.next; openAt < to; openAt += intervalMs) openAts.push(openAt)
    state.next = Math.max(state.next, to)
    if (openAts.length > 0) read(ports, state, self, openAts)
  }
}

/** From where it was told to, and from no later than what it has not taken up yet: a look ends behind both. */
function mustLook(state: VersionState, from: Millis): void {
  const before = state.mustLook ? state.lookFrom : state.next
  state.lookFrom = Math.min(before, from)
  state.mustLook = true
}

function look(ports: VersionPorts, state: VersionState, self: Self<VersionMessage>): void {
  const to = ports.line.committedTo
  state.work = { type: 'looking' }
  state.mustLook = false
  self.pipe(ports.reader.unanswered(ports.version, state.lookFrom, to, lookMax), (openAts) => ({
    type: 'looked',
    openAts,
    to,
  }))
}

function looked(
  ports: VersionPorts,
  state: VersionState,
  openAts: readonly Millis[],
  to: Millis,
): void {
  state.work = { type: 'none' }
  state.unanswered = openAts
  if (openAts.length === lookMax) {
    mustLook(state, (openAts.at(-1) as Millis) + 1)
  } else state.next = Math.max(state.next, to)
  if (openAts.length === 0) ports.answered(state.next)
}

function read(
  ports: VersionPorts,
  state: VersionState,
  self: Self<VersionMessage>,
  openAts: readonly Millis[],
): void {
  const { line, features } = ports
  const from = (openAts[0] as Millis) - (state.plan.length - 1) * line.intervalMs
  const to = (openAts.at(-1) as Millis) + line.intervalMs
  if (line.ring.has(from, to)) {
    ask(ports, state, self, makeBundle(line.coin, state.plan, line.ring, openAts, ports.expiresAt))
    return
  }
  state.work = { type: 'reading' }
  self.pipe(features.ring(line.coin, from, to), (ring) => ({ type: 'read', ring, openAts }))
}

function ask(
  ports: VersionPorts,
  state: VersionState,
  self: Self<VersionMessage>,
  bundle: Bundle,
): void {
  state.asked++
  state.work = { type: 'asking', bundle, id: state.asked }
  if (bundle.rows.length === 0) {
    answer(ports, state, self, bundle, { outputs: new Float32Array(0), inferMs: 0, inferRows: 1 })
    return
  }
  const taken = ports.pool.tell({
    type: 'infer',
    id: state.asked,
    version: ports.version,
    urgency: 'live',
    rows: bundle.rows.length,
    inputs: bundle.inputs,
    starts: bundle.starts,
    replyTo: self.answers,
  })
  if (!taken) self.after(retryMs, { type: 'again' })
}

function failed(
  ports: VersionPorts,
  state: VersionState,
  self: Self<VersionMessage>,
  message: InferFailed,
): void {
  const { work } = state
  if (work.type !== 'asking' || message.id !== work.id) return
  if (message.retryable) self.after(retryMs, { type: 'again' })
  else if (message.code === 'inference.quarantined') setAside(ports, self, message.reason)
  else if (message.code === 'inference.unloaded') {
    throw new Fault('inference.unloaded', message.reason, { retryable: true })
  } else {
    const outputs = new Float32Array(work.bundle.rows.length * 3).fill(Number.NaN)
    answer(ports, state, self, work.bundle, { outputs, inferMs: 0, inferRows: 1 })
  }
}

function answer(
  ports: VersionPorts,
  state: VersionState,
  self: Self<VersionMessage>,
  bundle: Bundle,
  inferred: Pick<Inferred, 'outputs' | 'inferMs' | 'inferRows'>,
): void {
  const answering: Answering = {
    version: ports.version,
    artifact: ports.artifact,
    plan: state.plan,
    set: ports.set,
    trainedOn: state.trainedOn,
    asked: 'live',
    path: self.path,
    epoch: self.epoch,
  }
  const outputs = { values: inferred.outputs, inferMs: inferred.inferMs, madeAt: self.clock.now() }
  const { entries, refused } = answerBundle(answering, bundle, outputs, ports.slotsAt)
  const tooOld = bundle.holes.find(({ reason }) => reason === 'expired')
  if (tooOld) ports.expired(tooOld.openAt)
  if (refused > 0) state.refusals++
  else if (bundle.rows.length > 0) state.refusals = 0
  write(ports, state, self, bundle, entries)
  // Of a bundle it is judged by its own rows: after a pause many are answered at once.
  const rowMs = inferred.inferMs / inferred.inferRows
  state.slow = rowMs > ports.inferMsMax ? state.slow + 1 : 0
  if (state.refusals === refusalsMax) setAside(ports, self, 'its model answers what is no answer')
  if (state.slow === slowMax)
    setAside(ports, self, `its model takes longer than ${ports.inferMsMax} ms for a row`)
}

function write(
  ports: VersionPorts,
  state: VersionState,
  self: Self<VersionMessage>,
  bundle: Bundle,
  entries: readonly LedgerEntry[],
): void {
  state.work = { type: 'writing', bundle, entries }
  const taken = ports.sink.tell({
    type: 'write',
    entries,
    replyTo: (outcome) => self.answers.tell({ type: 'committed', outcome }),
  })
  if (!taken) self.after(retryMs, { type: 'again' })
}

/** The pool or the sink had no room: the same thing is offered again. */
function resume(ports: VersionPorts, state: VersionState, self: Self<VersionMessage>): void {
  const { work } = state
  if (work.type === 'asking') ask(ports, state, self, work.bundle)
  else if (work.type === 'writing') write(ports, state, self, work.bundle, work.entries)
}

/** The tree ends this incarnation for good; until then it goes on as it is. */
function setAside(ports: VersionPorts, self: Self<VersionMessage>, reason: string): void {
  self.pipe(ports.quarantine(reason), () => ({ type: 'again' }))
}

function committed(ports: VersionPorts, state: VersionState, outcome: WriteOutcome): void {
  if (state.work.type !== 'writing') return
  const { entries, bundle } = state.work
  state.work = { type: 'none' }
  if (state.unanswered.length === 0 && !state.mustLook)
    ports.answered(Math.max(bundle.to, state.next))
  tellCommitted(entries, outcome)
}
