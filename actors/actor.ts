/**
 * One incarnation of an actor on nact: `starting → running → draining → ending → ended`, where a crash, a kill or a
 * deadline leads from anywhere to ending. It handles one message at a time, tells its owner once that it started and
 * once how it ended, and lets nothing it does reach anybody else.
 *
 * nact 7.6.2 gives each actor its turns: one at a time, each in its own turn of the event loop, a promise awaited. Its
 * faults, stops and supervision are not used, since they can lose messages, run two handlers at once, or hang or end
 * the process; so no handler here throws or rejects into it. All nact actors stand flat under one system, because nact
 * copies the map of an actor's children for every message, and only a system receives none. The tree is our own data.
 */
import assert from 'node:assert/strict'
import * as nact from 'nact'
import { type Observable, Subscription } from 'rxjs'
import { tell } from '../streams/channels.ts'
import { Fault } from '../streams/fault.ts'
import type { Clock, Millis } from '../streams/time.ts'
import { Deadline } from './deadline.ts'
import type { Mailbox } from './mailbox.ts'
import type { ActorSpec, Self } from './protocol.ts'

/** How an incarnation ended. `deadline` says that it was hung rather than wrong. */
export type End =
  | { readonly type: 'crashed'; readonly error: unknown; readonly deadline: boolean }
  | { readonly type: 'drained' }
  | { readonly type: 'left' }
  | { readonly type: 'killed'; readonly reason: string }

/** What the owner of an incarnation holds. */
export interface Life {
  readonly epoch: number
  /** When it last finished a handler. */
  readonly progressAt: Millis | null
  /** Refuses new messages, finishes those that wait, lets `drain` finish what is held, ends. */
  readonly drain: () => void
  /** Ends it now; a handler under way is given up and its result ignored. */
  readonly kill: (reason: string) => void
}

export interface LifeOptions {
  readonly path: string
  readonly epoch: number
  readonly clock: Clock
  /** Both are called later than the call that caused them, never inside it. */
  readonly started: () => void
  readonly ended: (end: End) => void
}

/** Gauges for leak checks and for waiting until nothing is left to do. */
export interface Population {
  readonly incarnations: number
  /** Turns asked of nact and not yet begun. */
  readonly turns: number
}

export function incarnate<S, M>(
  spec: ActorSpec<S, M>,
  mailbox: Mailbox<M>,
  options: LifeOptions,
): Life {
  return new Incarnation(spec, mailbox, options)
}

export function population(): Population {
  return { incarnations, turns }
}

const system = nact.start()
let incarnations = 0
let turns = 0
let names = 0

/**
 * Messages that wait are taken together in one turn, since asking nact for a turn costs more than most handlers do; but
 * never so many that the other actors would have to wait longer than a slow handler makes them.
 */
const turnMessagesMax = 64
const turnMs: Millis = 2

/** A setInterval cannot wait longer; it would fire at once. */
const afterMsMax: Millis = 2 ** 31 - 1

/** Only a broken invariant of this file gets here. Nobody may go on after that, so it is thrown where nobody catches. */
const endProcess: nact.SupervisionActorFunc<unknown, nact.ActorSystemRef, nact.Ref<unknown>> = (
  _message,
  error,
  context,
) => {
  queueMicrotask(() => {
    throw error
  })
  return context.stop
}

type Phase = 'starting' | 'running' | 'ending' | 'ended'

class Incarnation<S, M> implements Life {
  readonly epoch: number
  progressAt: Millis | null = null
  readonly #spec: ActorSpec<S, M>
  readonly #mailbox: Mailbox<M>
  readonly #options: LifeOptions
  readonly #self: Self<M>
  readonly #nact: nact.Ref<undefined>
  readonly #abort = new AbortController()
  readonly #timers = new Subscription()
  readonly #followed = new Subscription()
  readonly #deadline: Deadline
  #phase: Phase = 'starting'
  #leaving: 'drained' | 'left' | undefined
  #state: { readonly value: S } | undefined
  #turnAsked = false
  #isTurning = false
  /** Grows with every handler begun or given up; a result that comes under an older number is late. */
  #work = 0
  #busy = false
  #current: { readonly message: M } | undefined
  /** It crashed beside its handler, in a stream or a promise, and ends when the handler has settled. */
  #crash: End | undefined

