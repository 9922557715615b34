/**
 * A supervisor's knowledge of itself and its children, what can happen to them, and what can be done about it, as data.
 * A child is `down → starting → up → stopping → down`; why it should be up or not is its wish.
 */
import type { Millis } from '../../streams/time.ts'
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
  /** Ends in a row that it could not help: they make it wait longer, and are not held against it. */
  readonly setbacks: number
  readonly upSince: Millis | null
  readonly restarts: number
  readonly reason: string | null
}

export interface Failure {
  readonly path: string
  readonly reason: string
  /** Expected trouble that will pass: a retryable Fault, such as a database that is away. */
  readonly passing?: boolean
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

export interface Ending {
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

/** Neither on its way nor about to be: nothing more happens to it until something else does. */
export function isAtRest(family: Family, id: string): boolean {
  const child = family.children.find((candidate) => candidate.id === id)
  if (child === undefined) return true
  if (child.phase === 'starting' || child.phase === 'stopping' || child.recycle) return false
  if (child.phase === 'up' || child.wish !== 'up' || child.waiting) return true
  return !family.children.some(isOnItsWay)
}

export function isOnItsWay(child: Child): boolean {
  return child.phase === 'starting' || child.phase === 'stopping'
}

export function change(family: Family, id: string, how: (child: Child) => Child): Family {
  return {
    ...family,
    children: family.children.map((child) => (child.id === id ? how(child) : child)),
  }
}

export function replace(family: Family, child: Child): Family {
  return change(family, child.id, () => child)
}

export function known(family: Family, ...actions: readonly Action[]): Decision {
  return { family, actions }
}
