/**
 * `npm run bench [-- names]`: measures, prints one table, and writes it as JSON to `.starling/bench.json`. Figures of one
 * run stand beside each other; those of different runs or machines do not.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { benchBurst } from './burst.ts'
import { benchCandles } from './candles.ts'
import { benchFeatures } from './features.ts'
import { benchFrames } from './frames.ts'
import { benchInference } from './inference.ts'
import { benchLedger } from './ledger.ts'
import { benchPath } from './path.ts'
import { benchTraining } from './training.ts'
import { benchTrainingBeside } from './training-beside.ts'

interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly against?: string
}

const benches: Readonly<Record<string, () => Promise<readonly Figure[]>>> = {
  candles: benchCandles,
  features: benchFeatures,
  frames: benchFrames,
  path: benchPath,
  inference: benchInference,
  ledger: benchLedger,
  burst: benchBurst,
  training: benchTraining,
  'training-beside': benchTrainingBeside,
}

const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !(name in benches))
if (unknown.length > 0) {
  process.stderr.write(
    `no bench ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}\n`,
  )
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

const rows: (Figure & { readonly bench: string })[] = []
for (const [bench, run] of Object.entries(benches)) {
  if (wanted.length > 0 && !wanted.includes(bench)) continue
  for (const figure of await run()) {
    rows.push({ bench, ...figure })
    const value =
      figure.value >= 1_000
        ? Math.round(figure.value).toLocaleString('en')
        : figure.value.toPrecision(3)
    process.stdout.write(
      `${`${bench}: ${figure.name}`.padEnd(68)} ${value.padStart(12)} ${figure.unit}${figure.against ? `  (${figure.against})` : ''}\n`,
    )
  }
}
mkdirSync(`${root}/.starling`, { recursive: true })
writeFileSync(`${root}/.starling/bench.json`, `${JSON.stringify({ ...head, rows }, null, 1)}\n`)
process.exit(0)
