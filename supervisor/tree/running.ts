/** What a supervisor knows of a running child, be it a worker or a supervisor, and what all of a tree share. */
import type { Clock } from '../../streams/time.ts'
import type { Death } from './death-watch.ts'
import type { Child, Failure } from './family.ts'
import type { Lives } from './lives.ts'
import type { Rests } from './rests.ts'
import type { LoneNode, Rest, TreeNode } from './spec.ts'

/** How a child tells its supervisor what became of it. A supervisor that gave up says so first, and crashes once all below are down. */
export type Report =
  | { readonly type: 'started' }
  | { readonly type: 'stopped' }
  | { readonly type: 'crashed' | 'left' | 'gaveUp'; readonly failure: Failure }

/** Starts and stops when told; reports once for every start, and once when that life is over. */
export interface Running {
  readonly path: string
  readonly start: () => void
  readonly stop: (how: 'drain' | 'kill') => void
  /** Buries what waits in its mailbox. */
  readonly discard: () => void
  /** Ends all workers below that still live, the last started first, and names them. */
  readonly kill: (reason: string) => readonly string[]
  readonly alone: (known: Child) => LoneNode
  readonly snapshot: (known: Child) => TreeNode
}

export interface Ground {
  readonly clock: Clock
  /** Uniform in [0, 1). */
  readonly random: () => number
  /** A number that was never given before, growing, across restarts of the daemon too. */
  readonly epochs: () => number
  readonly lives: Lives
  readonly rests: Rests
  readonly changed: (path: string) => void
  readonly ended: (death: Death) => void
}

export function stateOf(child: Child): TreeNode['state'] {
  switch (child.phase) {
    case 'starting':
      return 'starting'
    case 'up':
      return 'running'
    case 'stopping':
      return 'draining'
    case 'down':
      return restingState(child)
  }
}

export function restOf(child: Child): Rest | undefined {
  const state = stateOf(child)
  return state === 'paused' || state === 'quarantined' ? state : undefined
}

function restingState(child: Child): TreeNode['state'] {
  switch (child.wish) {
    case 'up':
      return child.waiting || child.attempted ? 'waiting' : 'stopped'
    case 'paused':
    case 'quarantined':
      return child.wish
    case 'left':
    case 'removed':
      return 'stopped'
  }
}
