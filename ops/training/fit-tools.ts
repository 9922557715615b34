/** The first half of a training run: rows out of the store, a trainer over them, and a sealed artifact. */
import { Fault } from '../../streams/fault.ts'
import type { BenchPorts } from './open.ts'
import type { Tools } from './workshop.ts'

export function fitTools(_ports: BenchPorts): Pick<Tools, 'dataset' | 'request' | 'fit' | 'seal'> {
  const absent = async (): Promise<never> => {
    throw new Fault('family.unsupported', 'no trainer is known here')
  }
  return { dataset: absent, request: absent, fit: absent, seal: absent }
}
