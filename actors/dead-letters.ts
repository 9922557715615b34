/**
 * What was told and will be processed by nobody. Each is counted, announced on `dead.letter`, and the newest are kept
 * for people to look at; the ring is bounded, so a fault that goes on for a night costs no memory.
 */
import { tell } from '../streams/channels.ts'

/**
 * full: the mailbox was at its bound. absent: nobody is at home. crashed: it was being processed when its incarnation
 * crashed or was killed. poison: it did so three times in a row. left: still waiting when the actor left for good.
 */
export type DeadReason = 'full' | 'absent' | 'crashed' | 'poison' | 'left'

export interface DeadLetter {
  readonly path: string
  readonly reason: DeadReason
  readonly message: unknown
}

/** A letter may hold a bundle of some thousand trades: about 100 MB at worst. */
const keptMax = 256

const kept: DeadLetter[] = []
let count = 0

export function bury(letter: DeadLetter): void {
  kept[count % keptMax] = letter
  count += 1
  tell('dead.letter', letter)
}

/** Newest first. */
export function deadLetters(): { readonly count: number; readonly newest: readonly DeadLetter[] } {
  const head = count % keptMax
  const inOrder = [...kept.slice(head), ...kept.slice(0, head)]
  return { count, newest: inOrder.reverse() }
}
