/**
 * TA-Lib 0.8 beside us: a Python environment of its own under `.starling/`, made on first use. Candles go in as columns of
 * doubles, results come back as columns of doubles.
 */
import { execFile, execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { CandleColumns } from '../../streams/features/columns.ts'

const run = promisify(execFile)
const folder = join(import.meta.dirname, '../../.starling/test-python/talib')
const python = join(folder, 'bin/python')
const installTriesMax = 3

export function hasPython(): boolean {
  try {
    execFileSync('python3', ['--version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Anything but an installed TA-Lib 0.8 at the end is an error. */
export async function installTalib(): Promise<void> {
  if (existsSync(python) && (await isInstalled())) return
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await run('python3', ['-m', 'venv', folder])
  for (let tries = 1; ; tries++) {
    try {
      await run(python, ['-m', 'pip', 'install', '--quiet', 'TA-Lib==0.8.*', 'numpy'])
      return
    } catch (error) {
      if (tries === installTriesMax) throw error
    }
  }
}

async function isInstalled(): Promise<boolean> {
  try {
    const { stdout } = await run(python, ['-c', 'import talib; print(talib.__version__)'])
    return stdout.startsWith('0.8.')
  } catch {
    return false
  }
}

export type Input = 'open' | 'high' | 'low' | 'close' | 'volume'

/** A TA-Lib function, what it reads, its parameters in TA-Lib's order, and how many series it answers. */
export interface Call {
  readonly name: string
  readonly inputs: readonly Input[]
  readonly parameters: readonly number[]
  readonly outputs: number
}

const batch = `
import json, sys
import numpy as np, talib
calls = json.loads(sys.argv[1])
columns = np.frombuffer(sys.stdin.buffer.read()).reshape(5, -1)
inputs = dict(zip(['open', 'high', 'low', 'close', 'volume'], columns))
for call in calls:
    out = getattr(talib, call['name'])(*[inputs[i] for i in call['inputs']], *call['parameters'])
    for series in (out if isinstance(out, tuple) else (out,)):
        sys.stdout.buffer.write(np.asarray(series, dtype=np.float64).tobytes())
`

/** TA-Lib's batch answers, NaN where it has none: one column for each output of each call. */
export async function talib(
  candles: CandleColumns,
  length: number,
  calls: readonly Call[],
): Promise<Float64Array[]> {
  const answer = await python3(batch, candles, length, calls)
  const all = new Float64Array(
    answer.buffer.slice(answer.byteOffset, answer.byteOffset + answer.length),
  )
  return Array.from({ length: all.length / length }, (_, i) =>
    all.subarray(i * length, (i + 1) * length),
  )
}

const stream = `
import json, sys, time
import numpy as np
from talib import stream
calls = json.loads(sys.argv[1])
columns = np.frombuffer(sys.stdin.buffer.read()).reshape(5, -1)
inputs = dict(zip(['open', 'high', 'low', 'close', 'volume'], columns))
warm, n = 2000, columns.shape[1]
best = 0
for _ in range(3):
    updates = []
    for call in calls:
        history = [inputs[i][:warm] for i in call['inputs']]
        handle = getattr(stream, call['name'])(*history, *call['parameters'])
        updates.append((handle.update, [inputs[i].tolist() for i in call['inputs']]))
    one = [(update, columns[0]) for update, columns in updates if len(columns) == 1]
    more = [(update, columns) for update, columns in updates if len(columns) > 1]
    began = time.thread_time()
    for i in range(warm, n):
        for update, column in one:
            update(column[i])
        for update, columns_ in more:
            update(*[column[i] for column in columns_])
    best = max(best, (n - warm) / (time.thread_time() - began))
sys.stdout.write(str(best))
`

/** Candles a second of processor time through one O(1) handle for each call, the best of three. */
export async function talibHandles(
  candles: CandleColumns,
  length: number,
  calls: readonly Call[],
): Promise<number> {
  return Number(await python3(stream, candles, length, calls))
}

async function python3(
  script: string,
  candles: CandleColumns,
  length: number,
  calls: readonly Call[],
): Promise<Buffer> {
  const { open, high, low, close, volume } = candles
  const columns = [open, high, low, close, volume].map((column) => column.subarray(0, length))
  const running = run(python, ['-c', script, JSON.stringify(calls)], {
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  })
  const input = Buffer.concat(
    columns.map((column) => Buffer.from(column.buffer, column.byteOffset, column.byteLength)),
  )
  running.child.stdin?.end(input)
  return (await running).stdout
}
