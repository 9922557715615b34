/**
 * What the training framework answered to at least sixteen inputs, shipped inside the artifact as `golden.json`: rows of
 * numbers in the tensors' own order, a window's rows one after the other, a text's ids and behind them its mask.
 */
import { z } from 'zod'
import { Fault } from '../streams/fault.ts'
import { inputWidth, type Manifest, outputWidth } from './manifest.ts'

export interface Golden {
  readonly rows: number
  readonly inputs: Float32Array
  readonly outputs: Float32Array
}

const rowsMin = 16
const rowsMax = 4096

/** A window may be written flat or as a list of its rows. */
const row = z.array(z.union([z.number(), z.array(z.number())]))
const golden = z.looseObject({
  inputs: z.array(row).min(rowsMin).max(rowsMax),
  outputs: z.array(row).min(rowsMin).max(rowsMax),
})

export function parseGolden(bytes: Uint8Array, manifest: Manifest): Golden {
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder().decode(bytes))
  } catch (cause) {
    throw new Fault('artifact.golden', 'golden.json is not JSON', { cause })
  }
  const parsed = golden.safeParse(json)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]
    throw new Fault('artifact.golden', `golden.json: ${issue?.path.join('.')}: ${issue?.message}`)
  }
  const { inputs, outputs } = parsed.data
  if (inputs.length !== outputs.length) {
    throw new Fault(
      'artifact.golden',
      `golden.json: ${inputs.length} inputs, ${outputs.length} outputs`,
    )
  }
  return {
    rows: inputs.length,
    inputs: pack(inputs, inputWidth(manifest.input), 'inputs'),
    outputs: pack(outputs, outputWidth(manifest), 'outputs'),
  }
}

function pack(rows: readonly (number | number[])[][], width: number, what: string): Float32Array {
  const packed = new Float32Array(rows.length * width)
  rows.forEach((row, index) => {
    const flat = row.flat()
    if (flat.length !== width) {
      throw new Fault(
        'artifact.golden',
        `golden.json: ${what}.${index} has ${flat.length} numbers, the manifest says ${width}`,
      )
    }
    packed.set(flat, index * width)
  })
  return packed
}

/** Rounding between frameworks stays below 1e-5; a graph that was converted wrongly is off by 1e-2 and more. */
export const goldenTolerance = 1e-4

/**
 * The largest difference, as a share of what is usual for this output: 1 for probabilities, the largest golden answer for
 * values, which may be small numbers such as a volatility.
 */
export function goldenDistance(
  expected: Float32Array,
  found: Float32Array,
  kind: Manifest['output']['kind'],
): number {
  const largest = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0)
  const scale = kind === 'value' ? largest || 1 : Math.max(1, largest)
  return expected.reduce(
    (worst, value, at) => Math.max(worst, Math.abs(value - (found[at] as number)) / scale),
    0,
  )
}
