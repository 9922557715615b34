/**
 * A program begun so that whoever predicts does not feel it: at the lowest priority, from its first instruction and in
 * every thread, because a priority that is set later reaches one thread alone; and in a session of its own, because Linux
 * may share time out by sessions first (autogroup), and in ours a trainer would spend the daemon's own share, whatever its
 * priority. On a busy machine a sleeper beside a niced loop of its session woke 4 ms late, of another session 0.1 ms.
 */
import { existsSync } from 'node:fs'

/** Not by way of the environment: a trainer may be given another. */
const find = (program: string): string | undefined =>
  [`/usr/bin/${program}`, `/bin/${program}`].find((path) => existsSync(path))

const [shell, chrt, nice] = ['sh', 'chrt', 'nice'].map(find)

export const niceness = 19

/** It runs only where nobody else wants to, where the system has such a policy and allows it; else nicely. */
const script = [
  chrt === undefined ? '' : `${chrt} -i -p 0 $$ >/dev/null 2>&1; `,
  nice === undefined ? 'exec "$@"' : `exec ${nice} -n ${niceness} "$@"`,
].join('')

export interface Polite {
  readonly command: string
  readonly args: readonly string[]
  /** To be handed to whatever starts it. */
  readonly detached: boolean
}

/** As it is where the system has no shell. */
export function politely(command: string, args: readonly string[] = []): Polite {
  if (shell === undefined) return { command, args, detached: false }
  return { command: shell, args: ['-c', script, 'sh', command, ...args], detached: true }
}
