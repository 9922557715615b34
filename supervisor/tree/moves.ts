/**
 * What may be started and stopped now: children start in order and stop in reverse. A child starts only from `down`, so
 * it never has two lives at once.
 */
import { type Action, type Child, type Decision, type Family, known, replace } from './family.ts'

export function move(family: Family): Decision {
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
