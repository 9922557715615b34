/**
 * A pool in a process of its own, which prints its children's pids and is then killed by the test. Told to `hang`, one of
 * its children is inside of a model that never comes back, where it hears of nothing.
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Coin } from '../../../streams/coin.ts'
import { until } from '../until.ts'
import { startPool } from './pool.ts'

const entry = fileURLToPath(new URL('./bad-child.ts', import.meta.url))
const hangs = process.argv[2] === 'hang'
const patient = { entry, deadlineMs: 600_000, stalledMs: 600_000 }
const pool = await startPool({ children: hangs ? 1 : 2, child: hangs ? patient : {} })
if (hangs) {
  const version = { coin: 'BTC/USDT' as Coin, family: 'linear', version: 1 }
  await pool.loadAs(version, 'hang-1')
  void pool.infer(version, Float32Array.of(1))
  await until('the child is at it', () => spentTicks(pool.pids()[0] as number) > 100)
}

/** Hundredths of a second that a process has computed for; its start takes some 20. */
function spentTicks(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(' ')
  return Number(fields[13])
}

process.stdout.write(JSON.stringify(pool.pids()))
