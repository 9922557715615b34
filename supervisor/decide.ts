/**
 * What a supervisor does next, as a pure function of what it knows and what happened. A child is
 * `down → starting → up → stopping → down`; why it should be up or not is its wish. Every event first changes what is
 * known, then the moves that this allows are made, level-triggered, so an event that is lost or comes twice harms nothing.
 *
 * Children start in order and stop in reverse. A child starts only from `down`, so it never has two lives at once.
 */
import type { Millis } from '../streams/time.ts'
import { judge } from './restart-policy.ts'
import type { GivingUp, RestartPolicy, Strategy } from './spec.ts'

export type Wish = 'up' | 'paused' | 'quarantined' | 'left' | 'removed'

export interface Child {
  readonly id: string
  readonly restart: 'permanent' | 'transient' | 'temporary'
  readonly policy: RestartPolicy
  readonly givingUp: GivingUp
  readonly phase: 'down' | 'starting' | 'up' | 'stopping'
  readonly wish: Wish
  /** Has to go down before it may be up again, because it or a sibling it depends on restarts. */
  readonly recycle: boolean
  /** Its backoff runs. */
  readonly waiting: boolean
  /** Its first start since its supervisor began has settled, one way or the other. */
  readonly attempted: boolean
  readonly crashes: readonly Millis[]
  readonly upSince: Millis | null
  readonly restarts: number
  readonly reason: string | null
}

export interface Failure {
  readonly path: string
  readonly reason: string
}

export interface Family {
  readonly strategy: Strategy
  readonly abreast: number
  /** failing: it gave up and goes down, to be restarted by its own supervisor. */
  readonly mode: 'down' | 'running' | 'stopping' | 'failing'
  readonly failure: Failure | null
  /** Whether it has said that its first pass over the children is over. */
  readonly settled: boolean
  readonly children: readonly Child[]
}

export type Happening =
  | { readonly type: 'begin' }
  | { readonly type: 'stop' }
  | { readonly type: 'started'; readonly id: string; readonly now: Millis }
  | { readonly type: 'stopped'; readonly id: string }
  | ({ readonly type: 'crashed' | 'left' } & Ending)
  | { readonly type: 'due'; readonly id: string }
  | { readonly type: 'add'; readonly child: Child }
  | {
      readonly type: 'pause' | 'quarantine' | 'restart'
      readonly id: string
      readonly reason: string
    }
  | { readonly type: 'resume' | 'release' | 'remove'; readonly id: string }

interface Ending {
  readonly id: string
  readonly failure: Failure
  readonly now: Millis
  readonly chance: number
}

export type Action =
  | { readonly type: 'start'; readonly id: string }
  | { readonly type: 'stop'; readonly id: string; readonly how: 'drain' | 'kill' }
  | { readonly type: 'wait'; readonly id: string; readonly delayMs: Millis }
  /** It will not come back by itself: what waits in its mailbox is lost. */
  | { readonly type: 'discard'; readonly id: string }
  | { readonly type: 'forget'; readonly id: string }
  /** The first pass over the children is over: each is up, waits after a crash, or stands behind one that does. */
  | { readonly type: 'settled' }
  | { readonly type: 'gaveUp'; readonly failure: Failure }
  | { readonly type: 'ended'; readonly failure: Failure | null }

export interface Decision {
  readonly family: Family
  readonly actions: readonly Action[]
}

export function decide(before: Family, happening: Happening): Decision {
  const known = learn(before, happening)
  const moved = move(known.family)
  return conclude(moved.family, [...known.actions, ...moved.actions])
}

/** Neither on its way nor about to be: nothing more happens to it until something else does. */
export function isAtRest(family: Family, id: string): boolean {
  const child = family.children.find((candidate) => candidate.id === id)
  if (child === undefined) return true
  if (child.phase === 'starting' || child.phase === 'stopping' || child.recycle) return false
  if (child.phase === 'up' || child.wish !== 'up' || child.waiting) return true
  return !family.children.some(isOnItsWay)
}

