/** The running tree: starts a root supervisor with all below it, takes operators' commands by path, and ends in order. */
import { type Observable, Subject } from 'rxjs'
import type { Clock } from '../../streams/time.ts'
import { type Death, DeathWatch } from './death-watch.ts'
import type { Failure, Happening } from './family.ts'
import { Lives } from './lives.ts'
import { Rests } from './rests.ts'
import type { Ground, Report } from './running.ts'
import { RunningSupervisor } from './running-supervisor.ts'
import { shutDown } from './shutdown.ts'
import type { SupervisorSpec, Tree } from './spec.ts'
import { aloneAt, hasLeftAt, nodeAt, supervisorAt, whereIs, workersUnder } from './walk.ts'
import { watchProgress } from './watchdog.ts'

export interface TreePorts {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** Answers a number greater than any it answered before, across restarts of the daemon too. */
  readonly epochs: () => number
}

export interface RunningTree extends Tree {
  /** Every child is up, or waits to be tried again, or stands behind one that waits; or the tree has ended. */
  readonly started: Promise<void>
  /** Death watch: hears of every incarnation that ends at a path, with its epoch and why. Returns the way to stop. */
  readonly watch: (path: string, hear: (death: Death) => void) => () => void
  /** The paths whose state changed, one at a time, for the event stream. Completes when the tree has ended. */
  readonly changes$: Observable<string>
}

/** Settles when the first pass over the tree is over. A child that cannot start never holds it up past its deadline. */
export async function startTree(spec: SupervisorSpec, ports: TreePorts): Promise<RunningTree> {
  const tree = openTree(spec, ports)
  await tree.started
  return tree
}

/** Begins to start, and gives at once what can be looked at, commanded and stopped. */
export function openTree(spec: SupervisorSpec, ports: TreePorts): RunningTree {
  const changes = new Subject<string>()
  const deaths = new DeathWatch()
  const started = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const failed = Promise.withResolvers<Failure>()
  const ground: Ground = {
    ...ports,
    lives: new Lives(),
    rests: new Rests(),
    changed: (path) => changes.next(path),
    ended: (death) => deaths.tell(death),
  }
  const hearRoot = (report: Report): void => {
    started.resolve()
    if (report.type === 'gaveUp') failed.resolve(report.failure)
    if (report.type === 'stopped' || report.type === 'crashed') ended.resolve()
  }
  const root = new RunningSupervisor(spec.id, spec, ground, hearRoot)
  const watchdog = watchProgress(ports.clock, () => workersUnder(root))
  root.start()

  const command = async (path: string, happening: (id: string) => Happening): Promise<void> => {
    const { supervisor, id } = whereIs(root, path)
    supervisor.handle(happening(id))
    await supervisor.rested(id)
  }
  const leave = async (): Promise<void> => {
    root.handle({ type: 'stop' })
    await ended.promise
  }
  return {
    started: started.promise,
    snapshot: () => root.ownSnapshot(),
    find: (path) => nodeAt(root, path),
    look: (path) => aloneAt(root, path),
    epochAt: (path) => ground.lives.epochAt(path),
    rest: (path) => ground.rests.at(path),
    hasLeft: (path) => hasLeftAt(root, path),
    add: async (parentPath, child) => {
      const parent = supervisorAt(root, parentPath)
      parent.add(child)
      await parent.rested(child.id)
    },
    remove: (path) => command(path, (id) => ({ type: 'remove', id })),
    restart: (path, reason) => command(path, (id) => ({ type: 'restart', id, reason })),
    pause: (path, reason) => command(path, (id) => ({ type: 'pause', id, reason })),
    resume: (path) => command(path, (id) => ({ type: 'resume', id })),
    release: (path) => command(path, (id) => ({ type: 'release', id })),
    quarantine: (path, reason) => command(path, (id) => ({ type: 'quarantine', id, reason })),
    stop: async (deadlineMs) => {
      watchdog.unsubscribe()
      const killed = new Set<string>()
      const forget = deaths.watchAll(({ path, end }) => {
        if (end.type === 'killed') killed.add(path)
      })
      const late = await shutDown(
        { stop: leave, kill: (reason) => root.kill(reason) },
        ports.clock,
        deadlineMs,
      )
      forget()
      changes.complete()
      return { killed: [...new Set([...killed, ...late])] }
    },
    failed: failed.promise,
    watch: (path, hear) => deaths.watch(path, hear),
    changes$: changes.asObservable(),
  }
}
