/**
 * What is done next about one lane: a snapshot in, at most one action out. Level-triggered: nothing here remembers what
 * was announced or done before, only what is written and what is running, so a hint that is lost, doubled or wrong
 * changes nothing in the end, and after a crash the same question gets the same answer.
 *
 * A swap is under way from `begin` to its cut; a lane has one such swap at most, and takes the next when the last is over.
 */
import { type Verdict, whyRefused } from '../../models/judging/verdict.ts'
import type { Desired } from '../../models/registry.ts'
import type { Pointer, Version } from '../../models/version.ts'
import type { Millis } from '../../streams/time.ts'
import type { LaneRecord, Stage, Swap } from './lane-journal.ts'

/** One version's actor, as the tree and its own progress show it. */
export interface LifeView {
  readonly version: Version
  /** `left`: it has drained, or was ended, and only its place in the tree is there. */
  readonly standing: 'loading' | 'following' | 'quarantined' | 'left'
  /** Why it is in quarantine. */
  readonly reason: string | null
  /** Every candle before it is answered. */
  readonly answeredTo: Millis
  /** How long ago it was told to drain; null where it was not. */
  readonly drainingMs: Millis | null
}

export interface LaneSnapshot {
  readonly record: LaneRecord
  readonly desired: Desired | undefined
  readonly lives: readonly LifeView[]
  /** Versions that have answered their history and have more of it now. */
  readonly behind: readonly Version[]
  /** Something long is being done for the lane already. */
  readonly isAtWork: boolean
  /** An operator holds the lane, or what it stands under: nothing is started or ended in it. */
  readonly isHeld: boolean
  /** Opening of the first candle that has not closed; undefined before the first has. */
  readonly position: Millis | undefined
}

export interface SwapPolicy {
  readonly intervalMs: Millis
  /** Candles that a challenger predicts beside the incumbent before its cut. */
  readonly shadowCandles: number
  /** A version that has not drained in this time is killed, and started again to answer what it owes. */
  readonly drainMsMax: Millis
  /** A swap is counted and closed so many candles after its cut, whoever has not answered by then. */
  readonly settleCandlesMax: number
}

/** What takes long and is done beside the decisions; a swap's stage of this name is written when it has been done. */
export type Work = 'fetched' | 'verified' | 'judged' | 'backfilled'

export type Action =
  | { readonly type: 'open'; readonly to: Version; readonly revision: number }
  | { readonly type: 'begin'; readonly swap: Swap }
  | { readonly type: 'spawn'; readonly version: Version }
  | { readonly type: 'work'; readonly swap: Swap; readonly on: Work }
  | { readonly type: 'renew'; readonly swap: Swap }
  /** History has come in behind it: it answers that too. */
  | { readonly type: 'catchUp'; readonly version: Version }
  | { readonly type: 'write'; readonly swap: Swap; readonly stage: Stage }
  | { readonly type: 'cut'; readonly swap: Swap }
  /** Null: it stays after all. */
  | { readonly type: 'drain'; readonly version: Version; readonly to: Millis | null }
  | { readonly type: 'archive'; readonly version: Version }
  | { readonly type: 'remove'; readonly version: Version; readonly reason: string }
  | {
      readonly type: 'note'
      readonly version: Version
      readonly stage: Stage
      readonly reason: string | null
    }
  | { readonly type: 'fallBack'; readonly reason: string }
  | {
      readonly type: 'end'
      readonly swap: Swap
      readonly state: 'done' | 'rejected'
      readonly reason: string | null
    }

export function reconcile(it: LaneSnapshot, policy: SwapPolicy): Action | undefined {
  const wish = hearWish(it)
  if (wish || it.isHeld) return wish
  return (
    tellOfQuarantine(it) ??
    fallBack(it) ??
    keepAlive(it) ??
    seeOff(it, policy) ??
    settle(it, policy) ??
    advance(it, policy) ??
    takeNext(it, policy) ??
    followHistory(it)
  )
}

function hearWish({ record, desired }: LaneSnapshot): Action | undefined {
  if (!desired || desired.generation <= record.handled) return undefined
  return { type: 'open', to: desired.version, revision: desired.generation }
}

/** What stands in the journal follows how the actor stands, there and back. */
function tellOfQuarantine({ record, lives }: LaneSnapshot): Action | undefined {
  for (const { version, standing, reason } of lives) {
    const stage = stageOf(record, version)
    const holds = holdsSlot(record.pointers, version)
    if (standing === 'quarantined' && stage !== 'quarantined') {
      const swap = record.swaps.find((one) => isUnderWay(one) && isSame(one.to, version))
      if (swap && !holds)
        return { type: 'end', swap, state: 'rejected', reason: reason ?? 'quarantined' }
      if (holds || stage === 'draining')
        return { type: 'note', version, stage: 'quarantined', reason }
    }
    if (standing === 'following' && stage === 'quarantined' && holds)
      return { type: 'note', version, stage: 'serving', reason: 'it is well again' }
  }
  return undefined
}

