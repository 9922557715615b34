/**
 * The pool against a loop of runs in one process: rates with one child, waits of single rows, a burst of a minute's closing
 * over many different versions, and a long backfill. Each pair is measured in turns and the medians are compared, because the
 * machine changes under both.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { openArtifact } from '../../models/artifact.ts'
import type { Manifest } from '../../models/manifest.ts'
import type { Version } from '../../models/version.ts'
import { startPool, type TestPool, versionOf } from '../support/actors/pool.ts'
import { writeArtifact } from '../support/models/artifacts.ts'
import { treesModel } from '../support/models/trees.ts'
import { median, quantile } from '../support/quantile.ts'
import type { Figure } from './figure.ts'
import { rawTimes, startRaw } from './raw.ts'
import { shipped, writeVariant } from './variant.ts'

const turns = 5
const versionsInBurst = 1800

export async function benchInference(): Promise<readonly Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'starling-bench-'))
  const raw = startRaw()
  try {
    const trees = join(folder, 'trees')
    await writeArtifact(trees, treesModel(500, 39))
    const models = { lightgbm: trees, transformer: shipped('tst') }
    const figures: Figure[] = []
    for (const [name, at] of Object.entries(models)) {
      figures.push(...(await besideRaw(raw, name, at)))
    }
    figures.push(await backfill(raw, trees))
    figures.push(...(await burst(folder)))
    return figures
  } finally {
    raw.kill('SIGKILL')
    await rm(folder, { recursive: true, force: true })
  }
}

async function besideRaw(raw: ChildProcess, name: string, folder: string): Promise<Figure[]> {
  const pool = await startPool({ children: 1 })
  const version = versionOf('bench')
  await pool.load(version, folder)
  const { golden, manifest } = await openArtifact(folder)
  const width = golden.inputs.length / golden.rows
  const figures: Figure[] = []
  for (const rows of [1, 8, 64]) {
    const inputs = neighbours(golden.inputs, rows, width, manifest)
    const runs = Math.ceil(2000 / Math.sqrt(rows))
    const rates: { raw: number; pool: number }[] = []
    for (let turn = 0; turn < turns; turn += 1) {
      const times = await rawTimes(raw, { folder, rows, runs })
      const perRaw = times.reduce((sum, it) => sum + it, 0) / (runs * rows)
      const perPool = await timePerRow(pool, version, inputs, rows, runs)
      rates.push({ raw: 1000 / perRaw, pool: 1000 / perPool })
    }
    const ratio = median(rates.map((it) => it.pool / it.raw))
    const rate = (of: 'raw' | 'pool'): string =>
      `${Math.round(median(rates.map((it) => it[of])))} rows/s`
    const against = `${rate('pool')} against ${rate('raw')} raw`
    const atLeast = rows === 64 ? 0.9 : rows === 8 ? 0.6 : undefined
    figures.push({
      name: `pool over raw, ${name}, bundles of ${rows}`,
      value: ratio,
      unit: 'ratio',
      against,
      ...(atLeast !== undefined && { limit: { atLeast } }),
    })
  }
  figures.push(...(await waits(raw, pool, name, folder, version, golden.inputs.subarray(0, width))))
  await pool.stop()
  return figures
}

/** Single rows, one after the other has been answered. */
async function waits(
  raw: ChildProcess,
  pool: TestPool,
  name: string,
  folder: string,
  version: Version,
  row: Float32Array,
): Promise<Figure[]> {
  const extra: { p50: number; p99: number }[] = []
  for (let turn = 0; turn < turns; turn += 1) {
    const bare = await rawTimes(raw, { folder, rows: 1, runs: 1000 })
    const times: number[] = []
    for (let at = -100; at < 1000; at += 1) {
      const startedAt = performance.now()
      await inferred(pool, version, { numbers: row }, 1)
      if (at >= 0) times.push(performance.now() - startedAt)
    }
    const over = (part: number): number => quantile(times, part) - quantile(bare, part)
    extra.push({ p50: over(0.5), p99: over(0.99) })
  }
  return [
    {
      name: `a single row through the pool, ${name}, median above raw`,
      value: median(extra.map((it) => it.p50)),
      unit: 'ms',
      limit: { atMost: 0.3 },
    },
    {
      name: `a single row through the pool, ${name}, p99 above raw`,
      value: median(extra.map((it) => it.p99)),
      unit: 'ms',
      limit: { atMost: 2 },
    },
  ]
}

