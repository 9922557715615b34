/**
 * The only one that starts, drains and ends version actors and moves their slots. It is told that something may have
 * changed, or looks by itself every 30 s; then it reads what is written and what runs, asks `reconcile` what is next, and
 * does that one thing. Lanes do not wait for each other; within a lane one thing happens after the other.
 *
 * A lane is idle → looked at → acted on, and looked at again until nothing is left to do. Long work of a swap goes on
 * beside; what it finds is written by itself, and the lane is looked at again.
 */
import { map, type Observable } from 'rxjs'
import type { ActorSpec, Address, Self } from '../../actors/protocol.ts'
import type { Desired } from '../../models/registry.ts'
import { type Lane, laneName, type Version } from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import { type ActPorts, act, doWork, goBack } from './carry-out.ts'
import type { LaneRecord, Swap } from './lane-journal.ts'
import { type Action, isSame, type LaneSnapshot, reconcile, type SwapPolicy } from './reconcile.ts'

export interface ReconcilerPorts extends ActPorts {
  readonly desired: (lane: Lane) => Promise<Desired | undefined>
  readonly policy: (lane: Lane) => SwapPolicy
  /** Versions in a slot whose history has grown or healed since they answered it. */
  readonly behind: () => Promise<readonly Version[]>
  /** Its coin is followed, and its family is. */
  readonly isFollowed: (lane: Lane) => boolean
  /** The lane's slots and quarantines as they are written, for whoever asks from memory. */
  readonly learn: (record: LaneRecord) => void
  /** A version of the lane stands differently in the tree, or is loaded. */
  readonly changed$: Observable<Lane>
  /** A version of the lane has answered more. */
  readonly progressed$: Observable<Lane>
}

export type ReconcilerCommand =
  /** There may be news of this lane; null: of any. */
  | { readonly type: 'look'; readonly lane: Lane | null }
  /** Look everywhere now, and say of how many lanes the registry wants something new. */
  | { readonly type: 'refresh'; readonly replyTo: Address<Refreshed> }
  | {
      readonly type: 'rollBack'
      readonly lane: Lane
      readonly reason: string
      readonly replyTo: Address<RolledBack>
      /** Aborted when nobody waits for the answer any more: it is not done then. */
      readonly signal: AbortSignal
    }

export interface Refreshed {
  readonly announced: number
}

export type RolledBack =
  | { readonly type: 'rolledBack'; readonly swap: Swap }
  | { readonly type: 'refused'; readonly fault: Fault }

type Own =
  | { readonly type: 'due' }
  | ({ readonly type: 'surveyed'; readonly replyTo?: Address<Refreshed> } & Survey)
  | { readonly type: 'looked'; readonly lane: Lane; readonly outcome: Outcome }
  | { readonly type: 'worked' | 'caughtUp'; readonly lane: Lane; readonly outcome: Outcome }
  | { readonly type: 'progressed'; readonly lane: Lane }

interface Found {
  readonly record: LaneRecord
  readonly desired: Desired | undefined
}

interface Survey {
  readonly found: readonly Found[]
  readonly behind: readonly Version[]
}

/** `known` is what was found before anything was done. */
type Outcome =
  | { readonly type: 'acted' | 'idle' | 'begun'; readonly known?: Found }
  | { readonly type: 'failed'; readonly fault: Fault }

interface LaneState {
  readonly lane: Lane
  known: Found | undefined
  isBusy: boolean
  mustLookAgain: boolean
  isAtWork: boolean
  /** As the last survey found them, less those that have been sent to catch up since. */
  behind: readonly Version[]
  isCatchingUp: boolean
  readonly rollBacks: (ReconcilerCommand & { type: 'rollBack' })[]
  /** Failures in a row. */
  failures: number
}

interface ReconcilerState {
  readonly lanes: Map<string, LaneState>
  isSurveying: boolean
}

const everyMs: Millis = 30_000
const retryMsMin: Millis = 100
const retryMsMax: Millis = 10_000

