/**
 * What an actor is here: a plain function of state and message, an address that survives its incarnations, and a spec
 * that says how it starts, answers and leaves. `actor.ts` runs it; tests call the functions directly.
 */
import type { Observable } from 'rxjs'
import type { Clock, Millis } from '../streams/time.ts'

/**
 * Where an actor can be told something. It stays the same across restarts. `tell` answers false when the message was not
 * taken: the mailbox is full, or nobody is at home. Then it has been counted and kept as a dead letter, and a producer
 * of anything that must not be lost tells it again later.
 */
export interface Address<M> {
  /** `market/BTC-USDT/lightgbm/7`: the ids from the root down. */
  readonly path: string
  readonly tell: (message: M) => boolean
}

/** One life of an actor, as it sees itself. Everything it starts here ends with it. */
export interface Self<M> extends Address<M> {
  /** Grows with every incarnation anywhere in the fleet, across restarts of the daemon too. */
  readonly epoch: number
  readonly clock: Clock
  /** Aborted when this incarnation ends, however it ends. */
  readonly signal: AbortSignal
  /** Tells itself after a delay on its clock. */
  readonly after: (delayMs: Millis, message: M) => void
  /** Tells itself what a promise gives; a rejection crashes this incarnation. */
  readonly pipe: <T>(promise: Promise<T>, toMessage: (value: T) => M) => void
  /**
   * Tells itself what a stream emits until this incarnation ends; an error in the stream crashes it. Where the mailbox
   * is full, the newest emission is dropped and counted: streams followed this way carry hints, not facts.
   */
  readonly follow: (stream: Observable<M>) => void
  /**
   * Where what it asked for comes back: over the bound, since it would stand still without it, and to this life only.
   * False once the life is over.
   */
  readonly answers: Address<M>
  /** Leaves by itself, as if asked to drain; what `restart` says in its spec decides whether it comes back. */
  readonly leave: () => void
}

export type Behaviour<S, M> = (state: S, message: M, self: Self<M>) => S | Promise<S>

export interface ActorSpec<S, M> {
  /** What the tree and the metrics call it: `coin`, `version`, `sink` … */
  readonly kind: string
  readonly mailboxMax: number
  /** How long `start`, one `receive` or `drain` may take before the incarnation counts as hung and is replaced. */
  readonly deadlineMs: Millis
  readonly start: (self: Self<M>) => S | Promise<S>
  readonly receive: Behaviour<S, M>
  /** Finishes what it holds; no message comes after it. Without it, an actor leaves when its mailbox is empty. */
  readonly drain?: (state: S, self: Self<M>) => void | Promise<void>
  /** Lets go of what it opened. Called exactly once per started incarnation, after its last handler has settled or been given up. */
  readonly end?: (state: S) => void | Promise<void>
}
