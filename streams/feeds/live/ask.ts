/**
 * Questions to an exchange over REST. A question is repeated until it is answered, or refused for good, or nobody wants the
 * answer any more. When the exchange says when to come back, all questions wait, not only the one that was told. Questions
 * about the past give way to those about the present: an exchange may allow one a second.
 */
import { Fault } from '../../fault.ts'
import type { Clock, Millis } from '../../time.ts'
import { type Backoff, delayMs } from '../reconnect.ts'
import { Limited } from './venue.ts'

export interface Asker {
  /** Rejects with a `Fault`: `feed.given_up` when `wanted` has ended, else one that is not retryable. */
  ask<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A>
  /** The same, when no other question is under way, or has been for so long that its turn has come all the same. */
  askAside<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A>
}

const asideMsMax: Millis = 5_000
const asideEveryMs: Millis = 50

export function asker(clock: Clock, random: () => number, backoff: Backoff): Asker {
  let notBefore: Millis = 0
  let underWay = 0

  async function ask<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A> {
    underWay++
    try {
      return await askUntilAnswered(question, wanted)
    } finally {
      underWay--
    }
  }

  async function askAside<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A> {
    for (let waitedMs = 0; underWay > 0 && waitedMs < asideMsMax; waitedMs += asideEveryMs)
      await rest(clock, asideEveryMs, wanted)
    return askUntilAnswered(question, wanted)
  }

  async function askUntilAnswered<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A> {
    for (let attempt = 0; ; attempt++) {
      while (clock.now() < notBefore) await rest(clock, notBefore - clock.now(), wanted)
      givenUp(wanted)
      try {
        return await question()
      } catch (error) {
        if (!(error instanceof Fault && error.retryable)) throw error
        const askedFor = error instanceof Limited ? error.retryAfterMs : 0
        const waitMs = delayMs(backoff, attempt, random, askedFor)
        if (askedFor > 0) notBefore = Math.max(notBefore, clock.now() + waitMs)
        await rest(clock, waitMs, wanted)
      }
    }
  }
  return { ask, askAside }
}

/** Resolves after `ms` on this clock, or rejects as soon as nobody waits any more. */
export function rest(clock: Clock, ms: Millis, wanted: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      timer.unsubscribe()
      reject(new Fault('feed.given_up', 'no longer wanted'))
    }
    const timer = clock.schedule(() => {
      wanted.removeEventListener('abort', end)
      resolve()
    }, ms)
    if (wanted.aborted) end()
    else wanted.addEventListener('abort', end, { once: true })
  })
}

function givenUp(wanted: AbortSignal): void {
  if (wanted.aborted) throw new Fault('feed.given_up', 'no longer wanted')
}
