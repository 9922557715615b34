/**
 * What a supervisor does next, as a pure function of what it knows and what happened. Every event first changes what is
 * known, then the moves that this allows are made, level-triggered, so an event that comes twice harms nothing.
 */
import {
  type Action,
  type Child,
  change,
  type Decision,
  type Ending,
  type Family,
  type Happening,
  isOnItsWay,
  known,
  replace,
} from './family.ts'
import { move } from './moves.ts'
import { backOff, judge } from './restart-policy.ts'

export function decide(before: Family, happening: Happening): Decision {
  const known = learn(before, happening)
  const moved = move(known.family)
  return conclude(moved.family, [...known.actions, ...moved.actions])
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
  if (failure.passing) return waits(family, child, down, happening)
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

/** The database is away, a queue is full: it comes back for as long as that takes, and nobody gives up on it. */
function waits(
  family: Family,
  child: Child,
  down: Child,
  { failure, now, chance }: Ending,
): Decision {
  const wasHealthy = child.upSince !== null && now - child.upSince >= child.policy.healthyAfterMs
  const before = wasHealthy ? 0 : child.setbacks
  const waiting: Child = {
    ...down,
    waiting: true,
    setbacks: before + 1,
    restarts: child.restarts + 1,
    reason: failure.reason,
  }
  const delayMs = backOff(child.policy, before, chance)
  return known(recycle(replace(family, waiting), child.id, false), {
    type: 'wait',
    id: child.id,
    delayMs,
  })
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
  return { ...child, wish: 'up', crashes: [], setbacks: 0, reason: null }
}