/** Only the newest falls back: it is the one that counts. The first is pinned, and the previous one was left already. */
function fallBack({ record }: LaneSnapshot): Action | undefined {
  const newest = newestOf(record.pointers)
  if (!newest || !record.fallBackTo || stageOf(record, newest) !== 'quarantined') return undefined
  return { type: 'fallBack', reason: `version ${newest.version} is in quarantine` }
}

/** Whoever holds a slot, or owes candles from when it did, has an actor. */
function keepAlive({ record, lives }: LaneSnapshot): Action | undefined {
  const holders = record.pointers.filter(({ until }) => until === null).map(versionOf)
  const owing = record.stages.filter(({ stage }) => stage === 'draining').map((it) => it.version)
  for (const version of [...holders, ...owing]) {
    const life = lives.find((one) => isSame(one.version, version))
    // What could not even be started is left as it is until somebody releases it, or the daemon starts anew.
    if (!life && stageOf(record, version) === 'quarantined') continue
    if (!life) return { type: 'spawn', version }
    if (!holdsSlot(record.pointers, version)) continue
    if (life.standing === 'left')
      return { type: 'remove', version, reason: 'it has a slot again, and starts anew' }
    if (life.drainingMs !== null) return { type: 'drain', version, to: null }
  }
  return undefined
}

/** Drains what holds no slot any more, and takes away what nobody needs. */
function seeOff({ record, lives, position }: LaneSnapshot, policy: SwapPolicy): Action | undefined {
  for (const life of lives) {
    const { version, standing, drainingMs } = life
    if (holdsSlot(record.pointers, version)) continue
    if (stageOf(record, version) === 'draining') {
      if (standing === 'left') return { type: 'archive', version }
      const to = lastHeld(record.pointers, version)
      if (drainingMs === null) return { type: 'drain', version, to }
      if (drainingMs > policy.drainMsMax)
        return { type: 'remove', version, reason: 'it has not drained in its time' }
      continue
    }
    const isChallenger = record.swaps.some((one) => isUnderWay(one) && isSame(one.to, version))
    if (isChallenger) continue
    const to = lastHeld(record.pointers, version)
    if (!owes(life, to, position, policy))
      return { type: 'remove', version, reason: 'it holds no slot' }
    if (standing !== 'quarantined' && drainingMs === null) return { type: 'drain', version, to }
  }
  return undefined
}

/**
 * A version that was wanted again while it still owed candles of a slot, and then was not, is not sent away over them: it
 * answers, or its holes are kept for as long as it stands in quarantine.
 */
function owes(
  { standing, answeredTo, drainingMs }: LifeView,
  to: Millis,
  position: Millis | undefined,
  { drainMsMax, intervalMs }: SwapPolicy,
): boolean {
  if (position === undefined || standing === 'left') return false
  if (standing === 'quarantined') return position <= to + intervalMs
  return answeredTo < to && (drainingMs ?? 0) <= drainMsMax
}

/** A cut is over when its first candle is answered in every slot and what it let go has left. */
function settle({ record, lives, position }: LaneSnapshot, policy: SwapPolicy): Action | undefined {
  const swap = record.swaps.find(({ cutAt }) => cutAt !== null)
  if (!swap || position === undefined) return undefined
  const answered = (swap.cutAt as Millis) + policy.intervalMs
  const end: Action = { type: 'end', swap, state: 'done', reason: null }
  if (position >= answered + policy.settleCandlesMax * policy.intervalMs) return end
  const isDraining = record.stages.some(({ stage }) => stage === 'draining')
  const holders = record.pointers.filter(({ until }) => until === null)
  const allAnswered = holders.every((held) =>
    lives.some((life) => isSame(life.version, held) && isDone(life, answered)),
  )
  return position >= answered && allAnswered && !isDraining ? end : undefined
}

function isDone(life: LifeView, to: Millis): boolean {
  return life.standing === 'quarantined' || life.answeredTo >= to
}

