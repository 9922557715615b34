/**
 * A storm of swaps: many lanes on a fast tape, moved and called back at random moments while inference children and the
 * daemon itself are killed. It is over when every swap is; what came of it is for whoever asked for it to judge.
 */
import { randomFrom } from '../../../streams/random.ts'
import { testFolder, writeVersion } from '../models/artifacts.ts'
import { until } from '../until.ts'
import { inferenceChildren } from './children.ts'
import { type Ends, house, type RunningDaemon, startDaemon } from './daemon.ts'
import { progress } from './ledger-view.ts'
import { order, publish, type SwapBody } from './versions.ts'

export interface StormSize {
  /** Each with a lane of every family. */
  readonly coins: number
  readonly swaps: number
  readonly rollbacks: number
  readonly seed: string
}

export interface Storm {
  /** The last of its lives, and still running. */
  readonly daemon: RunningDaemon
  readonly asked: number
  /** A step back where there was none, and the like. */
  readonly refused: number
  readonly swaps: readonly SwapBody[]
}

/** As continuous integration can bear it. */
export const smallStorm = { coins: 8, swaps: 100, rollbacks: 20 } as const

const families = ['linear', 'grove', 'delta']
const versionsEach = 4

export async function swapStorm(
  ends: Ends,
  { coins: coinCount, swaps: swapCount, rollbacks, seed }: StormSize,
): Promise<Storm> {
  const random = randomFrom(`storm ${seed}`)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.uniform() * from.length)] as T
  const coins = Array.from({ length: coinCount }, (_, i) => `C${i}`)
  const at = house(ends, configOf(coins))
  let daemon = await startDaemon(ends, at, 120_000)
  await progress(daemon, 3)
  for (const family of families)
    for (let mark = 0; mark < versionsEach; mark++) {
      const folder = testFolder(ends)
      await writeVersion(folder, mark, { family })
      await publish(daemon, folder)
    }
  const lanes = coins.flatMap((coin) => families.map((family) => `${coin}-USDT/${family}`))
  const first = (lane: string): number => (lane.endsWith('linear') ? 2 : 1)
  let refused = 0
  const send = async (lane: string, version?: number): Promise<void> => {
    // A step back where there is none, or a lane that is just being started again, is answered with a reason.
    await order(daemon, lane, version).catch((error: Error) => {
      if (!/^Error: (409|404)|fetch failed/.test(String(error))) throw error
      refused++
    })
  }
  const asked = swapCount + rollbacks
  const deaths = new Set([Math.floor(asked * 0.35), Math.floor(asked * 0.75)])
  for (let i = 0; i < asked; i++) {
    const lane = pick(lanes)
    const isBack = random.uniform() < rollbacks / asked
    await send(lane, isBack ? undefined : first(lane) + Math.floor(random.uniform() * versionsEach))
    if (i % 25 === 10)
      for (const pid of inferenceChildren(daemon.pid).slice(0, 1)) process.kill(pid, 'SIGKILL')
    if (deaths.has(i)) {
      await daemon.end('SIGKILL')
      daemon = await startDaemon(ends, at, 120_000)
    }
    // Some lanes at a time, as a person or a registry would.
    if (i % 8 === 7)
      await until(
        'most swaps are over',
        async () => (await swapsOf(daemon)).filter(isOpen).length < 6,
        120_000,
      )
  }
  const swaps = await until(
    'all swaps are over',
    async () => {
      const all = await swapsOf(daemon)
      return all.some(isOpen) ? undefined : all
    },
    180_000,
  )
  return { daemon, asked, refused, swaps }
}

function configOf(coins: readonly string[]): string {
  return `
market: { source: tape, coins: [${coins.map((it) => `${it}/USDT`)}], historyDays: 1, tape: { speed: 600 } }
fleet: { families: { linear: {} }, shadowCandles: 1 }
training: { where: off }
api: { port: 0 }
`
}

async function swapsOf(daemon: RunningDaemon): Promise<readonly SwapBody[]> {
  const { items } = await daemon.get<{ items: SwapBody[] }>('/api/v1/swaps?limit=2000')
  return items
}

function isOpen({ state }: SwapBody): boolean {
  return state === 'waiting' || state === 'running'
}
