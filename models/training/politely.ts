/**
 * A program begun so that whoever predicts does not feel it: at the lowest priority, from its first instruction and in
 * every thread, because a priority that is set later reaches one thread alone; and in a session of its own, because Linux
 * may share time out by sessions first (autogroup), and in ours a trainer would spend the daemon's own share, whatever its
 * priority. On a busy machine a sleeper beside a niced loop of its session woke 4 ms late, of another session 0.1 ms.
 */
import { type ChildProcess, fork } from 'node:child_process'
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

/**
 * One core is enough: compiling and collecting garbage in threads of their own, a dataset took one and a half, and on two
 * cores there was none left that was free whenever somebody woke.
 */
export const oneCore = ['--single-threaded'] as const

/** Enough to say what went wrong. */
const lettersKept = 2_000

/** A file of ours as such a program, spoken with over a channel; `words` is the last of what it has said on stderr. */
export function forkPolitely(
  entry: string,
  args: readonly string[] = [],
  serialization: 'json' | 'advanced' = 'json',
): { readonly child: ChildProcess; readonly words: () => string } {
  const { command, args: execArgv, detached } = politely(process.execPath)
  const child = fork(entry, args, {
    serialization,
    detached,
    execPath: command,
    execArgv: [...execArgv, ...oneCore],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  })
  let words = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-lettersKept)
  })
  return { child, words: () => words.trim() }
}
