/**
 * What an artifact is worth on candles that it has not seen: run over a dataset folder in a child process of its own, at
 * low priority, so that neither the runtime nor a graph that hangs or eats memory is ever inside the daemon. Nothing is
 * kept of a child that failed.
 */
import { fileURLToPath } from 'node:url'
import { Fault } from '../../streams/fault.ts'
import type { Clock, Millis } from '../../streams/time.ts'
import type { ClassCounts } from '../scores/no-skill.ts'
import { forkPolitely } from '../training/politely.ts'
import type { TimeRange } from '../training/request.ts'
import type { Comparison } from './sheet.ts'

export interface EvaluationRequest {
  /** An artifact folder, and its name for people. */
  readonly artifact: string
  readonly subject: string
  /** Who holds the lane, judged on the very same candles. */
  readonly incumbent: { readonly artifact: string; readonly subject: string } | null
  /** A dataset folder with every column that either of them sees. */
  readonly dataset: string
  /** Openings in `[from, to)` that are judged; what either was trained on, and its purge, is left out of them. */
  readonly ranges: readonly TimeRange[]
  /** One way, as shares of the value traded. */
  readonly fee: number
  readonly slippage: number
  /** Of the training rows; null: the artifact's own `metrics.json` says. */
  readonly frequencies: ClassCounts | null
  readonly trials: number
}

/** What goes between the two processes. */
export type EvaluationNews =
  | { readonly type: 'progress'; readonly done: number; readonly of: number }
  | { readonly type: 'done'; readonly comparison: Comparison }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }

export interface EvaluationLimits {
  readonly clock: Clock
  readonly limitMs: Millis
  /** Ends it: `evaluation.cancelled`. */
  readonly signal?: AbortSignal
  readonly progress?: (done: number, of: number) => void
  /** Another program in the child's place, for tests. */
  readonly entry?: string
}

const childEntry = fileURLToPath(new URL('./child.ts', import.meta.url))

/** Refuses with `evaluation.timeout`, `evaluation.died`, `evaluation.cancelled`, or what the child says. */
export function evaluate(
  request: EvaluationRequest,
  { clock, limitMs, signal, progress, entry = childEntry }: EvaluationLimits,
): Promise<Comparison> {
  return new Promise((resolve, reject) => {
    const { child, words } = forkPolitely(entry)
    const timer = clock.schedule(() => {
      end()
      reject(new Fault('evaluation.timeout', `the evaluation took more than ${limitMs / 1000} s`))
    }, limitMs)
    const cancel = (): void => {
      end()
      reject(new Fault('evaluation.cancelled', 'the evaluation was cancelled'))
    }
    const end = (): void => {
      timer.unsubscribe()
      signal?.removeEventListener('abort', cancel)
      child.kill('SIGKILL')
    }
    if (signal?.aborted) return cancel()
    signal?.addEventListener('abort', cancel)
    child.on('message', (news: EvaluationNews) => {
      switch (news.type) {
        case 'progress':
          return progress?.(news.done, news.of)
        case 'done':
          end()
          return resolve(news.comparison)
        case 'failed':
          end()
          return reject(new Fault(news.code as Fault['code'], news.message))
      }
    })
    child.on('error', (cause) => {
      end()
      reject(new Fault('evaluation.died', 'the evaluation could not be started', { cause }))
    })
    child.on('exit', (code, by) => {
      end()
      const what = `the evaluation ended with ${by ?? code} before it had answered`
      reject(new Fault('evaluation.died', words() === '' ? what : `${what}: ${words()}`))
    })
    child.send(request)
  })
}
