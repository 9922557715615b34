/**
 * Opens an artifact in an inference child of its own, the very program that the pool runs, and lets it answer its golden
 * rows. What a graph does to a process it does to that one alone.
 */
import type { WireAnswer, WireCommand } from '../../actors/inference/wire.ts'
import { childEntry } from '../../actors/inference/worker.ts'
import type { Artifact } from '../../models/artifact.ts'
import { forkPolitely } from '../../models/training/politely.ts'
import { Fault } from '../../streams/fault.ts'

export interface VerifyOptions {
  readonly rssMax: number
  readonly signal: AbortSignal
  /** Another program in the child's place, for tests. */
  readonly entry?: string
}

/** Refuses with what the child says: `artifact.golden`, `artifact.not_finite`, `artifact.graph` …, or that it died over it. */
export async function verifyArtifact(
  { folder, sha256 }: Artifact,
  { rssMax, signal, entry = childEntry }: VerifyOptions,
): Promise<void> {
  const { child, words } = forkPolitely(entry, [String(rssMax)], 'advanced')
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cut = (): void => reject(signal.reason)
  signal.addEventListener('abort', cut, { once: true })
  child.on('error', (cause) => reject(new Fault('artifact.graph', 'no child starts', { cause })))
  child.on('exit', (code, by) => {
    const what = `it killed the child that opened it (${by ?? `exit code ${code}`}) ${words()}`
    reject(new Fault('artifact.graph', what.trim()))
  })
  child.on('message', (answer: WireAnswer) => {
    switch (answer.type) {
      case 'ready': {
        const open: WireCommand = { type: 'open', bundle: 0, model: 0, folder, sha256 }
        child.send(open)
        return
      }
      case 'opened':
        return resolve()
      case 'refused':
        return reject(new Fault(answer.code as Fault['code'], answer.reason))
      case 'ran':
        return
    }
  })
  if (signal.aborted) cut()
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', cut)
    child.kill('SIGKILL')
  }
}
