/** Tells one process from another that later got the same number: a pid together with the moment at which it started. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readIfThere } from './read-if-there.ts'

export interface ProcessIdentity {
  readonly pid: number
  /** Opaque; equal for equal processes on the same boot of the same machine. */
  readonly startedAt: string
}

/** Undefined when no such process runs. */
export function identify(pid: number): ProcessIdentity | undefined {
  if (!isAlive(pid)) return undefined
  const startedAt = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid)
  return startedAt === undefined ? undefined : { pid, startedAt }
}

/** The program a process runs, without its folder: `postgres`. */
export function programOf(pid: number): string | undefined {
  if (process.platform === 'linux') return readIfThere(`/proc/${pid}/comm`)?.trim()
  return ps(pid, 'comm=')?.split('/').at(-1)
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    // EPERM: it is there, and another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  // A zombie has ended; only its parent has not asked yet.
  return process.platform !== 'linux' || !['Z', 'X', undefined].includes(statFields(pid)?.[0])
}

/** Field 22 of `stat`: clock ticks since boot. */
function startOnLinux(pid: number): string | undefined {
  const fields = statFields(pid)
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  return fields && `${boot}/${fields[19]}`
}

/** From the state on; the program's name before it may hold spaces and parentheses. */
function statFields(pid: number): readonly string[] | undefined {
  const stat = readIfThere(`/proc/${pid}/stat`)
  return stat?.slice(stat.lastIndexOf(')') + 2).split(' ')
}

function startByPs(pid: number): string | undefined {
  return ps(pid, 'lstart=')
}

function ps(pid: number, field: string): string | undefined {
  const done = spawnSync('ps', ['-o', field, '-p', String(pid)], { encoding: 'utf8' })
  return done.stdout?.trim() || undefined
}
