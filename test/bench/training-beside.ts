/**
 * Do live predictions feel a training? A daemon on a fast tape, calm and with `linear` being trained beside it, in turns:
 * five pairs, the 99th percentile of the live waits in each half, the median of the five.
 */
import { setTimeout as pass } from 'node:timers/promises'
import type { TrainingRunBody } from '../../ops/api/routes/training.ts'
import { house, type RunningDaemon, startDaemon } from '../support/daemon/daemon.ts'
import { median, quantile } from '../support/quantile.ts'
import { until } from '../support/until.ts'
import { Ending } from './ending.ts'
import type { Figure } from './figure.ts'
import { liveWaits } from './live-waits.ts'

const pairs = 5
const halfMs = 10_000
/** A candle each half second, for two coins with three versions each: twelve live predictions a second. */
const config = `
market: { source: tape, historyDays: 30, tape: { speed: 120 } }
fleet: { families: { linear: {}, lightgbm: {}, volatility: { horizon: 60m } } }
training: { where: off }
api: { port: 0 }
`

export async function benchTrainingBeside(): Promise<readonly Figure[]> {
  const ending = new Ending()
  try {
    const daemon = await startDaemon(ending, house(ending, config))
    await untilDeep(daemon)
    const calm: number[] = []
    const beside: number[] = []
    let trained = 0
    for (let i = 0; i < pairs; i++) {
      calm.push(quantile(await liveWaits(daemon, () => pass(halfMs)), 0.99))
      const waits = await liveWaits(daemon, async () => {
        trained += await trainFor(daemon, halfMs)
      })
      beside.push(quantile(waits, 0.99))
    }
    await daemon.end('SIGTERM')
    const [before, during] = [median(calm), median(beside)]
    const name = 'p99 wait of live predictions'
    return [
      { name: `${name}, calm, median of ${pairs}`, value: before, unit: 'ms' },
      {
        name: `${name} while linear is trained (${trained} runs), median of ${pairs}`,
        ...{ value: during, unit: 'ms', theirs: before },
        limit: { atMost: Math.max(before * 1.1, before + 5) },
      },
    ]
  } finally {
    await ending.end()
  }
}

/** Until all that its tape has of the past is stored. */
export async function untilDeep(daemon: RunningDaemon): Promise<void> {
  const isDeep = async (): Promise<boolean> => {
    const coins = await daemon.get<readonly { candles: number }[]>('/api/v1/coins')
    return coins.length > 0 && coins.every(({ candles }) => candles >= 43_000)
  }
  await until('its history is there', isDeep, 120_000, 500)
}

/** Run after run; gives the number of those that were over in time. */
async function trainFor(daemon: RunningDaemon, ms: number): Promise<number> {
  const end = performance.now() + ms
  let runs = 0
  while (performance.now() < end) {
    const run = await order(daemon)
    let now = run
    while (now.endedAt === null && performance.now() < end) {
      await pass(200)
      now = await daemon.get(`/api/v1/training/${run.run}`)
    }
    if (now.state === 'failed') throw new Error(`training failed: ${now.message}`)
    if (now.endedAt !== null) runs += 1
    else await daemon.post(`/api/v1/training/${run.run}/cancel`)
  }
  return runs
}

async function order(daemon: RunningDaemon): Promise<TrainingRunBody> {
  for (;;) {
    const answer = await daemon.post('/api/v1/training', { coin: 'BTC/USDT', family: 'linear' })
    if (answer.ok) return (await answer.json()) as TrainingRunBody
    // The cancelled one before it has not let go yet.
    if (answer.status !== 409) throw new Error(await answer.text())
    await pass(200)
  }
}
