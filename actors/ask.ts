/**
 * A question to an actor from outside the actors: the API, a command, a test. Settles with the answer or rejects with a
 * Fault, within the deadline. Actors do not ask each other: they tell, and are told. The signal is aborted where it settles
 * without an answer: who asks again is not to find done twice what was only late.
 */
import { Fault } from '../streams/fault.ts'
import type { Clock, Millis } from '../streams/time.ts'
import type { Address } from './protocol.ts'

export async function ask<M, R>(
  address: Address<M>,
  make: (replyTo: Address<R>, signal: AbortSignal) => M,
  deadlineMs: Millis,
  clock: Clock,
): Promise<R> {
  return await new Promise((answer, fail) => {
    let isOpen = true
    const waiting = new AbortController()
    const refuse = (code: `ask.${string}`, message: string): void => {
      isOpen = false
      waiting.abort()
      fail(new Fault(code, `${address.path} ${message}`, { retryable: true }))
    }
    const late = clock.schedule(
      () => refuse('ask.late', `did not answer within ${deadlineMs} ms`),
      deadlineMs,
    )
    const tell = (reply: R): boolean => {
      if (!isOpen) return false
      isOpen = false
      late.unsubscribe()
      answer(reply)
      return true
    }
    if (address.tell(make({ path: `${address.path}?`, tell }, waiting.signal))) return
    late.unsubscribe()
    refuse('ask.refused', 'takes no messages now')
  })
}
