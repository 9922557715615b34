/**
 * What `reconcile` has decided, carried out: one call to the journal, then what follows from it in the fleet. Each can be
 * cut short by a crash after any step and made again from its beginning.
 */
import { AssertionError } from 'node:assert/strict'
import type { Verdict } from '../../models/judging/verdict.ts'
import type { Lane, Version } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import type { GoingBack, LaneJournal, LaneRecord, Swap } from './lane-journal.ts'
import type { Action, LifeView } from './reconcile.ts'

export interface ActPorts {
  readonly journal: LaneJournal
  readonly fleet: FleetPort
  readonly work: SwapWork
  /** Its files are of no use any more. */
  readonly removeArtifact: (sha256: string) => Promise<void>
  readonly learn: (record: LaneRecord) => void
}

/** What the reconciler may do to the fleet. */
export interface FleetPort {
  readonly lives: (lane: Lane) => readonly LifeView[]
  readonly isHeld: (lane: Lane) => boolean
  /** Opening of the lane's first candle that has not closed; undefined before the first has. */
  readonly position: (lane: Lane) => Millis | undefined
  /** Opening of a candle that has not opened yet, so many candles after the next one. */
  readonly opening: (lane: Lane, lead: number) => Millis
  /** A Fault that is not retryable where its artifact is no good. */
  readonly spawn: (version: Version) => Promise<void>
  readonly despawn: (version: Version) => Promise<void>
  readonly drain: (version: Version, to: Millis | null) => void
  readonly reassigned: (lane: Lane, from: Millis) => void
}

/** The long parts of a swap. What has been done already is done again at little cost. */
export interface SwapWork {
  readonly fetch: (version: Version) => Promise<unknown>
  /** Whether it is what it says it is, and fits its lane. */
  readonly verify: (version: Version) => Promise<unknown>
  /** `onShadow`: the candles that it predicted beside the incumbent count too. */
  readonly judge: (swap: Swap, onShadow: boolean) => Promise<Verdict>
  readonly backfill: (swap: Swap, signal: AbortSignal) => Promise<unknown>
  /** What has come into its history since. */
  readonly catchUp: (version: Version, signal: AbortSignal) => Promise<unknown>
}

/** A fast tape may be further than the candle that was meant, each time; the next try aims further ahead. */
const leadsTried: readonly number[] = [0, 1, 2, 4, 8, 16, 32]

export async function act(
  ports: ActPorts,
  {
    record,
    desired,
  }: { readonly record: LaneRecord; readonly desired: { readonly generation: number } | undefined },
  action: Exclude<Action, { type: 'work' | 'renew' | 'catchUp' }>,
): Promise<void> {
  const { journal, fleet } = ports
  const { lane } = record
  switch (action.type) {
    case 'open':
      await journal.open({ to: action.to, askedBy: 'registry', revision: action.revision })
      return prune(ports, lane)
    case 'begin':
      await journal.begin(action.swap.id, positionOf(ports, lane))
      return
    case 'write':
      await journal.write(action.swap.id, action.swap.to, action.stage, positionOf(ports, lane))
      return
    case 'spawn':
      return spawn(ports, record, action.version)
    case 'cut':
      return cut(ports, action.swap)
    case 'drain':
      return fleet.drain(action.version, action.to)
    case 'archive':
      return archive(ports, action.version)
    case 'remove':
      return fleet.despawn(action.version)
    case 'note':
      return journal.note(action.version, action.stage, action.reason)
    case 'fallBack':
      await goBack(ports, {
        ...{ lane, kind: 'fallback', reason: action.reason },
        revision: desired?.generation ?? 0,
      })
      return
    case 'end':
      return end(ports, action.swap, action.state, action.reason)
  }
}

/** One step back from the next candle on. */
export async function goBack(ports: ActPorts, how: Omit<GoingBack, 'at'>): Promise<Swap> {
  const { journal, fleet } = ports
  const { lane } = how
  const swap = await atNextCandle(ports, lane, (at) => journal.goBack({ ...how, at }))
  ports.learn(await journal.lane(lane))
  fleet.reassigned(lane, swap.cutAt as Millis)
  return swap
}

