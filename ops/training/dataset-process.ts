/** A dataset out of the store, made in a process of its own at low priority; whatever way that ends has a name. */
import { fileURLToPath } from 'node:url'
import type { DatasetOrder } from '../../models/dataset/build.ts'
import { forkPolitely } from '../../models/training/politely.ts'
import { Fault } from '../../streams/fault.ts'
import type { StoreOptions } from '../store/store.ts'

export interface DatasetAsked {
  readonly store: StoreOptions
  readonly order: Omit<DatasetOrder, 'set' | 'progress'>
  readonly out: string
}

export type DatasetNews =
  | { readonly type: 'progress'; readonly done: number; readonly of: number }
  | { readonly type: 'made' }
  | {
      readonly type: 'failed'
      readonly code: string
      readonly message: string
      readonly retryable: boolean
    }

export interface DatasetLimits {
  readonly signal: AbortSignal
  readonly progress: (done: number, of: number) => void
  /** Another program in the child's place, for tests. */
  readonly entry?: string
}

const childEntry = fileURLToPath(new URL('./dataset-child.ts', import.meta.url))

export async function makeDataset(
  asked: DatasetAsked,
  { signal, progress, entry = childEntry }: DatasetLimits,
): Promise<void> {
  const { child, words } = forkPolitely(entry)
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const cut = (): void => reject(signal.reason)
  signal.addEventListener('abort', cut, { once: true })
  child.on('error', (cause) =>
    reject(new Fault('data.died', 'the dataset’s process cannot be started', { cause })),
  )
  child.on('exit', (code, by) => {
    const what = `the dataset’s process ended with ${by ?? code} before it was done ${words()}`
    reject(new Fault('data.died', what.trim(), { retryable: true }))
  })
  child.on('message', (news: DatasetNews) => {
    switch (news.type) {
      case 'progress':
        return progress(news.done, news.of)
      case 'made':
        return resolve()
      case 'failed': {
        const { code, message, retryable } = news
        return reject(new Fault(code as Fault['code'], message, { retryable }))
      }
    }
  })
  if (signal.aborted) cut()
  else child.send(asked)
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', cut)
    child.kill('SIGKILL')
  }
}
