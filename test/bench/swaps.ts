/**
 * A lane's new version in a daemon with 180 days of history: from its announcement to its serving, all of its past
 * predicted on the way, and what live predictions felt of it; the way back; and the way on after `kill -9` in the middle.
 */
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { minuteMs } from '../../streams/time.ts'
import { type House, house, type RunningDaemon, startDaemon } from '../support/daemon/daemon.ts'
import { ended, order, publish, type SwapBody, slotsOf } from '../support/daemon/versions.ts'
import { testFolder } from '../support/models/artifacts.ts'
import { median, quantile } from '../support/quantile.ts'
import { until } from '../support/until.ts'
import { configOf, fill } from './daemon.ts'
import { Ending } from './ending.ts'
import type { Figure } from './figure.ts'
import { liveWaits } from './live-waits.ts'
import { writeTrees, writeVariant } from './variant.ts'

const lane = 'BTC-USDT/lightgbm'
/** A candle a second. */
const speed = 60
const candleMs = minuteMs / speed
const calmMs = 12_000
const rollbacks = 3
/** A swap may be quicker than a hundred predictions. */
const waitsMin = 20
const swapMsMax = 180_000
const waitMsMax = 60_000

interface Ground {
  readonly ending: Ending
  readonly at: House
  /** Writes a version that nobody has seen, and answers where. */
  readonly made: () => Promise<string>
}

export async function benchSwaps(): Promise<readonly Figure[]> {
  const ending = new Ending()
  try {
    const at = house(ending, `${configOf(speed)}fleet: { shadowCandles: 0 }\n`)
    await fill(ending, at)
    const folder = testFolder(ending)
    const trees = join(folder, 'trees')
    await writeTrees(trees)
    let marks = 0
    const made = async (): Promise<string> => {
      const to = join(folder, String(++marks))
      await writeVariant(trees, to, String(marks))
      return to
    }
    const ground = { ending, at, made }
    const daemon = await startDaemon(ending, at, 120_000)
    const announced = await announce(ground, daemon)
    const back = await goBack(daemon, announced.version)
    return [...announced.figures, ...back, ...(await resume(ground, daemon))]
  } finally {
    await ending.end()
  }
}

async function announce(
  { made }: Ground,
  daemon: RunningDaemon,
): Promise<{ readonly version: number; readonly figures: readonly Figure[] }> {
  const before = await liveWaits(daemon, () => pass(calmMs))
  const artifact = await made()
  let took = 0
  let version = 0
  let swap: SwapBody | undefined
  const meanwhile = await liveWaits(
    daemon,
    async () => {
      const began = performance.now()
      version = (await publish(daemon, artifact, 'coin=BTC-USDT')).version
      const { swap: id } = await order(daemon, lane, version)
      swap = await until(
        'it serves',
        async () => {
          const now = await daemon.get<SwapBody>(`/api/v1/swaps/${id}`)
          if (now.state === 'rejected') throw new Error(`it is refused: ${now.reason}`)
          return isServing(now) ? now : undefined
        },
        swapMsMax,
      )
      took = (performance.now() - began) / 1_000
    },
    waitsMin,
  )
  const { id, journal } = swap as SwapBody
  const done = await ended(daemon, id)
  if (done.state !== 'done' || done.missed !== 0 || done.twice !== 0)
    throw new Error(`the swap is not what it should be: ${JSON.stringify(done)}`)
  const at = (stage: string): number =>
    Date.parse(journal.find(({ transition }) => transition === stage)?.at as string)
  const predicting = ((at('backfilled') - at('judged')) / 1_000).toFixed(1)
  const tell = (waits: readonly number[]): string =>
    `median ${median(waits).toFixed(0)}, p99 ${quantile(waits, 0.99).toFixed(0)}`
  return {
    version,
    figures: [
      {
        name: 'announcement to serving, LightGBM size, 180 days to predict',
        ...{ value: took, unit: 's', limit: { atMost: 60 } },
        against: [
          `${predicting} s of it the past`,
          `live waits before: ${tell(before)} ms, meanwhile: ${tell(meanwhile)} ms`,
        ].join('; '),
      },
    ],
  }
}

function isServing({ journal, to }: SwapBody): boolean {
  return journal.some(({ version, transition }) => version === to && transition === 'serving')
}

/** To `version`, whose past is predicted already, and back, some times. */
async function goBack(daemon: RunningDaemon, version: number): Promise<readonly Figure[]> {
  const restored: number[] = []
  const answered: number[] = []
  for (let turn = 0; turn < rollbacks; turn++) {
    if (turn > 0) await ended(daemon, (await order(daemon, lane, version)).swap)
    const began = performance.now()
    const { swap } = await order(daemon, lane)
    const { v3 } = await slotsOf(daemon, lane)
    if (v3 !== null) throw new Error(`version ${v3} is in v3 after the rollback`)
    restored.push(performance.now() - began)
    await ended(daemon, swap)
    answered.push(performance.now() - began)
  }
  return [
    {
      name: 'rollback ordered to its pointers restored',
      ...{ value: median(restored), unit: 'ms', limit: { atMost: candleMs } },
      against: `a candle takes ${candleMs} ms here; its first candle answered after ${median(answered).toFixed(0)} ms`,
    },
  ]
}

/** From the start of the process to both: a prediction that was not there before, and the swap further than it was. */
async function resume(
  { ending, at, made }: Ground,
  first: RunningDaemon,
): Promise<readonly Figure[]> {
  const { version } = await publish(first, await made(), 'coin=BTC-USDT')
  const { swap } = await order(first, lane, version)
  const before = await until(
    'a part of its past is predicted',
    () => predictedTo(first, version),
    swapMsMax,
  )
  const last = await newestLive(first)
  await first.end('SIGKILL')
  const began = performance.now()
  const seconds = (): number => (performance.now() - began) / 1_000
  const daemon = await startDaemon(ending, at, 120_000)
  const [predicts, goesOn] = await Promise.all([
    // What was on the way when it was killed may have been committed: a candle.
    until('it predicts', async () => (await newestLive(daemon)) > last + minuteMs, waitMsMax).then(
      seconds,
    ),
    until(
      'it goes on',
      async () => ((await predictedTo(daemon, version)) ?? 0) > before,
      waitMsMax,
    ).then(seconds),
  ])
  const { state, missed, twice } = await ended(daemon, swap, swapMsMax)
  await daemon.end('SIGTERM')
  if (state !== 'done' || missed !== 0 || twice !== 0)
    throw new Error(`the swap ended as ${state}, ${missed} missed, ${twice} twice`)
  return [
    {
      name: 'kill -9 while its past is predicted, to a live prediction and the swap going on',
      ...{ value: Math.max(predicts, goesOn), unit: 's', limit: { atMost: 10 } },
      against: `prediction ${predicts.toFixed(1)} s, swap ${goesOn.toFixed(1)} s; in the end none missed, none twice`,
    },
  ]
}

async function newestLive(daemon: RunningDaemon): Promise<number> {
  const { items } = await daemon.get<{ items: readonly { openAt: string }[] }>(
    '/api/v1/predictions?mode=live&limit=1',
  )
  return Date.parse(items[0]?.openAt as string)
}

async function predictedTo(daemon: RunningDaemon, version: number): Promise<number | undefined> {
  const { backfilledTo } = await daemon.get<{ backfilledTo: string | null }>(
    `/api/v1/models/${lane}/${version}`,
  )
  return backfilledTo === null ? undefined : Date.parse(backfilledTo)
}
