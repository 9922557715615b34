/**
 * An inference child with real sessions, in which one family, or one artifact of it, does what `mood.json` beside the
 * artifacts says: hang, be slow, answer NaN, eat memory, or take the process with it. Without a mood it is as good as any.
 */
import { dirname, join } from 'node:path'
import { leaveWithParent } from '../../../actors/inference/parent.ts'
import { type Opened, serveInference } from '../../../actors/inference/serve.ts'
import { openArtifact } from '../../../models/artifact.ts'
import { openSession } from '../../../models/session.ts'
import { readIfThere } from '../../../ops/store/read-if-there.ts'

export type Mood = 'hang' | 'nan' | 'grow' | 'segfault' | 'slow'

const held: Uint8Array[] = []
/** For each call, however few rows it has. */
const slowMs = 800

function hang(): never {
  for (;;) Math.sqrt(held.length)
}

const moods: Readonly<Record<Mood, (outputs: Float32Array) => Float32Array>> = {
  hang,
  nan: (outputs) => outputs.fill(Number.NaN),
  slow: (outputs) => {
    for (const until = performance.now() + slowMs; performance.now() < until; );
    return outputs
  },
  // To a gibibyte: whoever is to notice may be kept from looking for seconds, in which it would take all there is.
  grow: () => {
    while (held.length < 128) held.push(new Uint8Array(8 * 1024 * 1024).fill(1))
    hang()
  },
  segfault: (outputs) => {
    process.kill(process.pid, 'SIGSEGV')
    return outputs
  },
}

async function open(folder: string): Promise<Opened> {
  const artifact = await openArtifact(folder)
  const session = await openSession(artifact)
  const file = join(dirname(dirname(folder)), 'mood.json')
  return {
    inputWidth: session.inputWidth,
    release: () => session.release(),
    run: async (inputs, rows) => {
      const outputs = await session.run(inputs, rows)
      const told = readIfThere(file)
      if (told === undefined) return outputs
      const { family, sha256, mood } = JSON.parse(told) as {
        family: string
        sha256?: string
        mood: Mood
      }
      const isMeant = sha256 === undefined || sha256 === artifact.sha256
      return isMeant && artifact.manifest.family === family ? moods[mood](outputs) : outputs
    },
  }
}

leaveWithParent()
serveInference(process, open, Number(process.argv[2]))
