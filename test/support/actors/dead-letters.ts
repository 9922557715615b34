/** Dead letters of this test process as they are told, the newest first. */
import { listen } from '../../../streams/channels.ts'

export interface DeadLetter {
  readonly path: string
  readonly reason: string
  readonly message: unknown
}

const heard: DeadLetter[] = []
listen('dead.letter', (letter) => heard.unshift(letter))

export function deadLetters(): readonly DeadLetter[] {
  return heard
}