  constructor(spec: ActorSpec<S, M>, mailbox: Mailbox<M>, options: LifeOptions) {
    this.epoch = options.epoch
    this.#spec = spec
    this.#mailbox = mailbox
    this.#options = options
    this.#deadline = new Deadline(options.clock, spec.deadlineMs)
    mailbox.open(
      options.path,
      () => options.clock.now(),
      () => this.#askTurn(),
    )
    this.#self = this.#makeSelf()
    names += 1
    incarnations += 1
    this.#nact = nact.spawn(system, () => this.#turn(), `${names}`, { onCrash: endProcess })
    this.#askTurn()
  }

  readonly drain = (): void => this.#leave('drained')

  readonly kill = (reason: string): void => this.#end({ type: 'killed', reason })

  #makeSelf(): Self<M> {
    return {
      path: this.#mailbox.path,
      tell: this.#mailbox.tell,
      epoch: this.epoch,
      clock: this.#options.clock,
      signal: this.#abort.signal,
      after: (delayMs, message) => this.#after(delayMs, message),
      pipe: (promise, toMessage) => this.#pipe(promise, toMessage),
      follow: (stream) => this.#follow(stream),
      answers: { path: this.#mailbox.path, tell: (message) => this.#tellSelf(message, false) },
      leave: () => this.#leave('left'),
    }
  }