export function reconciler(
  ports: ReconcilerPorts,
): ActorSpec<ReconcilerState, ReconcilerCommand | Own> {
  return {
    kind: 'reconciler',
    mailboxMax: 10_000,
    deadlineMs: 60_000,
    start: (self) => {
      self.follow(ports.changed$.pipe(map((lane) => ({ type: 'look', lane }))))
      self.follow(ports.progressed$.pipe(map((lane) => ({ type: 'progressed', lane }))))
      self.tell({ type: 'due' })
      return { lanes: new Map(), isSurveying: false }
    },
    receive: (state, message, self) => {
      switch (message.type) {
        case 'due':
          self.after(everyMs, { type: 'due' })
          survey(ports, state, self)
          return state
        case 'refresh':
          survey(ports, state, self, message.replyTo)
          return state
        case 'look':
          if (message.lane === null) survey(ports, state, self)
          else look(ports, state, self, message.lane)
          return state
        case 'surveyed':
          surveyed(ports, state, self, message)
          return state
        case 'progressed':
          if (hasNext(ports, state, message.lane)) look(ports, state, self, message.lane)
          return state
        case 'rollBack':
          laneOf(state, message.lane).rollBacks.push(message)
          look(ports, state, self, message.lane)
          return state
        case 'looked':
        case 'worked':
        case 'caughtUp':
          settled(ports, state, self, message)
          return state
      }
    },
  }
}

function survey(
  ports: ReconcilerPorts,
  state: ReconcilerState,
  self: Self<ReconcilerCommand | Own>,
  replyTo?: Address<Refreshed>,
): void {
  if (state.isSurveying && !replyTo) return
  state.isSurveying = true
  const found = async (): Promise<Survey> => {
    const all: Found[] = []
    for (const record of await ports.journal.lanes())
      if (ports.isFollowed(record.lane))
        all.push({ record, desired: await ports.desired(record.lane) })
    return { found: all, behind: await ports.behind() }
  }
  const quiet = found().catch((error: unknown): Survey => {
    if (error instanceof Fault && error.retryable) return { found: [], behind: [] }
    throw error
  })
  self.pipe(quiet, (survey) => ({ type: 'surveyed', ...survey, ...(replyTo ? { replyTo } : {}) }))
}

function surveyed(
  ports: ReconcilerPorts,
  state: ReconcilerState,
  self: Self<ReconcilerCommand | Own>,
  { found, behind, replyTo }: Own & { type: 'surveyed' },
): void {
  state.isSurveying = false
  let announced = 0
  for (const known of found) {
    const { record, desired } = known
    const lane = laneOf(state, record.lane)
    lane.behind = behind.filter((it) => laneName(it) === laneName(record.lane))
    if (desired && desired.generation > record.handled) announced += 1
    if (!lane.isBusy) {
      lane.known = known
      ports.learn(record)
    }
    if (hasNext(ports, state, record.lane)) look(ports, state, self, record.lane)
  }
  replyTo?.tell({ announced })
}

function look(
  ports: ReconcilerPorts,
  state: ReconcilerState,
  self: Self<ReconcilerCommand | Own>,
  of: Lane,
): void {
  const lane = laneOf(state, of)
  if (!ports.isFollowed(of)) {
    refuseAll(lane)
    return
  }
  if (lane.isBusy) {
    lane.mustLookAgain = true
    return
  }
  lane.isBusy = true
  lane.mustLookAgain = false
  self.pipe(step(ports, lane, self), (outcome) => ({ type: 'looked', lane: of, outcome }))
}

/** One look at what is written and runs, and the one thing that is next. */
async function step(
  ports: ReconcilerPorts,
  lane: LaneState,
  self: Self<ReconcilerCommand | Own>,
): Promise<Outcome> {
  try {
    const record = await ports.journal.lane(lane.lane)
    const known = { record, desired: await ports.desired(lane.lane) }
    ports.learn(record)
    const asked = nextAsked(lane)
    if (asked) {
      await rollBack(ports, known, asked)
      return { type: 'acted', known }
    }
    const action = decide(ports, lane, known)
    if (!action) return { type: 'idle', known }
    if (action.type === 'work' || action.type === 'renew') {
      begin(ports, lane, self, action)
      return { type: 'begun', known }
    }
    if (action.type === 'catchUp') {
      beginCatchingUp(ports, lane, self, action.version)
      return { type: 'begun', known }
    }
    await act(ports, known, action)
    return { type: 'acted', known }
  } catch (error) {
    return failure(error)
  }
}

