/**
 * For tests of real processes: asks again until the answer is yes, and says what it waited for when it never was. The
 * deadline is for what never comes: some times what a busy machine of two cores takes.
 */
import { setTimeout as wait } from 'node:timers/promises'

export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  deadlineMs = 30_000,
  everyMs = 20,
): Promise<T> {
  const giveUpAt = performance.now() + deadlineMs
  for (;;) {
    const answer = await ask()
    if (answer !== undefined && answer !== false) return answer
    if (performance.now() > giveUpAt)
      throw new Error(`waited ${deadlineMs} ms in vain until ${what}`)
    await wait(everyMs)
  }
}
