/**
 * Where messages wait for an actor: bounded, and the stable address of every incarnation that comes and goes behind it.
 * Each accepted message is begun by one incarnation exactly once, or becomes a dead letter.
 *
 * nact's own mailbox is unbounded and loses its head when an actor stops, so messages wait here and nact is only asked
 * for turns. Messages that were not yet begun when an incarnation died wait for the next one. The one that was being
 * processed does not: it may be what killed it, and its producer knows best whether it may be told twice. A message
 * that was retold and killed three incarnations in a row is poison and refused, so that it cannot use up its actor's
 * restarts; after a minute it may be tried once more, since what killed may have been the world and not the message.
 */
import assert from 'node:assert/strict'
import { tell } from '../streams/channels.ts'
import { type Millis, minuteMs } from '../streams/time.ts'
import type { Address } from './protocol.ts'

/**
 * Why a message will be processed by nobody; each is told on `dead.letter`, and the store keeps them. full: the mailbox was
 * at its bound. absent: nobody is at home. crashed: it was being processed when its incarnation crashed or was killed.
 * poison: it did so three times in a row. left: still waiting when the actor left for good.
 */
type DeadReason = 'full' | 'absent' | 'crashed' | 'poison' | 'left'

/** `of` is the incarnation that told it to itself; such messages end with it. */
interface Waiting<M> {
  readonly message: M
  readonly of: object | undefined
}

interface Suspect<M> {
  readonly message: M
  readonly crashes: number
  readonly crashedAt: Millis
}

const attemptsMax = 3
/** An array of so many is kept for the next messages. */
const smallLength = 64
const poisonMs: Millis = minuteMs

export class Mailbox<M> implements Address<M> {
  readonly kind: string
  readonly max: number
  /** How many messages were begun, over all incarnations. */
  begun = 0
  /** How many became dead letters. */
  dropped = 0
  #path: string
  #open = false
  /** What waits stands from `#head` to before `#tail`. */
  #waiting: (Waiting<M> | undefined)[] = []
  #head = 0
  #tail = 0
  #wake: (() => void) | undefined
  #now: () => Millis = () => 0
  #suspect: Suspect<M> | undefined

  constructor(kind: string, max: number, path: string) {
    assert(Number.isInteger(max) && max > 0, `${kind}: a mailbox holds at least one message`)
    this.kind = kind
    this.max = max
    this.#path = path
  }

  get path(): string {
    return this.#path
  }

  get size(): number {
    return this.#tail - this.#head
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** An arrow, so that an address can be passed on as a function. */
  readonly tell = (message: M): boolean => {
    if (!this.#open) return this.#refuse(message, 'absent')
    if (this.size >= this.max) return this.#refuse(message, 'full')
    if (this.#isPoison(message)) return this.#refuse(message, 'poison')
    this.#push({ message, of: undefined })
    return true
  }

  /**
   * From the incarnation to itself. What it piped or timed comes in over the bound, because it started each of these
   * itself and would stand still without the answer; what it follows does not.
   */
  tellOwn(message: M, of: object, bounded: boolean): boolean {
    if (bounded && this.size >= this.max) return this.#refuse(message, 'full')
    this.#push({ message, of })
    return true
  }

  /** Opens it under a path, for the incarnation that is woken whenever there is something to take. */
  open(path: string, now: () => Millis, wake: () => void): void {
    assert(this.#wake === undefined, `${path}: two incarnations at one mailbox`)
    this.#path = path
    this.#open = true
    this.#now = now
    this.#wake = wake
  }

  /** Refuses what comes from outside from now on. */
  close(): void {
    this.#open = false
  }

  take(): { readonly message: M } | undefined {
    const next = this.#shift()
    if (next !== undefined) this.begun += 1
    return next
  }

  /** The incarnation is gone; what it had told itself goes with it. `unfinished` is the message it died on. */
  leave(
    of: object,
    unfinished: { readonly message: M; readonly crashed: boolean } | undefined,
  ): void {
    this.#wake = undefined
    this.#keep(this.#waiting.slice(this.#head, this.#tail).filter((waiting) => waiting?.of !== of))
    if (unfinished === undefined) return
    if (unfinished.crashed) this.#suspect = this.#suspicion(unfinished.message)
    this.#refuse(unfinished.message, this.#isPoison(unfinished.message) ? 'poison' : 'crashed')
  }

  /** Nobody will come for what waits: the actor was paused, quarantined, removed or the fleet is ending. */
  discard(): void {
    this.#open = false
    for (let next = this.#shift(); next !== undefined; next = this.#shift())
      this.#refuse(next.message, 'left')
  }

  /**
   * Most mailboxes hold one message at a time, so an array that has been emptied is used again, unless it has grown large.
   * One that is not is cut only when half of it is spent, so that a message costs the same whatever waits behind it.
   */
  #shift(): Waiting<M> | undefined {
    const next = this.#waiting[this.#head]
    if (next === undefined) return undefined
    this.#waiting[this.#head] = undefined
    this.#head += 1
    if (this.#head === this.#tail && this.#tail <= smallLength) this.#head = this.#tail = 0
    else if (this.#head * 2 >= this.#tail && this.#tail > smallLength)
      this.#keep(this.#waiting.slice(this.#head, this.#tail))
    return next
  }

  #push(waiting: Waiting<M>): void {
    this.#waiting[this.#tail] = waiting
    this.#tail += 1
    this.#wake?.()
  }

  #keep(waiting: (Waiting<M> | undefined)[]): void {
    this.#waiting = waiting
    this.#head = 0
    this.#tail = waiting.length
  }

  #suspicion(message: M): Suspect<M> {
    const before = this.#suspect
    const crashes = before?.message === message ? before.crashes + 1 : 1
    return { message, crashes, crashedAt: this.#now() }
  }

  #isPoison(message: M): boolean {
    const suspect = this.#suspect
    if (suspect?.message !== message || suspect.crashes < attemptsMax) return false
    return this.#now() < suspect.crashedAt + poisonMs
  }

  #refuse(message: M, reason: DeadReason): false {
    this.dropped += 1
    if (reason === 'full') tell('queue.dropped', { queue: this.kind, count: 1 })
    tell('dead.letter', { path: this.#path, reason, message })
    return false
  }
}
