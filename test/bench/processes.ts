/** What a daemon's processes take, as Linux tells it: processor time and memory, children and database apart. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readIfThere } from '../../ops/store/read-if-there.ts'

export type Part = 'daemon' | 'children' | 'database'
export const parts: readonly Part[] = ['daemon', 'children', 'database']

export interface Use {
  readonly processes: number
  readonly cpuSeconds: number
  readonly rssMiB: number
  /** What is shared counted once: each sharer has its share of it. */
  readonly pssMiB: number
}

export function usesOf(daemon: number, data: string): Readonly<Record<Part, Use>> {
  const database = Number(
    readFileSync(join(data, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0],
  )
  const parents = parentsOfAll()
  const ofDatabase = below(database, parents)
  const ofDaemon = below(daemon, parents).filter((pid) => !ofDatabase.includes(pid))
  return {
    daemon: sum([daemon]),
    children: sum(ofDaemon.filter((pid) => pid !== daemon)),
    database: sum(ofDatabase),
  }
}

function below(root: number, parents: ReadonlyMap<number, number>): readonly number[] {
  const found = [root]
  for (const known of found)
    for (const [pid, parent] of parents) if (parent === known) found.push(pid)
  return found
}

function parentsOfAll(): ReadonlyMap<number, number> {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const fields = /^\d+$/.test(name) ? readIfThere(`/proc/${name}/stat`) : undefined
    // The name stands in brackets and may hold anything; the parent is the second field behind it.
    if (fields) parents.set(Number(name), Number(fields.split(') ').at(-1)?.split(' ')[1]))
  }
  return parents
}

function sum(pids: readonly number[]): Use {
  const total = { processes: 0, cpuSeconds: 0, rssMiB: 0, pssMiB: 0 }
  for (const pid of pids) {
    const rollup = readIfThere(`/proc/${pid}/smaps_rollup`)
    if (rollup === undefined) continue
    total.processes += 1
    total.rssMiB += mebibytes(rollup, 'Rss')
    total.pssMiB += mebibytes(rollup, 'Pss')
    for (const thread of readdirSync(`/proc/${pid}/task`))
      total.cpuSeconds +=
        Number(readIfThere(`/proc/${pid}/task/${thread}/schedstat`)?.split(' ')[0] ?? 0) / 1e9
  }
  return total
}

/** What is its own, and of what it shares its share; 0 where it has ended. */
export function pssMiBOf(pid: number): number {
  return mebibytes(readIfThere(`/proc/${pid}/smaps_rollup`) ?? '', 'Pss')
}

function mebibytes(rollup: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) / 1024
}
