/**
 * The process that an evaluation runs in, forked by `evaluation.ts`: takes one request, answers with progress and a
 * comparison or with what went wrong, and ends. It leaves when its parent is gone.
 */
import { Fault } from '../../streams/fault.ts'
import { openDataset } from '../dataset/read.ts'
import { compareOn } from './compare.ts'
import type { EvaluationNews, EvaluationRequest } from './evaluation.ts'

function send(news: EvaluationNews): void {
  process.send?.(news)
}

async function answer(request: EvaluationRequest): Promise<void> {
  try {
    const dataset = await openDataset(request.dataset)
    const comparison = await compareOn(
      dataset,
      request,
      () => performance.now(),
      (done, of) => send({ type: 'progress', done, of }),
    )
    send({ type: 'done', comparison })
  } catch (error) {
    // A broken invariant ends the process, and its words reach the parent.
    if (!(error instanceof Fault)) throw error
    send({ type: 'failed', code: error.code, message: error.message })
  }
}

process.on('disconnect', () => process.exit(1))
process.once('message', (request: EvaluationRequest) => void answer(request))
