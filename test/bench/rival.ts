/**
 * Somebody else's program beside ours: a Python script of this folder, in an environment that has what it needs, on one
 * thread; and what it printed, as JSON. Where it cannot be had the answer says why, and the row with it.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { pythonTools } from '../system/support/python.ts'
import type { Figure } from './figure.ts'

export type Said<T> =
  | { readonly type: 'said'; readonly value: T }
  | { readonly type: 'absent'; readonly why: string }

export function askRival<T>(
  script: string,
  packages: readonly string[],
  ...args: readonly string[]
): Said<T> {
  const tools = pythonTools(...packages)
  if (tools.type === 'absent') return tools
  const run = spawnSync(tools.python, [join(import.meta.dirname, script), ...args], {
    encoding: 'utf8',
    env: { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1' },
  })
  if (run.status === 0) return { type: 'said', value: JSON.parse(run.stdout) as T }
  const why = `${script}: ${run.stderr.trim().split('\n').at(-1)}`
  return { type: 'absent', why }
}

/** A row without its figure. */
export function notMeasured(name: string, unit: string, why: string): Figure {
  return { name, value: Number.NaN, unit, against: `not measured: ${why}` }
}
