/**
 * The whole daemon as people run it, 2 coins × 5 families on the tape with 180 days of history in the store: how long a
 * restart takes to its first prediction, and what it takes of the machine while nothing but the market happens.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { dayMs, floorTo, minuteMs } from '../../streams/time.ts'
import { madeCandles } from '../streams/features/made-candles.ts'
import {
  type House,
  house,
  type RunningDaemon,
  starling,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { median } from '../support/quantile.ts'
import { until } from '../support/until.ts'
import { Ending } from './ending.ts'
import type { Figure } from './figure.ts'
import { type Part, parts, type Use, usesOf } from './processes.ts'

const historyDays = 180
/** A tape's past is as deep as this, and never deeper. */
const tapeDays = 30
const restarts = 3
const settleMs = 40_000
const steadyMs = 120_000
/** What one existing system takes for one symbol at one message a minute: 0.80 of a core and 2.02 GiB. */
const coreMax = 0.8 / 10
const mebibytesMax = Math.floor((2.02 * 1024) / 3)

/** Without training: it comes once in days, and has a bench of its own. */
export function configOf(speed: number): string {
  return `market: { source: tape, historyDays: ${historyDays}, tape: { speed: ${speed} } }\ntraining: { where: off }\napi: { port: 0 }\n`
}

export async function benchDaemon(): Promise<readonly Figure[]> {
  const ending = new Ending()
  try {
    const at = house(ending, configOf(60))
    await fill(ending, at)
    const seconds: number[] = []
    for (let turn = 0; turn < restarts; turn++) seconds.push(await restart(ending, at))
    const first: Figure = {
      name: `restart to the next prediction, ${historyDays} days of history in the store`,
      ...{ value: median(seconds), unit: 's', limit: { atMost: 10 } },
    }
    if (process.platform !== 'linux') return [first]
    writeFileSync(at.config, configOf(1))
    return [first, ...(await steady(ending, at))]
  } finally {
    await ending.end()
  }
}

/** Starts a daemon, lets it fetch what its tape has of the past, and imports what was before that. */
export async function fill(ending: Ending, at: House): Promise<void> {
  const daemon = await startDaemon(ending, at, 120_000)
  const coins = await until(
    'the history is there',
    async () => {
      const found = await daemon.get<{ coin: string; candles: number }[]>('/api/v1/coins')
      return found.every(({ candles }) => candles >= tapeDays * 1_440) ? found : undefined
    },
    240_000,
  )
  const oldest = await Promise.all(
    coins.map(async ({ coin }) => {
      const counts = await daemon.get<{ items: { openAt: string }[] }>(
        `/api/v1/coins/${coin.replace('/', '-')}/candles?interval=1d&limit=1000`,
      )
      return Date.parse(counts.items.at(-1)?.openAt as string)
    }),
  )
  await daemon.end('SIGINT')
  for (const [i, { coin }] of coins.entries()) {
    const file = join(at.data, '..', `before-${i}.csv`)
    writeFileSync(file, rowsBefore((oldest[i] as number) - dayMs, `${coin}`))
    const { code, err } = starling(
      'import',
      file,
      '--coin',
      coin,
      '--data',
      at.data,
      '--config',
      at.config,
    )
    if (code !== 0) throw new Error(`the import failed: ${err}`)
  }
}

/** As many days of candles as the store lacks, up to an instant. */
function rowsBefore(to: number, seed: string): string {
  const candles = (historyDays - tapeDays) * 1_440
  const made = madeCandles({ seed, candles, from: floorTo(to, dayMs) - candles * minuteMs })
  const rows = made.map(
    ({ openAt, open, high, low, close, volume }) =>
      `${openAt},${open},${high},${low},${close},${volume}`,
  )
  return `open_time,open,high,low,close,volume\n${rows.join('\n')}\n`
}

/** From the start of the process to a prediction that was not there before; the tape goes on with a candle a second. */
async function restart(ending: Ending, at: House): Promise<number> {
  const before = await startDaemon(ending, at, 120_000)
  const known = await predictionsOf(before)
  await until('it predicts', async () => (await predictionsOf(before)) > known + 20, 60_000)
  const last = await predictionsOf(before)
  await before.end('SIGKILL')
  const began = performance.now()
  const daemon = await startDaemon(ending, at, 120_000)
  // What it was killed with on the way may still have been committed: one close of all versions.
  await until('it predicts again', async () => (await predictionsOf(daemon)) > last + 10, 60_000)
  const took = (performance.now() - began) / 1_000
  await daemon.end('SIGINT')
  return took
}

async function predictionsOf(daemon: RunningDaemon): Promise<number> {
  return (await daemon.get<{ predictions: number }>('/api/v1/status')).predictions
}

async function steady(ending: Ending, at: House): Promise<readonly Figure[]> {
  const daemon = await startDaemon(ending, at, 120_000)
  await setTimeout(settleMs)
  const before = usesOf(daemon.pid, at.data)
  const began = performance.now()
  await setTimeout(steadyMs)
  const after = usesOf(daemon.pid, at.data)
  const seconds = (performance.now() - began) / 1_000
  await daemon.end('SIGINT')
  const core = (part: Part): number => (after[part].cpuSeconds - before[part].cpuSeconds) / seconds
  const own: readonly Part[] = ['daemon', 'children']
  const add = (pick: (part: Part) => number, of: readonly Part[]): number =>
    of.reduce((sum, part) => sum + pick(part), 0)
  const name = 'steady at live speed, 2 coins × 5 families'
  return [
    {
      name: `${name}: daemon and children, share of a core`,
      ...{ value: add(core, own), unit: 'cores', limit: { atMost: coreMax } },
      against: 'an existing system: 0.80 for one symbol',
    },
    {
      name: `${name}: with the database`,
      ...{ value: add(core, parts), unit: 'cores' },
    },
    {
      name: `${name}: daemon and children, memory (PSS)`,
      ...{ value: add((part) => after[part].pssMiB, own), unit: 'MiB' },
      limit: { atMost: mebibytesMax },
      against: 'an existing system: 2,068 MiB for one symbol',
    },
    ...parts.map((part) => figureOf(`${name}: ${part}`, after[part], core(part))),
  ]
}

function figureOf(name: string, { processes, rssMiB, pssMiB }: Use, core: number): Figure {
  const count = processes === 1 ? '1 process' : `${processes} processes`
  const against = `RSS ${rssMiB.toFixed(0)} MiB, ${count}, ${core.toFixed(4)} cores`
  return { name, value: pssMiB, unit: 'MiB', against }
}
