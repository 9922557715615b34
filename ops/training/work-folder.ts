/**
 * Where training runs work: a folder for every run, and in it one for every step. What a step has made is known by a hash
 * over all its files, so what was cut short, damaged or lost is never taken for finished.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunState, type Step, steps } from '../../actors/training/run.ts'

export interface WorkFolder {
  /** Of one step; it may not exist yet. */
  readonly of: (run: number, step: Step) => string
  /** Empty, and there. */
  readonly clear: (run: number, from: Step) => Promise<void>
  /** Over names and contents of all files; null where there are none. */
  readonly product: (run: number, step: Step) => Promise<string | null>
  readonly leave: (run: number, state: RunState) => Promise<void>
  /** Removes what runs have left that are over. */
  readonly sweep: (stateOf: (run: number) => Promise<RunState | undefined>) => Promise<void>
}

/** Failed runs whose folders stay for whoever wants to see why. */
const failedKept = 3

export function openWorkFolder(folder: string): WorkFolder {
  const hashed = new Map<string, { readonly look: string; readonly hash: string }>()
  const of = (run: number, step: Step): string => join(folder, String(run), step)
  const remove = (run: number): Promise<void> =>
    rm(join(folder, String(run)), { recursive: true, force: true })

  const sweep: WorkFolder['sweep'] = async (stateOf) => {
    const runs = (await listed(folder)).map(Number).filter(Number.isInteger)
    let failed = 0
    for (const run of runs.sort((a, b) => b - a)) {
      const state = await stateOf(run)
      if (state === 'queued' || state === 'running') continue
      if (state !== 'failed' || ++failed > failedKept) await remove(run)
    }
  }
  return {
    of,
    clear: async (run, from) => {
      for (const step of steps.slice(steps.indexOf(from)))
        await rm(of(run, step), { recursive: true, force: true })
      await mkdir(of(run, from), { recursive: true })
    },
    product: async (run, step) => {
      const files = await filesUnder(of(run, step))
      if (files.length === 0) return null
      // Hashing hundreds of megabytes again before every step would be felt by whoever predicts beside it.
      const look = JSON.stringify(files)
      const known = hashed.get(of(run, step))
      if (known?.look === look) return known.hash
      const hash = await hashOf(of(run, step), files)
      hashed.set(of(run, step), { look, hash })
      return hash
    },
    leave: async (run, state) => {
      for (const step of steps) hashed.delete(of(run, step))
      if (state !== 'failed') await remove(run)
    },
    sweep,
  }
}

interface FoundFile {
  readonly name: string
  readonly bytes: number
  readonly changedMs: number
}

async function filesUnder(folder: string): Promise<readonly FoundFile[]> {
  const found = await readdir(folder, { recursive: true, withFileTypes: true }).catch(noFolder)
  const files = await Promise.all(
    found
      .filter((it) => it.isFile())
      .map(async (it) => {
        const path = join(it.parentPath, it.name)
        const { size, mtimeMs } = await stat(path)
        return { name: path.slice(folder.length + 1), bytes: size, changedMs: mtimeMs }
      }),
  )
  return files.sort((a, b) => (a.name < b.name ? -1 : 1))
}

async function hashOf(folder: string, files: readonly FoundFile[]): Promise<string> {
  const whole = createHash('sha256')
  for (const { name, bytes } of files) {
    const one = createHash('sha256')
    for await (const chunk of createReadStream(join(folder, name))) one.update(chunk)
    whole.update(`${JSON.stringify(name)} ${bytes} ${one.digest('hex')}\n`)
  }
  return `sha256:${whole.digest('hex')}`
}

async function listed(folder: string): Promise<readonly string[]> {
  return readdir(folder).catch(noFolder)
}

function noFolder(error: NodeJS.ErrnoException): never[] {
  if (error.code === 'ENOENT') return []
  throw error
}