/** The swap under way, one stage further. */
function advance(it: LaneSnapshot, policy: SwapPolicy): Action | undefined {
  const swap = it.record.swaps.find(isUnderWay)
  if (!swap || it.isAtWork || it.position === undefined) return undefined
  const has = (stage: Stage): boolean =>
    swap.transitions.some((one) => one.stage === stage && isSame(one.version, swap.to))
  const verdict = swap.renewed ?? swap.verdict
  if (verdict?.verdict === 'refused')
    return { type: 'end', swap, state: 'rejected', reason: whyRefused(verdict) }
  if (!has('fetched')) return { type: 'work', swap, on: 'fetched' }
  if (!has('verified')) return { type: 'work', swap, on: 'verified' }
  const life = it.lives.find((one) => isSame(one.version, swap.to))
  if (!life) return { type: 'spawn', version: swap.to }
  if (life.standing === 'left')
    return { type: 'remove', version: swap.to, reason: 'it is to come back' }
  if (life.standing === 'quarantined')
    return { type: 'end', swap, state: 'rejected', reason: life.reason ?? inQuarantine(swap) }
  if (life.standing !== 'following') return undefined
  if (!has('loaded')) return { type: 'write', swap, stage: 'loaded' }
  if (!has('warmed')) return { type: 'write', swap, stage: 'warmed' }
  if (!has('judged')) return { type: 'work', swap, on: 'judged' }
  if (!has('backfilled')) return { type: 'work', swap, on: 'backfilled' }
  if (!has('shadowing')) return { type: 'write', swap, stage: 'shadowing' }
  return leaveShadow(swap, life, it.position, policy)
}

function leaveShadow(
  swap: Swap,
  life: LifeView,
  position: Millis,
  { shadowCandles, intervalMs }: SwapPolicy,
): Action | undefined {
  const since = swap.transitions.find(({ stage }) => stage === 'shadowing')?.candleAt ?? position
  if (life.answeredTo < since + shadowCandles * intervalMs) return undefined
  if (swap.renewed === null && (shadowCandles > 0 || isUnjudged(swap.verdict)))
    return { type: 'renew', swap }
  // Whoever is behind would make the first candles after the cut wait.
  return life.answeredTo >= position - intervalMs ? { type: 'cut', swap } : undefined
}

function takeNext(
  { record, lives, position, isAtWork }: LaneSnapshot,
  { intervalMs }: SwapPolicy,
): Action | undefined {
  const [first] = record.swaps
  if (first?.state !== 'waiting' || isAtWork || position === undefined) return undefined
  const isBroken = stageOf(record, first.to) === 'quarantined'
  // A person may try it again, once its holes of the slot that it lost are kept: until then it has to stand as it is.
  const isStanding =
    lives.some((it) => isSame(it.version, first.to)) ||
    position <= lastHeld(record.pointers, first.to) + intervalMs
  if (isBroken && (first.askedBy !== 'operator' || isStanding))
    return { type: 'end', swap: first, state: 'rejected', reason: inQuarantine(first) }
  return { type: 'begin', swap: first }
}

/** Beside everything else: whoever is on its way to a slot has its own backfill, and whoever lost it needs none. */
function followHistory({ record, lives, behind, position }: LaneSnapshot): Action | undefined {
  if (position === undefined) return undefined
  const version = behind.find(
    (one) =>
      holdsSlot(record.pointers, one) &&
      lives.some((life) => isSame(life.version, one) && life.standing === 'following'),
  )
  return version && { type: 'catchUp', version }
}

function inQuarantine({ to }: Swap): string {
  return `version ${to.version} is in quarantine`
}

/** Nobody has judged it yet: it has to show itself in the ledger, however short its shadow. */
export function isUnjudged(verdict: Verdict | null): boolean {
  return verdict?.reasons.some(({ code }) => code === 'unjudged') ?? false
}

function isUnderWay({ state, cutAt }: Swap): boolean {
  return state === 'running' && cutAt === null
}

/** In v3, else in v2, else in v1, as the last change has it. */
export function newestOf(pointers: readonly Pointer[]): Version | undefined {
  const open = pointers.filter(({ until }) => until === null)
  const of = (slot: Pointer['slot']): Pointer | undefined => open.find((it) => it.slot === slot)
  const held = of('v3') ?? of('v2') ?? of('v1')
  return held && versionOf(held)
}

function holdsSlot(pointers: readonly Pointer[], version: Version): boolean {
  return pointers.some((it) => it.until === null && isSame(it, version))
}

/** Opening of the first candle that it does not owe. */
function lastHeld(pointers: readonly Pointer[], version: Version): Millis {
  return pointers
    .filter((it) => isSame(it, version))
    .reduce((last, { until }) => Math.max(last, until ?? 0), 0)
}

function stageOf(record: LaneRecord, version: Version): Stage | undefined {
  return record.stages.find((it) => isSame(it.version, version))?.stage
}

export function isSame(a: Version, b: Version): boolean {
  return a.version === b.version && a.family === b.family && a.coin === b.coin
}

function versionOf({ coin, family, version }: Version): Version {
  return { coin, family, version }
}
