/** The supervision tree as data: what is started, in which order, and what happens when it dies. */
import type { Mailbox } from '../../actors/mailbox.ts'
import type { ActorSpec, Address } from '../../actors/protocol.ts'
import type { Millis } from '../../streams/time.ts'

/** one_for_one restarts the dead child alone; rest_for_one also those started after it; one_for_all every sibling. */
export type Strategy = 'one_for_one' | 'rest_for_one' | 'one_for_all'

export interface RestartPolicy {
  readonly delayMsMin: Millis
  readonly delayMsMax: Millis
  /** More restarts than this inside the window and the supervisor gives up on the child. */
  readonly restartsMax: number
  readonly windowMs: Millis
  /** Health for so long forgets earlier crashes. */
  readonly healthyAfterMs: Millis
}

/** What becomes of a child that needs more restarts than its policy allows. */
export type GivingUp = 'quarantine' | 'escalate'

export interface WorkerSpec {
  readonly type: 'worker'
  readonly id: string
  readonly kind: string
  /** permanent: always back; transient: back after a crash, not after it left by itself; temporary: never. */
  readonly restart: 'permanent' | 'transient' | 'temporary'
  readonly shutdownMs: Millis
  readonly policy: RestartPolicy
  readonly givingUp: GivingUp
  /** The actor behind it and its mailbox, with their types folded away; made by `worker()`. */
  readonly actor: ErasedActor
  readonly mailbox: Mailbox<never>
}

export interface SupervisorSpec {
  readonly type: 'supervisor'
  readonly id: string
  readonly kind: string
  readonly strategy: Strategy
  readonly policy: RestartPolicy
  /** How many children may start, or leave, at the same time: 1 unless said. A group of independent siblings says more. */
  readonly abreast?: number
  /** Started in this order, stopped in reverse. */
  readonly children: readonly ChildSpec[]
}

export type ChildSpec = WorkerSpec | SupervisorSpec

export type ErasedActor = ActorSpec<never, never>

/** A worker's spec together with the address it will have, wherever it stands in the tree and whichever life it is in. */
export interface Worker<M> {
  readonly spec: WorkerSpec
  readonly address: Address<M>
}

export interface TreeNode {
  readonly name: string
  readonly path: string
  readonly kind: string
  readonly state:
    | 'starting'
    | 'running'
    | 'draining'
    | 'waiting'
    | 'quarantined'
    | 'paused'
    | 'stopped'
  readonly epoch: number
  readonly restarts: number
  readonly mailbox: number
  readonly dropped: number
  readonly lastProgressAt: Millis | null
  /** Why it is quarantined or waiting, in words. */
  readonly reason: string | null
  readonly children: readonly TreeNode[]
}

/** A node by itself: looking at one must not cost a walk over all below it. */
export type LoneNode = Omit<TreeNode, 'children'>

/** Told not to run until it is told otherwise. */
export type Rest = 'paused' | 'quarantined'

/** The running tree. Every promise settles when the thing has happened or its deadline has passed. */
export interface Tree {
  readonly snapshot: () => TreeNode
  /** A node with all below it. */
  readonly find: (path: string) => TreeNode | undefined
  /** The same without what is below it; for questions that are asked for every candle. */
  readonly look: (path: string) => LoneNode | undefined
  /** Of the newest life at that path; undefined where none ever began, or the node is gone. */
  readonly epochAt: (path: string) => number | undefined
  /** Whether it, or what it stands under, was told to rest. */
  readonly rest: (path: string) => Rest | undefined
  /** Whether it went by itself, as a transient child may; one that has not begun yet, or stands still beside others, has not. */
  readonly hasLeft: (path: string) => boolean
  /** Adds a child under a running supervisor and starts it. */
  readonly add: (parentPath: string, child: ChildSpec) => Promise<void>
  /** Drains, stops and forgets a child with all below it. */
  readonly remove: (path: string) => Promise<void>
  readonly restart: (path: string, reason: string) => Promise<void>
  /** Drains and holds it until `resume`. */
  readonly pause: (path: string, reason: string) => Promise<void>
  readonly resume: (path: string) => Promise<void>
  /** Ends a quarantine: the child starts again with a clean history. */
  readonly release: (path: string) => Promise<void>
  /** Sets a worker aside at once, as if it had used up its restarts; for faults seen outside it (poison in the pool). */
  readonly quarantine: (path: string, reason: string) => Promise<void>
  /** Reverse order of start, within the deadline; what has not left by then is killed and named. */
  readonly stop: (deadlineMs: Millis) => Promise<{ readonly killed: readonly string[] }>
  /** Settles when the root has given up: the daemon then exits non-zero. */
  readonly failed: Promise<{ readonly path: string; readonly reason: string }>
}
