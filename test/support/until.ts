/** For tests of real processes: asks again until the answer is yes, and says what it waited for when it never was. */
import { setTimeout as wait } from 'node:timers/promises'

/** A deadline is for what never comes: a busy machine may take some times what is ample on a quiet one. */
const busyFactor = 3

export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 10_000,
  everyMs = 20,
): Promise<T> {
  const patienceMs = deadlineMs * busyFactor
  const giveUpAt = performance.now() + patienceMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > giveUpAt)
      throw new Error(`waited ${patienceMs} ms in vain until ${what}`)
    await wait(everyMs)
  }
}
