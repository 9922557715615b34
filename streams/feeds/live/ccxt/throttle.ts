/**
 * An exchange's limit on questions, kept by timers. ccxt keeps the same limit by the wall clock and sleeps on while that is
 * behind: set back an hour in the middle of a question, it would ask nothing for an hour. Questions go in the order in
 * which they came.
 */
import type { Subscription } from 'rxjs'
import type { Clock, Millis } from '../../../time.ts'

/** What ccxt knows of an exchange's limit. */
export interface Limit {
  /** Between two questions of cost 1. */
  readonly rateLimit: Millis
  /** With a window, questions may come close together, so long as one window holds no more of them; 0 without. */
  readonly rollingWindowSize: Millis
  readonly rateLimiterAlgorithm?: string
}

/** What waits when `timers` end is never granted. */
export function throttle(
  clock: Clock,
  limit: Limit,
  timers: Subscription,
): (cost?: number) => Promise<void> {
  const { rateLimit, rollingWindowSize: windowMs } = limit
  const hasWindow = windowMs > 0 && limit.rateLimiterAlgorithm !== 'leakyBucket' && rateLimit > 0
  const costMax = hasWindow ? windowMs / rateLimit : 0
  const waiting: { readonly cost: number; readonly go: () => void }[] = []
  let under = 0
  let spent = 0

  function grant(): void {
    for (let next = waiting[0]; next && (under === 0 || spent + next.cost <= costMax); ) {
      const { cost, go } = next
      waiting.shift()
      under += 1
      spent += cost
      const giveBack = (): void => {
        timers.remove(timer)
        under -= 1
        spent = under === 0 ? 0 : spent - cost
        grant()
      }
      const timer = clock.schedule(giveBack, hasWindow ? windowMs : cost * rateLimit)
      timers.add(timer)
      go()
      next = waiting[0]
    }
  }

  return (cost = 1) =>
    new Promise((go) => {
      waiting.push({ cost, go })
      grant()
    })
}
