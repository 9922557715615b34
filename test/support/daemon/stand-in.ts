/**
 * The stand-in exchange as a process of its own, trading in real time and taking faults as orders; gone with the test.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Deal } from '../../exchange/market.ts'
import type { Order } from '../../exchange/orders.ts'
import { asked } from './daemon.ts'

export type Venue = 'binance' | 'kraken'

export interface StandIn {
  readonly urls: { readonly rest: string; readonly ws: string }
  readonly tell: (order: Order) => Promise<void>
  /** Every trade that was made, whoever was told of it. */
  readonly deals: (coin: string) => Promise<readonly Deal[]>
  readonly state: () => Promise<{ readonly now: number; readonly connections: number }>
  readonly signal: (name: NodeJS.Signals) => void
}

export interface StandInOptions {
  readonly venue: Venue
  readonly coins: readonly string[]
  /** Trades a second and coin. */
  readonly rate: number
  readonly history: string
  /** The same for the time before now; `rate` when not given. */
  readonly pastRate?: number
}

const script = fileURLToPath(new URL('../../exchange/main.ts', import.meta.url))

export async function startStandIn(t: TestContext, options: StandInOptions): Promise<StandIn> {
  const { venue, coins, rate, history, pastRate = rate } = options
  const args = ['--venue', venue, '--coins', coins.join(','), '--rate', String(rate)]
  args.push('--history', history, '--past-rate', String(pastRate))
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  const [line] = await once(createInterface(child.stdout), 'line')
  const { rest, ws, control } = JSON.parse(line as string)
  const get = async (query: string): Promise<unknown> =>
    (await fetch(control + query, { headers: asked })).json()
  return {
    urls: { rest, ws },
    tell: async (order) => {
      const body = JSON.stringify(order)
      const answer = await fetch(control, { method: 'POST', headers: asked, body })
      assert.equal(answer.status, 200)
    },
    deals: (coin) => get(`?coin=${coin}`) as Promise<Deal[]>,
    state: () => get('') as Promise<{ now: number; connections: number }>,
    signal: (name) => void child.kill(name),
  }
}
