/**
 * A deadline for handlers that come one after another. It is counted in quarters of a timer each, so that a machine that
 * was suspended, or a stalled event loop, spends one quarter of it and not all: answers that waited meanwhile get heard.
 *
 * One timer serves many handlers, since arming one for each would cost more than most handlers do. So a handler is given
 * up after one deadline at the earliest and one and a quarter at the latest.
 */
import type { Subscription } from 'rxjs'
import type { Clock, Millis } from '../streams/time.ts'

const quarters = 4

export class Deadline {
  readonly #clock: Clock
  readonly #quarterMs: Millis
  #timer: Subscription | undefined
  #overdue: (() => void) | undefined
  /** How many handlers were watched, and which of them the timer saw last. */
  #watched = 0
  #seen = 0
  #quartersSpent = 0

  constructor(clock: Clock, deadlineMs: Millis) {
    this.#clock = clock
    this.#quarterMs = deadlineMs / quarters
  }

  /** Begins to count for the handler that begins now. */
  watch(overdue: () => void): void {
    this.#overdue = overdue
    this.#watched += 1
    if (this.#timer !== undefined) return
    this.#seen = this.#watched
    this.#quartersSpent = 0
    this.#wait()
  }

  /** The handler settled in time. The timer runs out by itself, or serves the next handler. */
  met(): void {
    this.#overdue = undefined
  }

  stop(): void {
    this.#overdue = undefined
    this.#timer?.unsubscribe()
    this.#timer = undefined
  }

  #wait(): void {
    this.#timer = this.#clock.schedule(() => {
      this.#timer = undefined
      const overdue = this.#overdue
      if (overdue === undefined) return
      this.#quartersSpent = this.#seen === this.#watched ? this.#quartersSpent + 1 : 0
      this.#seen = this.#watched
      if (this.#quartersSpent < quarters) return this.#wait()
      this.#overdue = undefined
      overdue()
    }, this.#quarterMs)
  }
}
