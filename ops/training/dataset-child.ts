/**
 * The process that makes a training run's dataset: it opens the store for itself, lets the engine go over the stored
 * candles, and leaves with its parent. A hundred thousand rows would otherwise be felt by whoever predicts beside it.
 */
import { FeatureHistory } from '../../actors/coin/feature-history.ts'
import { buildDataset } from '../../models/dataset/build.ts'
import { diskFull } from '../../streams/disk-full.ts'
import { Fault } from '../../streams/fault.ts'
import { featureSet } from '../../streams/features/set.ts'
import { openStore } from '../store/store.ts'
import type { DatasetAsked, DatasetNews } from './dataset-process.ts'

const told = (news: DatasetNews): Promise<void> =>
  new Promise((resolve) => void process.send?.(news, () => resolve()))

async function make({ store: options, order, out }: DatasetAsked): Promise<void> {
  const store = await openStore(options)
  try {
    const set = featureSet(store.intervalMs)
    const features = new FeatureHistory({
      reader: store.reader,
      set,
      dueAt: ({ openAt }) => openAt + set.intervalMs,
    })
    await buildDataset(
      { ...order, set, progress: (done, of) => void told({ type: 'progress', done, of }) },
      {
        candles: (from, to) => store.reader.candles(order.coin, from, to),
        passages: (from, to) => features.pass(order.coin, from, to),
      },
      out,
    )
  } finally {
    await store.close()
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
process.once('message', async (asked: DatasetAsked) => {
  try {
    await make(asked)
    await told({ type: 'made' })
  } catch (error) {
    const fault = diskFull(error) ?? error
    if (!(fault instanceof Fault)) throw error
    const { code, message, retryable } = fault
    await told({ type: 'failed', code, message, retryable })
  }
})
