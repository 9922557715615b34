/** An indicator over whole series from empty memory, in bundles of any size. */
import {
  begin,
  Layout,
  type Memory,
  type Series,
  turn,
} from '../../../streams/indicators/layout.ts'

export interface Over<T> {
  readonly make: (layout: Layout) => T
  readonly run: (indicator: T, s: Memory, n: number, inputs: Series[], outputs: Series[]) => void
  readonly inputs: readonly (readonly number[])[]
  readonly outputs: number
  /** Number of the first candle. */
  readonly index?: number
  readonly bundles?: readonly number[]
}

export function over<T>(what: Over<T>): number[][] {
  const layout = new Layout()
  const indicator = what.make(layout)
  const s = new Float64Array(layout.size)
  begin(s, layout.cycles, what.index ?? 0)
  const results: number[][] = Array.from({ length: what.outputs }, () => [])
  const length = what.inputs[0]!.length
  const bundles = what.bundles ?? [length]
  for (let from = 0, b = 0; from < length; b++) {
    const n = Math.min(bundles[b % bundles.length]!, length - from)
    const inputs = what.inputs.map((input) => Float64Array.from(input.slice(from, from + n)))
    const outputs = results.map(() => new Float64Array(n))
    what.run(indicator, s, n, inputs, outputs)
    turn(s, layout.cycles, n)
    for (const [i, output] of outputs.entries()) results[i]!.push(...output)
    from += n
  }
  return results
}
