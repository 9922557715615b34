/**
 * An inference child whose models misbehave by name: the folder says how. Rows that begin with 13 are the bad ones for those
 * that depend on the row.
 */
import { leaveWithParent } from '../../../actors/inference/parent.ts'
import { type Opened, serveInference } from '../../../actors/inference/serve.ts'
import { Fault } from '../../../streams/fault.ts'

const held: Uint8Array[] = []

function hang(): never {
  for (;;) Math.sqrt(held.length)
}

function die(): void {
  process.kill(process.pid, 'SIGSEGV')
  hang()
}

/** To a gibibyte: whoever is to notice may be kept from looking for seconds, in which it would take all there is. */
function grow(): never {
  while (held.length < 128) held.push(new Uint8Array(8 * 1024 * 1024).fill(1))
  hang()
}

const runs: Readonly<Record<string, (inputs: Float32Array) => Float32Array>> = {
  good: (inputs) => inputs.map((it) => it + 1),
  hang,
  die: (inputs) => {
    die()
    return inputs
  },
  dieOn13: (inputs) => {
    if (inputs.includes(13)) die()
    return inputs.map((it) => it + 1)
  },
  throwOn13: (inputs) => {
    if (inputs.includes(13)) throw new Error('index out of bounds')
    return inputs.map((it) => it + 1)
  },
  grow,
  nanOn13: (inputs) => inputs.map((it) => (it === 13 ? Number.NaN : it + 1)),
}

async function open(folder: string): Promise<Opened> {
  const name = folder.split('-')[0] as string
  if (name === 'refused') throw new Fault('artifact.hash', 'it is another one')
  if (name === 'dieOpening') die()
  if (name === 'hangOpening') hang()
  const run = runs[name]
  if (run === undefined) throw new Fault('artifact.missing', `no model ${name}`)
  return {
    inputWidth: 1,
    run: async (inputs) => run(inputs),
    release: async () => undefined,
  }
}

leaveWithParent()
serveInference(process, open, Number.POSITIVE_INFINITY)