async function cut(ports: ActPorts, swap: Swap): Promise<void> {
  const { journal, fleet } = ports
  try {
    const at = await atNextCandle(ports, swap.lane, async (opening) => {
      await journal.cut(swap.id, opening)
      return opening
    })
    ports.learn(await journal.lane(swap.lane))
    fleet.reassigned(swap.lane, at)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'swap.serves') return end(ports, swap, 'done', error.message)
    if (error.code !== 'swap.moved') throw error
    await end(ports, swap, 'rejected', error.message)
  }
}

async function atNextCandle<T>(
  { fleet }: ActPorts,
  lane: Lane,
  move: (at: Millis) => Promise<T>,
): Promise<T> {
  for (const lead of leadsTried) {
    try {
      return await move(fleet.opening(lane, lead))
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'swap.late') throw error
    }
  }
  throw new Fault('swap.late', 'the market is faster than its slots can be moved', {
    retryable: true,
  })
}

/** One that cannot even be started is set aside, or its swap is refused: nobody waits for it. */
async function spawn(ports: ActPorts, record: LaneRecord, version: Version): Promise<void> {
  const { fleet, journal } = ports
  try {
    await fleet.spawn(version)
  } catch (error) {
    if (!(error instanceof Fault) || error.retryable) throw error
    const swap = record.swaps.find(
      (it) => it.state === 'running' && it.cutAt === null && it.to.version === version.version,
    )
    const reason = `${error.code}: ${error.message}`
    const holds = record.pointers.some((it) => it.until === null && it.version === version.version)
    if (swap && !holds) await end(ports, swap, 'rejected', reason)
    else await journal.note(version, 'quarantined', reason)
  }
}

async function archive(ports: ActPorts, version: Version): Promise<void> {
  await ports.journal.archive(version, null)
  await ports.fleet.despawn(version)
  await prune(ports, version)
}

async function end(
  ports: ActPorts,
  { id, lane }: Swap,
  state: 'done' | 'rejected',
  reason: string | null,
): Promise<void> {
  await ports.journal.end(id, state, reason)
  await prune(ports, lane)
}

/** What a rollback has put away goes with the next swap: nothing comes between it and its answer. */
async function prune({ journal, removeArtifact }: ActPorts, lane: Lane): Promise<void> {
  for (const sha256 of await journal.prune(lane)) await removeArtifact(sha256)
}

/**
 * Long work; its stage is written when it is done. A version that proves to be no good ends its swap, and so does one over
 * which an invariant breaks: begun again it would break again, and keep every other lane from moving.
 */
export async function doWork(
  ports: ActPorts,
  action: Action & { type: 'work' | 'renew' },
  signal: AbortSignal,
): Promise<void> {
  const { swap } = action
  try {
    if (action.type === 'renew') {
      const verdict = await ports.work.judge(swap, true)
      await ports.journal.judged(swap.id, verdict, positionOf(ports, swap.lane))
      return
    }
    await workOn(ports, swap, action.on, signal)
  } catch (error) {
    await end(ports, swap, 'rejected', whyNoGood(error))
  }
}

/** Throws what says nothing about the version. */
function whyNoGood(error: unknown): string {
  if (error instanceof AssertionError) return `swap.broken: ${error.message}`
  if (!(error instanceof Fault) || error.retryable || error.code.startsWith('store.')) throw error
  return `${error.code}: ${error.message}`
}

async function workOn(
  ports: ActPorts,
  swap: Swap,
  on: (Action & { type: 'work' })['on'],
  signal: AbortSignal,
): Promise<void> {
  const { journal, work } = ports
  switch (on) {
    case 'fetched':
      await work.fetch(swap.to)
      break
    case 'verified':
      await work.verify(swap.to)
      break
    case 'judged':
      await journal.judged(swap.id, await work.judge(swap, false), positionOf(ports, swap.lane))
      return
    case 'backfilled':
      await work.backfill(swap, signal)
      break
  }
  await journal.write(swap.id, swap.to, on, positionOf(ports, swap.lane))
}

function positionOf({ fleet }: ActPorts, lane: Lane): Millis {
  const position = fleet.position(lane)
  if (position !== undefined) return position
  throw new Fault('market.silent', `${lane.coin} has no candle yet`, { retryable: true })
}
