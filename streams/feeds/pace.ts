/**
 * How far the fleet is. A tape asks it, so that market time is never more than one candle ahead of the slowest; whoever
 * answers candles says here up to where it has, and leaves when it stops answering.
 */
import { BehaviorSubject, type Observable } from 'rxjs'
import type { Millis } from '../time.ts'

export class Pace {
  readonly #reached = new Map<string, Millis>()
  readonly #slowest = new BehaviorSubject<Millis>(Number.POSITIVE_INFINITY)
  /** How many stand at the slowest: while one of them is left, nobody needs to look for a new minimum. */
  #atSlowest = 0

  /** Every change of `slowest`; the present one at once. */
  get slowest$(): Observable<Millis> {
    return this.#slowest
  }

  /** Infinity while nobody is in. */
  get slowest(): Millis {
    return this.#slowest.value
  }

  /** `key` has answered all candles that close at `upTo` or before. The first word of a key lets it in. */
  answered(key: string, upTo: Millis): void {
    const before = this.#reached.get(key)
    if (before === upTo) return
    this.#reached.set(key, upTo)
    this.#move(before, upTo)
  }

  leave(key: string): void {
    const before = this.#reached.get(key)
    if (before === undefined) return
    this.#reached.delete(key)
    this.#move(before, Number.POSITIVE_INFINITY)
  }

  #move(before: Millis | undefined, after: Millis): void {
    const { slowest } = this
    if (after < slowest) {
      this.#atSlowest = 1
      this.#slowest.next(after)
      return
    }
    if (after === slowest) this.#atSlowest++
    if (before !== slowest || --this.#atSlowest > 0) return
    let least = Number.POSITIVE_INFINITY
    for (const upTo of this.#reached.values()) {
      if (upTo < least) {
        least = upTo
        this.#atSlowest = 0
      }
      if (upTo === least) this.#atSlowest++
    }
    this.#slowest.next(least)
  }
}
