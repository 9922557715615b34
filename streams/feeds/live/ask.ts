/**
 * Questions to an exchange over REST. A question is repeated until it is answered, or refused for good, or nobody wants the
 * answer any more. When the exchange says when to come back, all questions wait, not only the one that was told, and for so
 * long by their timers: a wall clock that is set back does not make it longer. Questions about the past give way to those
 * about the present, an exchange may allow one a second; and they end where the exchange is away, to be asked anew.
 */
import { Fault } from '../../fault.ts'
import type { Clock, Millis } from '../../time.ts'
import { type Backoff, delayMs } from '../reconnect.ts'
import { Limited } from './venue.ts'

export interface Asker {
  /** Rejects with a `Fault`: `feed.given_up` when `wanted` has ended, else one that is not retryable. */
  ask<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A>
  /**
   * The same, when no other question is under way, or has been for so long that its turn has come all the same; rejects
   * with `feed.away`, which is retryable, where nobody answers for a while.
   */
  askAside<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A>
}

const asideMsMax: Millis = 5_000
const asideEveryMs: Millis = 50
const awayMsMax: Millis = 8_000
/** Aborted by nobody. */
const always = new AbortController().signal

export function asker(clock: Clock, random: () => number, backoff: Backoff): Asker {
  /** Over when the exchange may be asked again. */
  let muted: Promise<unknown> = Promise.resolve()
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
    const away = new AbortController()
    const timer = clock.schedule(() => away.abort(), awayMsMax)
    try {
      return await askUntilAnswered(question, AbortSignal.any([wanted, away.signal]))
    } catch (cause) {
      if (!away.signal.aborted || wanted.aborted || !isGivenUp(cause)) throw cause
      const message = 'the exchange does not answer, it is asked again'
      throw new Fault('feed.away', message, { retryable: true, cause })
    } finally {
      timer.unsubscribe()
    }
  }

  async function askUntilAnswered<A>(question: () => Promise<A>, wanted: AbortSignal): Promise<A> {
    for (let attempt = 0; ; attempt++) {
      await untilUnmuted(wanted)
      try {
        return await question()
      } catch (error) {
        if (!(error instanceof Fault && error.retryable)) throw error
        const askedFor = error instanceof Limited ? error.retryAfterMs : 0
        const waitMs = delayMs(backoff, attempt, random, askedFor)
        if (askedFor > 0) muted = Promise.all([muted, rest(clock, waitMs, always)])
        await rest(clock, waitMs, wanted)
      }
    }
  }

  async function untilUnmuted(wanted: AbortSignal): Promise<void> {
    for (let waitedFor: unknown; waitedFor !== muted; ) {
      waitedFor = muted
      await orGivenUp(muted, wanted)
    }
  }
  return { ask, askAside }
}

/** Resolves after `ms` on this clock, or rejects as soon as nobody waits any more. */
async function rest(clock: Clock, ms: Millis, wanted: AbortSignal): Promise<void> {
  const passed = Promise.withResolvers<void>()
  const timer = clock.schedule(() => passed.resolve(), ms)
  try {
    await orGivenUp(passed.promise, wanted)
  } finally {
    timer.unsubscribe()
  }
}

function orGivenUp(work: Promise<unknown>, wanted: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => reject(new Fault(givenUpCode, 'no longer wanted'))
    void work.then(() => {
      wanted.removeEventListener('abort', end)
      resolve()
    })
    if (wanted.aborted) end()
    else wanted.addEventListener('abort', end, { once: true })
  })
}

const givenUpCode = 'feed.given_up'

function isGivenUp(error: unknown): boolean {
  return error instanceof Fault && error.code === givenUpCode
}