function learn(family: Family, happening: Happening): Decision {
  switch (happening.type) {
    case 'begin':
      return known({
        ...family,
        mode: 'running',
        failure: null,
        settled: false,
        children: family.children.map(afresh),
      })
    case 'stop':
      return known({ ...family, mode: 'stopping', children: family.children.map(withoutWaiting) })
    case 'started':
      return known(
        change(family, happening.id, (child) =>
          child.phase === 'starting'
            ? { ...child, phase: 'up', attempted: true, upSince: happening.now, reason: null }
            : child,
        ),
      )
    case 'stopped':
      return wentDown(family, happening.id)
    case 'crashed':
    case 'left':
      return endedByItself(family, happening)
    case 'due':
      return known(change(family, happening.id, withoutWaiting))
    case 'add':
      return known({ ...family, children: [...family.children, happening.child] })
    case 'pause':
      return wishes(family, happening.id, 'paused', happening.reason)
    case 'quarantine':
      return wishes(family, happening.id, 'quarantined', happening.reason)
    case 'remove':
      return wishes(family, happening.id, 'removed', null)
    case 'resume':
      return known(
        change(family, happening.id, (child) => (child.wish === 'paused' ? wanted(child) : child)),
      )
    case 'release':
      return known(
        change(family, happening.id, (child) =>
          child.wish === 'quarantined' ? wanted(child) : child,
        ),
      )
    case 'restart': {
      const again = change(family, happening.id, (child) =>
        child.wish === 'left' ? wanted(child) : withoutWaiting(child),
      )
      return known(recycle(again, happening.id, true))
    }
  }
}

function endedByItself(
  family: Family,
  happening: Ending & { readonly type: 'crashed' | 'left' },
): Decision {
  const { id, failure, now, chance } = happening
  const child = family.children.find((candidate) => candidate.id === id)
  if (child === undefined) return known(family)
  const down: Child = { ...child, phase: 'down', recycle: false, attempted: true, upSince: null }
  if (child.phase === 'stopping' || family.mode !== 'running' || child.wish !== 'up')
    return wentDown(family, id)
  if (
    child.restart === 'temporary' ||
    (child.restart === 'transient' && happening.type === 'left')
  ) {
    return known(replace(family, { ...down, wish: 'left', reason: failure.reason }), {
      type: 'discard',
      id,
    })
  }
  const verdict = judge(child.policy, child.crashes, child.upSince, now, chance)
  const { crashes } = verdict
  if (verdict.type === 'restart') {
    const waiting: Child = {
      ...down,
      waiting: true,
      crashes,
      restarts: child.restarts + 1,
      reason: failure.reason,
    }
    return known(recycle(replace(family, waiting), id, false), {
      type: 'wait',
      id,
      delayMs: verdict.delayMs,
    })
  }
  if (child.givingUp === 'quarantine') {
    const reason = `${crashes.length} crashes, the last: ${failure.reason}`
    const quarantined: Child = { ...down, wish: 'quarantined', crashes, reason }
    return known(recycle(replace(family, quarantined), id, false), { type: 'discard', id })
  }
  const failing: Family = {
    ...replace(family, { ...down, crashes, reason: failure.reason }),
    mode: 'failing',
    failure,
  }
  return known(
    { ...failing, children: failing.children.map(withoutWaiting) },
    { type: 'gaveUp', failure },
  )
}

function wishes(
  family: Family,
  id: string,
  wish: 'paused' | 'quarantined' | 'removed',
  reason: string | null,
): Decision {
  const child = family.children.find((candidate) => candidate.id === id)
  if (child === undefined || child.wish === 'removed') return known(family)
  if (wish === 'paused' && child.wish === 'quarantined') return known(family)
  const changed = replace(family, { ...child, wish, reason, waiting: false, recycle: false })
  if (wish === 'quarantined' && child.phase === 'stopping')
    return known(changed, { type: 'stop', id, how: 'kill' })
  return child.phase === 'down' ? wentDown(changed, id) : known(changed)
}

/** A child that is not wanted up loses what waits for it; one that was removed is forgotten. */
function wentDown(family: Family, id: string): Decision {
  const child = family.children.find((candidate) => candidate.id === id)
  if (child === undefined) return known(family)
  if (child.wish === 'removed') {
    const children = family.children.filter((other) => other.id !== id)
    return known({ ...family, children }, { type: 'discard', id }, { type: 'forget', id })
  }
  const down = replace(family, {
    ...child,
    phase: 'down',
    recycle: false,
    attempted: family.mode === 'running',
    upSince: null,
  })
  return child.wish === 'up' ? known(down) : known(down, { type: 'discard', id })
}

/** Those that the strategy restarts together with a child go down first; with a crash, the child itself is down already. */
function recycle(family: Family, id: string, withItself: boolean): Family {
  const at = family.children.findIndex((child) => child.id === id)
  const isMeant = (index: number): boolean => {
    if (index === at) return withItself
    if (family.strategy === 'one_for_one') return false
    return family.strategy === 'one_for_all' || index > at
  }
  const isLiving = (child: Child): boolean => child.phase === 'up' || child.phase === 'starting'
  const children = family.children.map((child, index) =>
    isMeant(index) && isLiving(child) ? { ...child, recycle: true } : child,
  )
  return { ...family, children }
}

