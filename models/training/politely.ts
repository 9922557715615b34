/**
 * A program begun at the lowest priority, by way of `nice`: every thread of it is polite from its first instruction. A
 * priority that is set later reaches one thread alone, and a runtime has started its others by then.
 */
import { existsSync } from 'node:fs'

const nice = ['/usr/bin/nice', '/bin/nice'].find((path) => existsSync(path))

/** Whoever predicts goes first, and on a machine with no core to spare the training still comes on. */
export const niceness = 10

export interface Command {
  readonly command: string
  readonly args: readonly string[]
}

/** As it is where the system has no such program. */
export function politely(command: string, args: readonly string[] = []): Command {
  return nice === undefined
    ? { command, args }
    : { command: nice, args: ['-n', String(niceness), command, ...args] }
}
