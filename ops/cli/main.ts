/** The command line's entry: the real world, made once, and the exit code handed to the system. */
import { readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childrenFor } from '../../actors/inference/home.ts'
import { Fault } from '../../streams/fault.ts'
import { wallClock } from '../../streams/time.ts'
import { environment } from '../config/environment.ts'
import { lockHolder } from '../store/data-directory.ts'
import { stderr, stdout } from '../telemetry/terminal.ts'
import { runCli } from './cli.ts'
import { realProbes } from './probes.ts'
import type { DaemonEntry, World } from './world.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const about = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  readonly version: string
  readonly dependencies: Readonly<Record<string, string>>
}

const daemon: DaemonEntry = {
  run: async (options) =>
    (await import('../main.ts')).runDaemon({ ...options, version: about.version, out: stdout }),
  replay: async (options) =>
    (await import('../replay.ts')).replay({
      ...options,
      clock: wallClock,
      random: Math.random,
      children: childrenOf(options.config.inference.children),
      interrupted: firstSignal(),
    }),
  importFile: async (options) => (await import('../import.ts')).importFile(options),
  backfill: async (options) => (await import('../backfill.ts')).backfill(options),
  dataset: async (options) => (await import('../training/dataset.ts')).dataset(options),
  exportTable: async (options) => (await import('../store-work.ts')).exportTable(options),
  backup: async (options) => (await import('../store-work.ts')).backup(options),
  train: async (options) => (await import('../training/train.ts')).train(options),
  evaluate: async (options) => (await import('../evaluation/evaluate.ts')).evaluate(options),
  cancelTraining: async (options) => (await import('../training/train.ts')).cancelTraining(options),
  restore: async (options) => (await import('../store-work.ts')).restore(options),
}

/** One that comes while the first is being followed changes nothing: what was begun is taken away whole. */
function firstSignal(): Promise<string> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve(signal))
  })
}

function childrenOf(wanted: 'auto' | number): number {
  return wanted === 'auto' ? childrenFor(availableParallelism()) : wanted
}

const world: World = {
  out: stdout,
  err: stderr,
  env: environment(),
  clock: wallClock,
  version: about.version,
  holder: (path) => lockHolder({ path }),
  token: (path) => tokenIn(join(path, 'token')),
  fetch,
  readFolder,
  terminate: (pid) => void process.kill(pid, 'SIGTERM'),
  openMarket: async (path, config) => (await import('../store-work.ts')).openMarket(path, config),
  probes: realProbes(root, Object.keys(about.dependencies), () => wallClock.now(), fetch),
  daemon,
}

function tokenIn(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim()
  } catch {
    return undefined // Another user's: what only reads goes on without it, what writes is refused by the daemon.
  }
}

async function readFolder(path: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(
    (cause: unknown) => {
      throw new Fault('usage.folder', `cannot read the folder ${path}`, { cause })
    },
  )
  const files = new Map<string, Uint8Array>()
  for (const entry of entries.filter((it) => it.isFile())) {
    const file = join(entry.parentPath, entry.name)
    files.set(relative(path, file), await readFile(file))
  }
  return files
}

// Whoever reads our output may stop reading (`starling logs | head`): that ends us quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? 0 : 1)
})

process.exit(await runCli(process.argv.slice(2), world))