function move(family: Family): Decision {
  const stopped = stopInReverse(family)
  if (family.mode !== 'running') return stopped
  const started =
    family.strategy === 'one_for_one' ? startFreely(stopped.family) : startInOrder(stopped.family)
  return { family: started.family, actions: [...stopped.actions, ...started.actions] }
}

/** The order binds those that go down together; one that is set aside alone does not wait for others, nor they for it. */
function stopInReverse(family: Family): Decision {
  const actions: Action[] = []
  let leaving = family.children.filter(
    (child) => child.phase === 'stopping' && isBound(family, child),
  ).length
  const children = family.children.toReversed().map((child): Child => {
    if (child.phase !== 'up' && child.phase !== 'starting') return child
    const bound = isBound(family, child)
    if (!bound && child.wish === 'up') return child
    if (bound && leaving >= family.abreast) return child
    if (bound) leaving += 1
    actions.push({
      type: 'stop',
      id: child.id,
      how: child.wish === 'quarantined' ? 'kill' : 'drain',
    })
    return { ...child, phase: 'stopping' }
  })
  return { family: { ...family, children: children.toReversed() }, actions }
}

function isBound(family: Family, child: Child): boolean {
  return family.mode !== 'running' || child.recycle
}

/** Independent siblings: first starts in order, a bounded number at a time; whoever comes back waits for nobody. */
function startFreely(family: Family): Decision {
  const actions: Action[] = []
  let entering = family.children.filter(
    (child) => child.phase === 'starting' && !child.attempted,
  ).length
  const children = family.children.map((child): Child => {
    if (child.phase !== 'down' || child.wish !== 'up' || child.waiting) return child
    if (!child.attempted) {
      if (entering >= family.abreast) return child
      entering += 1
    }
    actions.push({ type: 'start', id: child.id })
    return { ...child, phase: 'starting' }
  })
  return { family: { ...family, children }, actions }
}

/** Each stands on those before it, so the first that is not up is the only one that may start. */
function startInOrder(family: Family): Decision {
  if (family.children.some((child) => child.phase === 'stopping' || child.recycle))
    return known(family)
  if (family.strategy === 'one_for_all' && family.children.some((child) => child.waiting))
    return known(family)
  const next = family.children.find((child) => child.wish === 'up' && child.phase !== 'up')
  if (next === undefined || next.phase !== 'down' || next.waiting) return known(family)
  return known(replace(family, { ...next, phase: 'starting' }), { type: 'start', id: next.id })
}

function conclude(family: Family, actions: readonly Action[]): Decision {
  if (family.mode === 'running') {
    if (family.settled || family.children.some(isOnItsWay)) return { family, actions }
    return { family: { ...family, settled: true }, actions: [...actions, { type: 'settled' }] }
  }
  if (family.mode === 'down' || family.children.some((child) => child.phase !== 'down'))
    return { family, actions }
  const children = family.children.map((child) => ({ ...child, attempted: false }))
  const discards = children.map(({ id }) => ({ type: 'discard', id }) as const)
  const ended = { type: 'ended', failure: family.failure } as const
  return {
    family: { ...family, mode: 'down', children },
    actions: [...actions, ...discards, ended],
  }
}

function isOnItsWay(child: Child): boolean {
  return child.phase === 'starting' || child.phase === 'stopping'
}

/**
 * What was set aside stays so when its supervisor restarts, and crashes stay known: one that goes on crashing makes its
 * supervisor give up again soon, and those above hear of it.
 */
function afresh(child: Child): Child {
  const wish = child.wish === 'left' ? 'up' : child.wish
  return { ...child, wish, waiting: false, recycle: false, attempted: false, upSince: null }
}

function withoutWaiting(child: Child): Child {
  return child.waiting ? { ...child, waiting: false } : child
}

function wanted(child: Child): Child {
  return { ...child, wish: 'up', crashes: [], reason: null }
}

function change(family: Family, id: string, how: (child: Child) => Child): Family {
  return {
    ...family,
    children: family.children.map((child) => (child.id === id ? how(child) : child)),
  }
}

function replace(family: Family, child: Child): Family {
  return change(family, child.id, () => child)
}

function known(family: Family, ...actions: readonly Action[]): Decision {
  return { family, actions }
}
