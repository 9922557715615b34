/** The yardstick: a loop of runs over one session in one process, with nothing around it. Forked, so that the runtime stays here. */
import { performance } from 'node:perf_hooks'
import { openArtifact } from '../../models/artifact.ts'
import { openSession } from '../../models/session.ts'
import type { RawQuestion, RawTimes } from './raw.ts'

process.on('message', async ({ folder, rows, runs }: RawQuestion) => {
  const artifact = await openArtifact(folder)
  const session = await openSession(artifact)
  const { inputs } = artifact.golden
  const bundle = Float32Array.from(
    { length: rows * session.inputWidth },
    (_, at) => inputs[at % inputs.length] ?? 0,
  )
  const times: number[] = []
  for (let at = -20; at < runs; at += 1) {
    const startedAt = performance.now()
    await session.run(bundle, rows)
    if (at >= 0) times.push(performance.now() - startedAt)
  }
  await session.release()
  const answer: RawTimes = { times }
  process.send?.(answer)
})
