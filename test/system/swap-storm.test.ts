/**
 * A storm of swaps: many lanes on a fast tape, moved and called back at random moments while inference children and the
 * daemon itself are killed. Afterwards every slot and candle is explained, and every swap says that it missed none and
 * answered none twice. STORM=full is 30 coins, 500 swaps and 100 rollbacks; a failure prints its seed.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { test } from 'node:test'
import { randomFrom } from '../../streams/random.ts'
import { testFolder } from '../support/artifacts.ts'
import { assertContinuity, house, type RunningDaemon, startDaemon } from '../support/daemon.ts'
import { progress, wellAgain } from '../support/ledger-view.ts'
import { until } from '../support/until.ts'
import { order, publish, type SwapBody, writeVersion } from '../support/versions.ts'

const isFull = process.env.STORM === 'full'
const [coinCount, swapCount, rollbackCount] = isFull ? [30, 500, 100] : [8, 100, 20]
const seed = process.env.SEED ?? '1'
const families = ['linear', 'grove', 'delta']
const versionsEach = 4
const coins = Array.from({ length: coinCount }, (_, i) => `C${i}`)
const config = `
market: { source: tape, coins: [${coins.map((it) => `${it}/USDT`)}], historyDays: 1, tape: { speed: 600 } }
fleet: { families: { linear: {} }, shadowCandles: 1 }
training: { where: off }
api: { port: 0 }
`

/** Of the daemon: whoever it has forked to run models. */
function childrenOf(pid: number): readonly number[] {
  const rows = execFileSync('ps', ['-o', 'pid=,args=', '--ppid', String(pid)], { encoding: 'utf8' })
  return rows
    .split('\n')
    .filter((row) => row.includes('inference/child.ts'))
    .map((row) => Number.parseInt(row, 10))
}

async function swapsOf(daemon: RunningDaemon): Promise<readonly SwapBody[]> {
  const { items } = await daemon.get<{ items: SwapBody[] }>('/api/v1/swaps?limit=2000')
  return items
}

function isOpen({ state }: SwapBody): boolean {
  return state === 'waiting' || state === 'running'
}

test(`${swapCount} swaps and ${rollbackCount} rollbacks in ${coinCount * 3} lanes, with kills in between`, async (t) => {
  const random = randomFrom(`storm ${seed}`)
  const pick = <T>(from: readonly T[]): T => from[Math.floor(random.uniform() * from.length)] as T
  const at = house(t, config)
  let daemon = await startDaemon(t, at, 120_000)
  await progress(daemon, 3)
  for (const family of families)
    for (let mark = 0; mark < versionsEach; mark++) {
      const folder = testFolder(t)
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
  const total = swapCount + rollbackCount
  const deaths = new Set([Math.floor(total * 0.35), Math.floor(total * 0.75)])
  let asked = 0
  for (let i = 0; i < total; i++) {
    const lane = pick(lanes)
    const isBack = random.uniform() < rollbackCount / total
    await send(lane, isBack ? undefined : first(lane) + Math.floor(random.uniform() * versionsEach))
    asked++
    if (i % 25 === 10)
      for (const pid of childrenOf(daemon.pid).slice(0, 1)) process.kill(pid, 'SIGKILL')
    if (deaths.has(i)) {
      await daemon.end('SIGKILL')
      daemon = await startDaemon(t, at, 120_000)
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
  const done = swaps.filter(({ state }) => state === 'done')
  const bad = done.filter(({ missed, twice }) => (missed ?? 0) > 0 || (twice ?? 0) > 0)
  assert.deepEqual(bad, [], `SEED=${seed}`)
  const waits = done.flatMap(({ longestWaitMs }) => (longestWaitMs === null ? [] : [longestWaitMs]))
  const longest = waits.toSorted((a, b) => a - b)[waits.length >> 1]?.toFixed(0)
  t.diagnostic(
    `${asked} asked, ${refused} refused at once, ${swaps.length} written, ${done.length} done`,
  )
  t.diagnostic(`longest wait of a candle at a cut: median ${longest} ms`)
  assert.ok(done.length > total / 4, `${done.length} done`)
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})
