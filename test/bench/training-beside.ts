/**
 * Do live predictions feel a training? A daemon on a fast tape, calm and with `linear` being trained beside it, in turns:
 * five pairs, the 99th percentile of the live waits in each half, the median of the five.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pass } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TrainingRunBody } from '../../ops/api/routes/training.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'
import type { Figure } from './figure.ts'

const pairs = 5
const halfMs = 20_000
/** A candle each half second, for two coins with three versions each: twelve live predictions a second. */
const config = `
market: { source: tape, historyDays: 30, tape: { speed: 120 } }
fleet: { families: { linear: {}, lightgbm: {}, volatility: { horizon: 60m } } }
training: { where: off }
api: { port: 0 }
`

export async function benchTrainingBeside(): Promise<readonly Figure[]> {
  const folder = temporaryFolder()
  const data = join(folder, 'data')
  const file = join(folder, 'starling.yaml')
  writeFileSync(file, config)
  const cli = fileURLToPath(new URL('../../ops/cli/main.ts', import.meta.url))
  const daemon = spawn(process.execPath, [cli, 'run', '--json', '--data', data, '--config', file], {
    stdio: 'ignore',
  })
  try {
    const address = await until('the daemon has an address', () => addressIn(data), 60_000)
    const token = readFileSync(join(data, 'token'), 'utf8').trim()
    const api = { address, token }
    await until('its history is there', () => isDeep(api), 120_000, 500)
    const calm: number[] = []
    const beside: number[] = []
    let trained = 0
    for (let i = 0; i < pairs; i++) {
      calm.push(await waits(api, () => pass(halfMs)))
      beside.push(
        await waits(api, async () => {
          trained += await trainFor(api, halfMs)
        }),
      )
    }
    const [before, during] = [median(calm), median(beside)]
    const name = 'p99 wait of live predictions'
    return [
      { name: `${name}, calm, median of ${pairs}`, value: before, unit: 'ms' },
      {
        name: `${name} while linear is trained (${trained} runs), median of ${pairs}`,
        value: during,
        unit: 'ms',
        against: `limit ${Math.max(before * 1.1, before + 5).toFixed(1)}`,
      },
    ]
  } finally {
    const gone = new Promise((resolve) => daemon.once('exit', resolve))
    daemon.kill('SIGTERM')
    await gone
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

interface Api {
  readonly address: string
  readonly token: string
}

async function get<T>({ address }: Api, path: string): Promise<T> {
  return (await (await fetch(address + path)).json()) as T
}

function addressIn(data: string): string | undefined {
  const file = join(data, 'lock')
  if (!existsSync(file) || !existsSync(join(data, 'token'))) return undefined
  return (JSON.parse(readFileSync(file, 'utf8')) as { address: string | null }).address ?? undefined
}

async function isDeep(api: Api): Promise<boolean> {
  const coins = await get<readonly { candles: number }[]>(api, '/api/v1/coins')
  return coins.length > 0 && coins.every(({ candles }) => candles >= 43_000)
}

/** The 99th percentile of what was answered live meanwhile. */
async function waits(api: Api, meanwhile: () => Promise<void>): Promise<number> {
  const from = Date.now()
  await meanwhile()
  const to = Date.now()
  const page = await get<{ items: readonly { madeAt: string; waitMs: number }[] }>(
    api,
    '/api/v1/predictions?mode=live&limit=2000',
  )
  const found = page.items
    .filter(({ madeAt }) => Date.parse(madeAt) >= from && Date.parse(madeAt) < to)
    .map(({ waitMs }) => waitMs)
    .sort((a, b) => a - b)
  if (found.length < 100) throw new Error(`only ${found.length} live predictions to judge by`)
  return found[Math.floor(found.length * 0.99)] as number
}

/** Run after run; gives the number of those that were over in time. */
async function trainFor(api: Api, ms: number): Promise<number> {
  const until = performance.now() + ms
  let runs = 0
  while (performance.now() < until) {
    const run = await order(api)
    let now = run
    while (now.endedAt === null && performance.now() < until) {
      await pass(200)
      now = await get(api, `/api/v1/training/${run.run}`)
    }
    if (now.state === 'failed') throw new Error(`training failed: ${now.message}`)
    if (now.endedAt !== null) runs += 1
    else await post(api, `/api/v1/training/${run.run}/cancel`)
  }
  return runs
}

async function order(api: Api): Promise<TrainingRunBody> {
  for (;;) {
    const answer = await post(api, '/api/v1/training', { coin: 'BTC/USDT', family: 'linear' })
    if (answer.ok) return (await answer.json()) as TrainingRunBody
    // The cancelled one before it has not let go yet.
    if (answer.status !== 409) throw new Error(await answer.text())
    await pass(200)
  }
}

function post({ address, token }: Api, path: string, body: object = {}): Promise<Response> {
  return fetch(address + path, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] as number
}
