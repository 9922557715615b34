/** The rows of a made market that may be learnt from, as one matrix. */
import type { JudgedBlock } from '../../models/judging/rows.ts'
import type { ClassCounts } from '../../models/scores/no-skill.ts'
import type { TimeRange } from '../../models/training/request.ts'

export interface Examples {
  readonly rows: number
  readonly width: number
  /** Row-major. */
  readonly values: Float32Array
  /** 0 sell, 1 hold, 2 buy. */
  readonly target: Uint8Array
  readonly frequencies: ClassCounts
}

/** What a learner has made of them. */
export interface Learnt {
  /** Probabilities of sell, hold and buy, for rows one after the other. */
  readonly run: (inputs: Float32Array, rows: number) => Promise<Float32Array>
  readonly frequencies: ClassCounts
}

export function examplesOf(block: JudgedBlock, [from, to]: TimeRange): Examples {
  const width = block.values.length / block.length
  const chosen: number[] = []
  for (let i = 0; i < block.length; i++) {
    const at = block.openAt[i] as number
    if (at < from || at >= to || block.flaw[i] !== 0 || Number.isNaN(block.target[i])) continue
    if (block.values.subarray(i * width, (i + 1) * width).every(Number.isFinite)) chosen.push(i)
  }
  const values = new Float32Array(chosen.length * width)
  const target = Uint8Array.from(chosen, (i) => block.target[i] as number)
  chosen.forEach((i, row) => {
    values.set(block.values.subarray(i * width, (i + 1) * width), row * width)
  })
  const frequencies: [number, number, number] = [0, 0, 0]
  for (const it of target) frequencies[it as 0] += 1
  return { rows: chosen.length, width, values, target, frequencies }
}
