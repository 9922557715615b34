/**
 * The storm of swaps that the system tests let loose, as large as continuous integration can bear it: how long a swap
 * takes in it, and how long candles waited that met one, beside those that did not.
 */

import { minuteMs } from '../../streams/time.ts'
import type { RunningDaemon } from '../support/daemon/daemon.ts'
import { smallStorm, swapStorm } from '../support/daemon/swap-storm.ts'
import type { SwapBody } from '../support/daemon/versions.ts'
import { median, quantile } from '../support/quantile.ts'
import { Ending } from './ending.ts'
import type { Figure } from './figure.ts'

export async function benchSwapStorm(): Promise<readonly Figure[]> {
  const ending = new Ending()
  try {
    const { daemon, swaps } = await swapStorm(ending, { ...smallStorm, seed: '1' })
    const done = swaps.filter(({ state }) => state === 'done')
    const waits = await waitsOf(
      daemon,
      done.filter(({ cutAt }) => cutAt !== null),
    )
    await daemon.end('SIGTERM')
    const took = done.map(
      ({ startedAt, endedAt }) => (Date.parse(endedAt as string) - Date.parse(startedAt)) / 1_000,
    )
    const sum = (of: 'missed' | 'twice'): number => done.reduce((n, swap) => n + (swap[of] ?? 0), 0)
    const { coins, swaps: asked, rollbacks } = smallStorm
    const name = `storm, ${asked} swaps and ${rollbacks} back in ${coins * 3} lanes with kills`
    const tell = (them: readonly number[]): string =>
      `p99 ${quantile(them, 0.99).toFixed(0)}, median ${median(them).toFixed(0)}, of ${them.length}`
    const calm = `${Math.max(...waits.calm).toFixed(0)} ms, ${tell(waits.calm)}`
    return [
      { name: `${name}: order to end, p50`, value: quantile(took, 0.5), unit: 's' },
      { name: `${name}: order to end, p99`, value: quantile(took, 0.99), unit: 's' },
      {
        name: `${name}: longest wait of a candle that met a swap`,
        ...{ value: Math.max(...waits.met), unit: 'ms' },
        theirs: Math.max(...waits.calm),
        against: `${tell(waits.met)}; of one that met none ${calm}`,
      },
      {
        name: `${name}: missed or twice`,
        ...{ value: sum('missed') + sum('twice'), unit: 'candles', limit: { atMost: 0 } },
        against: `${done.length} swaps done`,
      },
    ]
  } finally {
    await ending.end()
  }
}

interface Prediction {
  readonly coin: string
  readonly family: string
  readonly openAt: string
  readonly waitMs: number
}

/** Of every live prediction, by whether its candle lies between the beginning of a swap of its lane and its first new one. */
async function waitsOf(
  daemon: RunningDaemon,
  swaps: readonly SwapBody[],
): Promise<{ readonly met: readonly number[]; readonly calm: readonly number[] }> {
  const byLane = Map.groupBy(swaps, ({ coin, family }) => `${coin} ${family}`)
  const met: number[] = []
  const calm: number[] = []
  for (let cursor = ''; ; ) {
    const page = await daemon.get<{ items: readonly Prediction[]; next: string | null }>(
      `/api/v1/predictions?mode=live&limit=10000${cursor}`,
    )
    for (const { coin, family, openAt, waitMs } of page.items) {
      const its = byLane.get(`${coin} ${family}`) ?? []
      const meets = its.some((swap) => isWithin(swap, Date.parse(openAt)))
      ;(meets ? met : calm).push(waitMs)
    }
    if (page.next === null) return { met, calm }
    cursor = `&cursor=${encodeURIComponent(page.next)}`
  }
}

/** As the swap's own audit counts: from the candle at which it began, or the one before its cut, to the first after it. */
function isWithin({ cutAt, journal }: SwapBody, openAt: number): boolean {
  const cut = Date.parse(cutAt as string)
  const begun = journal.find(({ transition }) => transition === 'announced')?.candleAt
  const from = Math.min(begun ? Date.parse(begun) : cut, cut - minuteMs)
  return openAt >= from && openAt < cut + minuteMs
}
