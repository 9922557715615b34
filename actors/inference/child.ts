/**
 * The process that computes: forked by its actor, it opens sessions and runs bundles in the order in which they come, and
 * leaves when its parent is gone. It keeps nothing that a new one could not open again.
 */
import { openArtifact } from '../../models/artifact.ts'
import { openSession, type Session } from '../../models/session.ts'
import { Fault } from '../../streams/fault.ts'
import { leaveWithParent } from './parent.ts'
import { serveInference } from './serve.ts'

const rssSoftMax = Number(process.argv[2])

async function open(folder: string, sha256: string): Promise<Session> {
  const artifact = await openArtifact(folder)
  if (artifact.sha256 !== sha256) {
    throw new Fault('artifact.changed', `${folder} holds another artifact than the one announced`)
  }
  return openSession(artifact)
}

leaveWithParent()
serveInference(process, open, rssSoftMax)
