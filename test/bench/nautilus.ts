/** NautilusTrader beside us, on one coin's trades to candles: its own engine in its own language, where Python can be had. */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { pythonTools } from '../system/support/python.ts'

const script = fileURLToPath(new URL('./nautilus.py', import.meta.url))
const trades = 300_000
const rounds = 3

/** Trades a second of processor time, the best of a few; where there is none, why. */
export function nautilusRate(): { readonly rate: number } | { readonly why: string } {
  const tools = pythonTools('nautilus_trader>=1.221,<2')
  if (tools.type === 'absent') return { why: tools.why }
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const run = spawnSync(tools.python, [script, String(trades)], { encoding: 'utf8' })
    if (run.status !== 0) return { why: run.stderr.trim().split('\n').at(-1) ?? '' }
    rates.push(Number(run.stdout))
  }
  return { rate: Math.max(...rates) }
}
