/** LightGBM on a made market, by the Python that is at hand: its answers to the rows that are judged, in their order. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Examples, Learnt } from './examples.ts'

const script = join(import.meta.dirname, 'trees.py')

/** `judged` are the inputs that `run` will be asked for, one after the other. */
export function fitTrees(python: string, examples: Examples, judged: Float32Array): Learnt {
  const folder = mkdtempSync(join(tmpdir(), 'starling-trees-'))
  try {
    writeFileSync(join(folder, 'shape.json'), JSON.stringify({ width: examples.width }))
    writeFileSync(join(folder, 'learn.f32'), bytesOf(examples.values))
    writeFileSync(join(folder, 'target.u8'), examples.target)
    writeFileSync(join(folder, 'judge.f32'), bytesOf(judged))
    execFileSync(python, [script, folder], { stdio: ['ignore', 'ignore', 'inherit'] })
    const bytes = readFileSync(join(folder, 'buy.f32'))
    const buys = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).slice()
    return { run: answering(buys), frequencies: examples.frequencies }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function answering(buys: Float32Array): Learnt['run'] {
  let next = 0
  return async (_inputs, rows) => {
    const out = new Float32Array(3 * rows)
    for (let row = 0; row < rows; row++) {
      const buy = buys[next++] as number
      out[3 * row] = 1 - buy
      out[3 * row + 2] = buy
    }
    return out
  }
}

function bytesOf(numbers: Float32Array): Uint8Array {
  return new Uint8Array(numbers.buffer, numbers.byteOffset, numbers.byteLength)
}
