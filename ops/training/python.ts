/**
 * The Python that trainers run in: found on this machine, with packages in an environment of its own in the data
 * directory, made on first use and by the letter of a requirements file. Half an environment is never used: the mark
 * that it is whole is written last, and what lacks it is made again.
 */
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { familiesFolder } from '../../models/family.ts'
import { politely } from '../../models/training/politely.ts'
import { Fault } from '../../streams/fault.ts'
import { tryLock } from '../store/folder-lock.ts'

export type Requirements = 'trees' | 'torch'

export interface PythonOptions {
  /** The data directory. */
  readonly path: string
  readonly requirements: Requirements
  readonly env: Readonly<Record<string, string | undefined>>
  /** Told how it goes, in words. */
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

export interface Python {
  readonly command: string
  readonly env: Readonly<Record<string, string>>
}

export type FoundPython =
  | { readonly type: 'found'; readonly command: string; readonly version: string }
  | { readonly type: 'missing' | 'too_old'; readonly mend: string }

const [major, minorMin] = [3, 10]
/** Installs eight times faster than pip. */
const uv = 'uv==0.13.8'
const package_ = join(familiesFolder, 'python')
const lockEveryMs = 500

/** Looks for one that is new enough, without running anything of ours. */
export function findPython(env: Readonly<Record<string, string | undefined>>): FoundPython {
  return choosePython((command) => {
    const asked = spawnSync(command, ['--version'], { encoding: 'utf8', env: { ...env } })
    return asked.status === 0 ? asked.stdout : undefined
  })
}

/** `versionOf` gives what a program says of its version; undefined where there is none. */
export function choosePython(versionOf: (command: string) => string | undefined): FoundPython {
  let old: string | undefined
  for (const command of ['python3', 'python']) {
    const found = /Python (\d+)\.(\d+)(\.\d+)?/.exec(versionOf(command) ?? '')
    if (!found) continue
    if (Number(found[1]) === major && Number(found[2]) >= minorMin)
      return { type: 'found', command, version: found[0].slice(7) }
    old ??= found[0]
  }
  const wanted = `Python ${major}.${minorMin} or newer`
  return old === undefined
    ? {
        type: 'missing',
        mend: `install ${wanted} as python3 and start again; until then only linear is trained`,
      }
    : { type: 'too_old', mend: `${old} is too old: install ${wanted} as python3 and start again` }
}

/** To download and on disk, as seen on Linux x64 with Python 3.11. */
export const sizes: Readonly<Record<Requirements, string>> = {
  trees: '30 MB to download, 70 MB on disk',
  torch: '3 GB to download, 6 GB on disk',
}

/** Whether the packages are here, so that nothing need be fetched. */
export function isSetUp(path: string, requirements: Requirements, version: string): boolean {
  return existsSync(join(environmentOf(path, requirements, version).folder, readyMark))
}

export async function pythonFor(options: PythonOptions): Promise<Python> {
  const { path, requirements, env, say, signal } = options
  const found = findPython(env)
  if (found.type !== 'found')
    throw new Fault(found.type === 'missing' ? 'python.missing' : 'python.too_old', found.mend)
  const { file, folder } = environmentOf(path, requirements, found.version)
  const ready = join(folder, readyMark)
  if (!existsSync(ready)) {
    await alone(join(path, 'python'), signal, say, async () => {
      // Another process may have made it while this one waited.
      if (existsSync(ready)) return
      await make(options, found.command, folder, file)
      writeFileSync(ready, `${found.version}\n`)
    })
  }
  return {
    command: join(folder, 'bin', 'python'),
    env: { ...clean(env), PYTHONPATH: package_, PYTHONUNBUFFERED: '1' },
  }
}

const readyMark = 'ready'

function environmentOf(
  path: string,
  requirements: Requirements,
  version: string,
): { readonly file: string; readonly folder: string } {
  const file = join(package_, `requirements-${requirements}.txt`)
  const key = createHash('sha256').update(readFileSync(file)).update(version).digest('hex')
  return { file, folder: join(path, 'python', `${requirements}-${key.slice(0, 12)}`) }
}

async function make(
  { env, say, signal, requirements }: PythonOptions,
  python: string,
  folder: string,
  file: string,
): Promise<void> {
  rmSync(folder, { recursive: true, force: true })
  say(`setting up Python for ${requirements} (${sizes[requirements]}), once`)
  const run = (command: string, args: readonly string[]): Promise<void> =>
    runTold(command, args, { env: clean(env), say, signal })
  await run(python, ['-m', 'venv', folder])
  const bin = join(folder, 'bin')
  await run(join(bin, 'python'), [
    '-m',
    'pip',
    'install',
    '--quiet',
    '--disable-pip-version-check',
    uv,
  ])
  await run(join(bin, 'uv'), ['pip', 'install', '--python', join(bin, 'python'), '-r', file])
  say('Python is set up')
}

/** One at a time in a data directory, whichever process it is. */
async function alone(
  folder: string,
  signal: AbortSignal,
  say: (text: string) => void,
  work: () => Promise<void>,
): Promise<void> {
  let lock = tryLock(folder)
  if (!lock) say('another process is setting Python up')
  while (!lock) {
    await wait(lockEveryMs, undefined, { signal })
    lock = tryLock(folder)
  }
  try {
    await work()
  } finally {
    lock.release()
  }
}

/** What it says goes on to whoever listens; what it ends with, to whoever must mend it. */
function runTold(
  command: string,
  args: readonly string[],
  {
    env,
    say,
    signal,
  }: Pick<PythonOptions, 'say' | 'signal'> & { readonly env: Readonly<Record<string, string>> },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const polite = politely(command, args)
    const child = spawn(polite.command, polite.args, {
      ...{ env, signal, detached: polite.detached },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const tail: string[] = []
    const hear = (bytes: Buffer): void => {
      for (const line of String(bytes)
        .split('\n')
        .filter((it) => it.trim() !== '')) {
        tail.push(line.trim())
        if (tail.length > 4) tail.shift()
        say(line.trim().slice(0, 200))
      }
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    const fail = (why: string, cause?: unknown): void =>
      reject(
        new Fault(
          'python.packages',
          `the packages that trainers need cannot be had (${why}): look at the network, or install the distribution's python3-venv`,
          { cause, retryable: true },
        ),
      )
    child.on('error', (cause) => fail(cause.message, cause))
    child.on('close', (code) => (code === 0 ? resolve() : fail(tail.join(' | ').slice(-400))))
  })
}

function clean(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((it): it is [string, string] => it[1] !== undefined),
  )
}
