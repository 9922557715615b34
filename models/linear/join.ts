/** The rows of several datasets as one matrix: where there are more than are wanted, the newest of each in proportion. */
import type { Matrix } from './fit.ts'

export function joinNewest(parts: readonly Matrix[], width: number, rowsMax: number): Matrix {
  const total = parts.reduce((sum, it) => sum + it.rows, 0)
  const share = Math.min(1, rowsMax / Math.max(1, total))
  const kept = parts.map((it) => Math.floor(it.rows * share))
  const rows = kept.reduce((sum, it) => sum + it, 0)
  const values = new Float32Array(rows * width)
  const target = new Float64Array(rows)
  let at = 0
  parts.forEach((part, i) => {
    const first = part.rows - (kept[i] as number)
    values.set(part.values.subarray(first * width), at * width)
    target.set(part.target.subarray(first), at)
    at += kept[i] as number
  })
  return { rows, width, values, target }
}