  #after(delayMs: Millis, message: M): void {
    assert(delayMs <= afterMsMax, 'no timer waits longer than 24 days')
    if (this.#isOver()) return
    const timer = this.#options.clock.schedule(() => {
      this.#timers.remove(timer)
      this.#tellSelf(message, false)
    }, delayMs)
    this.#timers.add(timer)
  }

  #pipe<T>(promise: Promise<T>, toMessage: (value: T) => M): void {
    promise
      .then((value) => this.#tellSelf(toMessage(value), false))
      .catch((error: unknown) => this.#crashed(error))
  }

  #follow(stream: Observable<M>): void {
    if (this.#isOver()) return
    this.#followed.add(
      stream.subscribe({
        next: (message) => this.#tellSelf(message, true),
        error: (error: unknown) => this.#crashed(error),
      }),
    )
  }

  #tellSelf(message: M, bounded: boolean): boolean {
    return !this.#isOver() && this.#mailbox.tellOwn(message, this, bounded)
  }

  #crashed(error: unknown): void {
    if (this.#isOver()) return
    this.#crash ??= { type: 'crashed', error, deadline: false }
    this.#abort.abort()
    if (!this.#busy) this.#end(this.#crash)
  }

  #leave(how: 'drained' | 'left'): void {
    if (this.#isOver() || this.#leaving !== undefined) return
    this.#leaving = how
    this.#mailbox.close()
    this.#followed.unsubscribe()
    this.#askTurn()
  }

  #isOver(): boolean {
    return this.#phase === 'ending' || this.#phase === 'ended'
  }

  /** At most one turn is asked for at a time; whoever finishes a handler asks for the next. */
  #askTurn(): void {
    if (this.#turnAsked || this.#isTurning || this.#busy || this.#isOver()) return
    this.#turnAsked = true
    turns += 1
    nact.dispatch(this.#nact, undefined)
  }

  #turn(): void | Promise<void> {
    this.#turnAsked = false
    turns -= 1
    if (this.#phase === 'starting')
      return this.#do(() => this.#spec.start(this.#self), this.#begun, this.#begunLate)
    const until = this.#options.clock.now() + turnMs
    this.#isTurning = true
    let handled = this.#hasNext() ? this.#next() : undefined
    for (let taken = 1; taken < turnMessagesMax && this.#hasNext(); taken++) {
      if (this.#options.clock.now() >= until) break
      handled = this.#next()
    }
    this.#isTurning = false
    if (this.#hasNext()) this.#askTurn()
    return handled
  }

  #hasNext(): boolean {
    if (this.#busy || this.#isOver()) return false
    return this.#mailbox.size > 0 || this.#leaving !== undefined
  }

  #next(): void | Promise<void> {
    const state = this.#state
    assert(state !== undefined, 'turns come to an actor that has started')
    this.#current = this.#mailbox.take()
    const message = this.#current?.message
    if (this.#current !== undefined)
      return this.#do(
        () => this.#spec.receive(state.value, message as M, this.#self),
        this.#received,
      )
    return this.#do(() => this.#spec.drain?.(state.value, this.#self), this.#drained)
  }

  readonly #begun = (value: S): void => {
    this.#state = { value }
    this.#phase = 'running'
    tell('actor.started', { path: this.#mailbox.path, epoch: this.epoch })
    queueMicrotask(this.#options.started)
  }

  /** What a start opened that was given up would stay open for ever. */
  readonly #begunLate = (value: S): void => {
    Promise.resolve(value)
      .then((state) => this.#spec.end?.(state))
      .catch((error: unknown) => this.#tellCrash(error, false))
  }

  readonly #received = (value: S): void => {
    this.#current = undefined
    this.#state = { value }
  }

  readonly #drained = (): void => this.#end({ type: this.#leaving ?? 'drained' })

  /** Runs one handler to its end, which is a result, an error or its deadline, and then asks for the next turn. */
  #do<T>(
    handler: () => T | Promise<T>,
    done: (value: T) => void,
    late?: (value: T) => void,
  ): void | Promise<void> {
    this.#work += 1
    const work = this.#work
    this.#busy = true
    const succeed = (value: T): void => {
      if (work !== this.#work) {
        late?.(value)
        return
      }
      this.#busy = false
      this.#deadline.met()
      this.progressAt = this.#options.clock.now()
      done(value)
      if (this.#crash !== undefined) this.#end(this.#crash)
      else if (this.#leaving !== undefined || this.#mailbox.size > 0) this.#askTurn()
    }
    const fail = (error: unknown): void => {
      if (work === this.#work) this.#end({ type: 'crashed', error, deadline: false })
    }
    try {
      const result = handler()
      if (!(result instanceof Promise)) return succeed(result)
      this.#deadline.watch(() => this.#overdue())
      return result.then(succeed, fail)
    } catch (error) {
      fail(error)
    }
  }

  #overdue(): void {
    const error = new Fault(
      'actor.deadline',
      `${this.#mailbox.path} took longer than ${this.#spec.deadlineMs} ms`,
    )
    this.#end(this.#crash ?? { type: 'crashed', error, deadline: true })
  }

  #end(how: End): void {
    if (this.#isOver()) return
    this.#phase = 'ending'
    this.#work += 1
    this.#deadline.stop()
    this.#timers.unsubscribe()
    this.#followed.unsubscribe()
    this.#abort.abort()
    if (this.#turnAsked) turns -= 1
    nact.stop(this.#nact)
    const unfinished = this.#current && { ...this.#current, crashed: how.type === 'crashed' }
    this.#mailbox.leave(this, unfinished)
    if (how.type === 'crashed') this.#tellCrash(how.error, how.deadline)
    queueMicrotask(() => this.#letGo(how))
  }

  /** Its owner hears of the end only after `end` has settled or was given up, so the next incarnation finds all released. */
  #letGo(how: End): void {
    const ended = (): void => {
      if (this.#phase === 'ended') return
      this.#phase = 'ended'
      this.#deadline.stop()
      incarnations -= 1
      tell('actor.ended', { path: this.#mailbox.path, epoch: this.epoch, reason: how.type })
      this.#options.ended(how)
    }
    const failed = (error: unknown): void => {
      this.#tellCrash(error, false)
      ended()
    }
    try {
      const result = this.#state && this.#spec.end?.(this.#state.value)
      if (result instanceof Promise) {
        this.#deadline.watch(() =>
          failed(new Fault('actor.deadline', `${this.#mailbox.path} did not let go`)),
        )
        result.then(ended, failed)
      } else ended()
    } catch (error) {
      failed(error)
    }
  }

  #tellCrash(error: unknown, deadline: boolean): void {
    tell('actor.crashed', { path: this.#mailbox.path, epoch: this.epoch, error, deadline })
  }
}
