/**
 * `npm run bench [-- names]`: measures, prints one table, and writes it as JSON to `.starling/bench.json`; with
 * `--soak [minutes] [--speed X]` it lets a daemon run for long instead. Figures of one run stand beside each other; those
 * of different runs or machines do not. A bench that fails is a row that says why: the others go on, and the exit is 1.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { benchBackfill } from './backfill.ts'
import { benchBurst } from './burst.ts'
import { benchCandles } from './candles.ts'
import { benchDaemon } from './daemon.ts'
import { benchDataset } from './dataset.ts'
import { benchFeatures } from './features.ts'
import { type Figure, isMet, lineOf } from './figure.ts'
import { benchFrames } from './frames.ts'
import { benchInference } from './inference.ts'
import { benchLedger } from './ledger.ts'
import { benchPath } from './path.ts'
import { benchScores } from './scores.ts'
import { soak } from './soak.ts'
import { benchSwapMemory } from './swap-memory.ts'
import { benchSwapStorm } from './swap-storm.ts'
import { benchSwapWaits } from './swap-waits.ts'
import { benchSwaps } from './swaps.ts'
import { benchTraining } from './training.ts'
import { benchTrainingBeside } from './training-beside.ts'

const benches: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  candles: benchCandles,
  features: benchFeatures,
  frames: benchFrames,
  path: benchPath,
  inference: benchInference,
  ledger: benchLedger,
  burst: benchBurst,
  backfill: benchBackfill,
  daemon: benchDaemon,
  dataset: benchDataset,
  training: benchTraining,
  'training-beside': benchTrainingBeside,
  swaps: benchSwaps,
  'swap-waits': benchSwapWaits,
  'swap-storm': benchSwapStorm,
  'swap-memory': benchSwapMemory,
  scores: benchScores,
}

const known = Object.keys(benches).join(', ')
const { positionals: wanted, values } = parseArgs({
  allowPositionals: true,
  options: { soak: { type: 'boolean' }, speed: { type: 'string', default: '1' } },
})
const chosen = values.soak ? { soak: soakFor(wanted[0]) } : choose(wanted)

function choose(names: readonly string[]): typeof benches {
  const unknown = names.filter((name) => !(name in benches))
  if (unknown.length > 0) leave(`no bench ${unknown.join(', ')}; there are ${known}`)
  return Object.fromEntries(
    Object.entries(benches).filter(([name]) => names.length === 0 || names.includes(name)),
  )
}

function soakFor(minutes = '60'): () => Promise<readonly Figure[]> {
  const [length, speed] = [Number(minutes), Number(values.speed)]
  if (!(length > 0 && speed > 0)) leave('--soak takes minutes, and --speed how fast the tape plays')
  return () => soak(length, speed)
}

function leave(why: string): never {
  process.stderr.write(`${why}\n`)
  process.exit(2)
}

const root = fileURLToPath(new URL('../..', import.meta.url))
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], {
  cwd: root,
  encoding: 'utf8',
}).trim()
const head = {
  at: new Date().toISOString(),
  commit,
  machine: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
  node: process.version,
  loadBefore: loadavg()[0],
}
process.stdout.write(
  `${head.at}  ${head.machine}  node ${head.node}  commit ${commit}  load ${head.loadBefore?.toFixed(1)}\n`,
)

type Row =
  | (Figure & { readonly bench: string; readonly isMet: boolean | undefined })
  | { readonly bench: string; readonly failed: string }
const rows: Row[] = []
const seconds: Record<string, number> = {}
const file = `${root}/.starling/bench.json`
mkdirSync(dirname(file), { recursive: true })
for (const [bench, run] of Object.entries(chosen)) {
  const began = performance.now()
  try {
    for (const figure of await run()) {
      rows.push({ bench, ...figure, isMet: isMet(figure) })
      process.stdout.write(`${lineOf(bench, figure)}\n`)
    }
  } catch (error) {
    // The others' figures are worth having all the same; the exit says that some are not there.
    const failed = error instanceof Error ? error.message : String(error)
    rows.push({ bench, failed })
    process.stdout.write(`${bench}: FAILED: ${failed}\n`)
    process.stderr.write(`${error instanceof Error ? error.stack : failed}\n`)
  }
  seconds[bench] = Math.round((performance.now() - began) / 1_000)
  writeFileSync(file, `${JSON.stringify({ ...head, seconds, rows }, null, 1)}\n`)
}
const failures = rows.filter((row) => 'failed' in row).length
if (failures > 0) process.stderr.write(`${failures} of ${Object.keys(chosen).length} failed\n`)
process.exit(failures > 0 ? 1 : 0)
