/**
 * Hands facts from a stream, which cannot wait, to an actor, which works at its own pace. Nothing is dropped and nothing
 * grows without end: over its bound the hand-over throws a retryable fault into the stream, the incarnation dies of it,
 * and its successor reads the market again from what is committed. That is how a producer without a brake is slowed.
 */
import { Fault } from '../../streams/fault.ts'

export class HandOver<T> {
  readonly #name: string
  readonly #max: number
  readonly #wake: () => void
  #waiting: T[] = []
  #taken = 0

  constructor(name: string, max: number, wake: () => void) {
    this.#name = name
    this.#max = max
    this.#wake = wake
  }

  get length(): number {
    return this.#waiting.length - this.#taken
  }

  put(fact: T): void {
    if (this.length >= this.#max) {
      throw new Fault('hand_over.full', `${this.#name} is ${this.#max} items behind`, {
        retryable: true,
      })
    }
    this.#waiting.push(fact)
    if (this.length === 1) this.#wake()
  }

  peek(): T | undefined {
    return this.#waiting[this.#taken]
  }

  /** Removes what `peek` showed. */
  shift(): void {
    this.#taken++
    if (this.#taken < 1024 && this.#taken < this.#waiting.length) return
    this.#waiting = this.#waiting.slice(this.#taken)
    this.#taken = 0
  }
}