function decide(ports: ReconcilerPorts, lane: LaneState, known: Found): Action | undefined {
  const { fleet } = ports
  const snapshot: LaneSnapshot = {
    ...known,
    lives: fleet.lives(lane.lane),
    isAtWork: lane.isAtWork,
    behind: lane.isCatchingUp ? [] : lane.behind,
    isHeld: fleet.isHeld(lane.lane),
    position: fleet.position(lane.lane),
  }
  return reconcile(snapshot, ports.policy(lane.lane))
}

/** By what was written when it was last looked at: enough to see that nothing is to be done, without asking the store. */
function hasNext(ports: ReconcilerPorts, state: ReconcilerState, of: Lane): boolean {
  const lane = laneOf(state, of)
  return lane.known !== undefined && !lane.isBusy && decide(ports, lane, lane.known) !== undefined
}

function begin(
  ports: ReconcilerPorts,
  lane: LaneState,
  self: Self<ReconcilerCommand | Own>,
  action: Action & { type: 'work' | 'renew' },
): void {
  lane.isAtWork = true
  const work = doWork(ports, action, self.signal).then((): Outcome => ({ type: 'acted' }), failure)
  self.pipe(work, (outcome) => ({ type: 'worked', lane: lane.lane, outcome }))
}

/** One that fails is found behind again by the next survey. */
function beginCatchingUp(
  ports: ReconcilerPorts,
  lane: LaneState,
  self: Self<ReconcilerCommand | Own>,
  version: Version,
): void {
  lane.isCatchingUp = true
  lane.behind = lane.behind.filter((it) => !isSame(it, version))
  const work = ports.work
    .catchUp(version, self.signal)
    .then((): Outcome => ({ type: 'acted' }), failure)
  self.pipe(work, (outcome) => ({ type: 'caughtUp', lane: lane.lane, outcome }))
}

function nextAsked({
  rollBacks,
}: Pick<LaneState, 'rollBacks'>): LaneState['rollBacks'][number] | undefined {
  const asked = rollBacks.shift()
  return asked?.signal.aborted ? nextAsked({ rollBacks }) : asked
}

async function rollBack(
  ports: ReconcilerPorts,
  { desired }: Found,
  { lane, reason, replyTo, signal }: ReconcilerCommand & { type: 'rollBack' },
): Promise<void> {
  try {
    const revision = desired?.generation ?? 0
    const swap = await goBack(ports, { lane, kind: 'rollback', reason, revision, signal })
    replyTo.tell({ type: 'rolledBack', swap })
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    replyTo.tell({ type: 'refused', fault: error })
  }
}

function refuseAll(lane: LaneState): void {
  const fault = new Fault('lane.unknown', `${laneName(lane.lane)} is not followed`)
  for (const { replyTo } of lane.rollBacks.splice(0)) replyTo.tell({ type: 'refused', fault })
}

function settled(
  ports: ReconcilerPorts,
  state: ReconcilerState,
  self: Self<ReconcilerCommand | Own>,
  { type, lane: of, outcome }: Own & { type: 'looked' | 'worked' | 'caughtUp' },
): void {
  const lane = laneOf(state, of)
  if (type === 'looked') lane.isBusy = false
  else if (type === 'worked') lane.isAtWork = false
  else lane.isCatchingUp = false
  if (outcome.type === 'failed') {
    const { code, message } = outcome.fault
    lane.failures += 1
    tell('swap.troubled', { ...of, code, detail: message, attempt: lane.failures })
    const delayMs = Math.min(retryMsMax, retryMsMin * 2 ** Math.min(lane.failures, 10))
    self.after(delayMs, { type: 'look', lane: of })
    return
  }
  lane.failures = 0
  if (outcome.known) lane.known = outcome.known
  const goesOn = outcome.type === 'acted' || lane.mustLookAgain || lane.rollBacks.length > 0
  if (goesOn) look(ports, state, self, of)
}

function laneOf(state: ReconcilerState, lane: Lane): LaneState {
  const name = laneName(lane)
  const known = state.lanes.get(name)
  if (known) return known
  const { coin, family } = lane
  const made: LaneState = {
    lane: { coin, family },
    known: undefined,
    isBusy: false,
    mustLookAgain: false,
    isAtWork: false,
    behind: [],
    isCatchingUp: false,
    rollBacks: [],
    failures: 0,
  }
  state.lanes.set(name, made)
  return made
}

/** Expected trouble is tried again; anything else ends this incarnation. */
function failure(error: unknown): Outcome {
  if (error instanceof Fault) return { type: 'failed', fault: error }
  throw error
}