async function backfill(raw: ChildProcess, folder: string): Promise<Figure> {
  const pool = await startPool({ children: 1 })
  const version = versionOf('bench')
  await pool.load(version, folder)
  const { golden } = await openArtifact(folder)
  const bundle = { numbers: repeat(golden.inputs, 64, golden.inputs.length / golden.rows) }
  const times = await rawTimes(raw, { folder, rows: 64, runs: 400 })
  const perRaw = times.reduce((sum, it) => sum + it, 0) / (400 * 64)
  const perPool = await timePerRow(pool, version, bundle, 64, Math.ceil(100_000 / 64), 'backfill')
  await pool.stop()
  return {
    name: 'backfill of 100,000 rows through the pool over raw, lightgbm',
    value: perRaw / perPool,
    unit: 'ratio',
    against: `${Math.round(1000 / perPool)} rows/s`,
    limit: { atLeast: 0.7 },
  }
}

/** A minute closes for many different versions at once: half linear, half transformers, one row each. */
async function burst(folder: string): Promise<Figure[]> {
  const pool = await startPool({ children: 2, child: { rssMax: 4 * 1024 ** 3 } })
  const versions: { version: Version; row: Float32Array }[] = []
  for (let at = 0; at < versionsInBurst; at += 1) {
    const family = at % 2 === 0 ? 'linear' : 'tst'
    const copy = join(folder, `${family}-${at}`)
    await writeVariant(shipped(family), copy, String(at))
    const { golden } = await openArtifact(copy)
    const row = golden.inputs.slice(0, golden.inputs.length / golden.rows)
    versions.push({ version: versionOf(family, at), row })
  }
  const loadedAt = performance.now()
  await Promise.all(
    versions.map(({ version }, at) =>
      pool.load(version, join(folder, `${at % 2 === 0 ? 'linear' : 'tst'}-${at}`)),
    ),
  )
  const loadSeconds = (performance.now() - loadedAt) / 1000
  const totals: number[] = []
  const busy: number[] = []
  for (let turn = -2; turn < 20; turn += 1) {
    const cpu = process.cpuUsage()
    const startedAt = performance.now()
    await Promise.all(
      versions.map(({ version, row }) => inferred(pool, version, { numbers: row }, 1)),
    )
    if (turn < 0) continue
    totals.push(performance.now() - startedAt)
    const { user, system } = process.cpuUsage(cpu)
    busy.push((user + system) / 1000)
  }
  const rss = await Promise.all(pool.pids().map(residentMebibytes))
  await pool.stop()
  return [
    {
      name: `a burst of ${versionsInBurst} different versions, all answered, median of 20`,
      value: median(totals),
      unit: 'ms',
      against: `worst ${Math.round(Math.max(...totals))} ms, this process busy ${Math.round(median(busy))} ms of it`,
    },
    {
      name: `memory of the largest child with ${versionsInBurst / 2} sessions`,
      value: Math.max(...rss),
      unit: 'MiB',
      against: `all opened in ${loadSeconds.toFixed(1)} s`,
    },
  ]
}

/** Milliseconds a row, with enough asked at once that a child always has its next bundle. */
async function timePerRow(
  pool: TestPool,
  version: Version,
  inputs: Inputs,
  rows: number,
  runs: number,
  urgency: 'live' | 'backfill' = 'live',
): Promise<number> {
  let left = runs
  const startedAt = performance.now()
  const ask = async (): Promise<void> => {
    while (left > 0) {
      left -= 1
      await inferred(pool, version, inputs, rows, urgency)
    }
  }
  await Promise.all(Array.from({ length: askedAtOnce(rows) }, ask))
  return (performance.now() - startedAt) / (runs * rows)
}

/** Bundles of the size in question: were more asked at once, the pool would merge them into larger ones. */
function askedAtOnce(rows: number): number {
  return rows === 64 ? 8 : 4
}

async function inferred(
  pool: TestPool,
  version: Version,
  inputs: Inputs,
  rows: number,
  urgency: 'live' | 'backfill' = 'live',
): Promise<void> {
  const answer = await pool.infer(version, inputs.numbers, rows, urgency, inputs.starts)
  if (answer.type !== 'inferred') throw new Error(`${answer.code}: ${answer.reason}`)
}

async function residentMebibytes(pid: number): Promise<number> {
  const statm = await readFile(`/proc/${pid}/statm`, 'utf8')
  return (Number(statm.split(' ')[1]) * 4096) / 1024 ** 2
}

interface Inputs {
  readonly numbers: Float32Array
  readonly starts?: Uint32Array
}

/** Rows of candles that follow each other, as a version's actor sends them. */
function neighbours(
  golden: Float32Array,
  rows: number,
  width: number,
  { input }: Manifest,
): Inputs {
  if (input.kind !== 'window' || rows === 1) return { numbers: repeat(golden, rows, width) }
  const columns = input.columns.length
  return {
    numbers: repeat(golden, 1, (rows - 1) * columns + width),
    starts: Uint32Array.from({ length: rows }, (_, row) => row * columns),
  }
}

function repeat(inputs: Float32Array, rows: number, width: number): Float32Array {
  return Float32Array.from({ length: rows * width }, (_, at) => inputs[at % inputs.length] ?? 0)
}
