/** Finds its way through a running tree by path: the ids from the root down, `market/BTC-USDT/lightgbm/7`. */
import { Fault } from '../../streams/fault.ts'
import type { Running } from './running.ts'
import { RunningSupervisor } from './running-supervisor.ts'
import { RunningWorker } from './running-worker.ts'
import type { LoneNode, TreeNode } from './spec.ts'

/** The supervisor of a path, and the id of the path under it. The root has none: it is stopped, not commanded. */
export function whereIs(
  root: RunningSupervisor,
  path: string,
): { readonly supervisor: RunningSupervisor; readonly id: string } {
  const cut = path.lastIndexOf('/')
  if (cut < 0) throw unknown(path)
  const supervisor = supervisorAt(root, path.slice(0, cut))
  const id = path.slice(cut + 1)
  if (supervisor.child(id) === undefined) throw unknown(path)
  return { supervisor, id }
}

export function supervisorAt(root: RunningSupervisor, path: string): RunningSupervisor {
  const found = at(root, path)
  if (found instanceof RunningSupervisor) return found
  throw unknown(path)
}

export function nodeAt(root: RunningSupervisor, path: string): TreeNode | undefined {
  if (path === root.path) return root.ownSnapshot()
  const cut = path.lastIndexOf('/')
  const parent = at(root, path.slice(0, Math.max(cut, 0)))
  return parent instanceof RunningSupervisor ? parent.childSnapshot(path.slice(cut + 1)) : undefined
}

export function aloneAt(root: RunningSupervisor, path: string): LoneNode | undefined {
  if (path === root.path) return root.ownAlone()
  const cut = path.lastIndexOf('/')
  const parent = at(root, path.slice(0, Math.max(cut, 0)))
  return parent instanceof RunningSupervisor ? parent.childAlone(path.slice(cut + 1)) : undefined
}

export function hasLeftAt(root: RunningSupervisor, path: string): boolean {
  const cut = path.lastIndexOf('/')
  const parent = at(root, path.slice(0, Math.max(cut, 0)))
  return parent instanceof RunningSupervisor && parent.childHasLeft(path.slice(cut + 1))
}

export function* workersUnder(supervisor: RunningSupervisor): Generator<RunningWorker> {
  for (const child of supervisor.children()) {
    if (child instanceof RunningSupervisor) yield* workersUnder(child)
    else if (child instanceof RunningWorker) yield child
  }
}

function at(root: RunningSupervisor, path: string): Running | undefined {
  const [first, ...ids] = path.split('/')
  let found: Running | undefined = first === root.spec.id ? root : undefined
  for (const id of ids) found = found instanceof RunningSupervisor ? found.child(id) : undefined
  return found
}

function unknown(path: string): Fault {
  return new Fault('tree.unknown', `there is no ${path} in the tree`)
}
