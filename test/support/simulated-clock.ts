/** A clock that stands still until a test moves it. */
import { VirtualAction, VirtualTimeScheduler } from 'rxjs'
import type { Millis } from '../../streams/time.ts'

export class SimulatedClock extends VirtualTimeScheduler {
  constructor(startAt: Millis = 0) {
    super(VirtualAction)
    this.frame = startAt
  }

  /** When the next thing is due, if anything is. */
  get nextDueAt(): Millis | undefined {
    return this.actions[0]?.delay
  }

  /** How many timers wait. */
  get timers(): number {
    return this.actions.length
  }

  /** Runs all that falls due within `ms`, in order, then stands at the end of it. Promises settle only afterwards. */
  advance(ms: Millis): void {
    const until = this.frame + ms
    this.maxFrames = until
    this.flush()
    this.frame = until
  }

  /** As a machine that sleeps for `ms`: nothing runs meanwhile, and what fell due is late by then. */
  suspend(ms: Millis): void {
    this.frame += ms
    for (const action of this.actions) action.delay = Math.max(action.delay, this.frame)
  }
}
