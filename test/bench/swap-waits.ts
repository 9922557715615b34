/**
 * Do live predictions feel a swap? A daemon with a month of history on a fast tape, calm and while a lane moves to one new
 * version of LightGBM's size after the other, the whole past of each predicted on the way, in turns: five pairs, the 99th
 * percentile of the live waits in each half, the median of the five.
 */
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { house, type RunningDaemon, startDaemon } from '../support/daemon/daemon.ts'
import { ended, order, publish } from '../support/daemon/versions.ts'
import { testFolder } from '../support/models/artifacts.ts'
import { median, quantile } from '../support/quantile.ts'
import { Ending } from './ending.ts'
import type { Figure } from './figure.ts'
import { liveWaits } from './live-waits.ts'
import { untilDeep } from './training-beside.ts'
import { writeTrees, writeVariant } from './variant.ts'

const pairs = 5
const halfMs = 10_000
const lane = 'BTC-USDT/lightgbm'
const swapMsMax = 180_000
/** A candle each half second, for two coins with five versions each: twenty live predictions a second. */
const config = `
market: { source: tape, historyDays: 30, tape: { speed: 120 } }
fleet: { shadowCandles: 0 }
training: { where: off }
api: { port: 0 }
`

export async function benchSwapWaits(): Promise<readonly Figure[]> {
  const ending = new Ending()
  try {
    const daemon = await startDaemon(ending, house(ending, config))
    await untilDeep(daemon)
    const folder = testFolder(ending)
    await writeTrees(join(folder, 'trees'))
    const calm: number[] = []
    const beside: number[] = []
    const swapped: number[] = []
    for (let i = 0; i < pairs; i++) {
      calm.push(quantile(await liveWaits(daemon, () => pass(halfMs)), 0.99))
      const waits = await liveWaits(daemon, async () => {
        for (const end = performance.now() + halfMs; performance.now() < end; )
          swapped.push(await swapToNew(daemon, folder, swapped.length))
      })
      beside.push(quantile(waits, 0.99))
    }
    await daemon.end('SIGTERM')
    const [before, during] = [median(calm), median(beside)]
    const name = 'p99 wait of live predictions'
    return [
      { name: `${name}, calm, median of ${pairs}`, value: before, unit: 'ms' },
      {
        name: `${name} during swaps, median of ${pairs}`,
        ...{ value: during, unit: 'ms', theirs: before, ratio: during / before },
        limit: { atMost: Math.max(1.2, (before + 5) / before) },
        against: `${swapped.length} swaps with 30 days to predict, ${median(swapped).toFixed(1)} s each`,
      },
    ]
  } finally {
    await ending.end()
  }
}

/** Answers the seconds from the order to the end. */
async function swapToNew(daemon: RunningDaemon, folder: string, mark: number): Promise<number> {
  const at = join(folder, String(mark))
  await writeVariant(join(folder, 'trees'), at, String(mark))
  const { version } = await publish(daemon, at, 'coin=BTC-USDT')
  const began = performance.now()
  const { swap } = await order(daemon, lane, version)
  const { state, reason } = await ended(daemon, swap, swapMsMax)
  if (state !== 'done') throw new Error(`the swap ended as ${state}: ${reason}`)
  return (performance.now() - began) / 1_000
}
