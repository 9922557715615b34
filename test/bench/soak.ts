/**
 * A long run: does memory grow? The daemon plays the tape, is looked at every ten seconds, and a straight line is laid
 * through what was seen after the first quarter, when caches and pages of the database have filled.
 */
import { setTimeout } from 'node:timers/promises'
import { house, startDaemon } from '../support/daemon/daemon.ts'
import { configOf, fill } from './daemon.ts'
import { Ending } from './ending.ts'
import type { Figure } from './figure.ts'
import { parts, usesOf } from './processes.ts'

const everyMs = 10_000

export async function soak(minutes: number, speed: number): Promise<readonly Figure[]> {
  const ending = new Ending()
  try {
    const at = house(ending, configOf(speed))
    await fill(ending, at)
    const daemon = await startDaemon(ending, at, 120_000)
    const began = performance.now()
    const seen: { readonly hour: number; readonly uses: ReturnType<typeof usesOf> }[] = []
    for (let hour = 0; hour * 60 < minutes; ) {
      await setTimeout(everyMs)
      hour = (performance.now() - began) / 3_600_000
      if (hour * 60 > minutes / 4) seen.push({ hour, uses: usesOf(daemon.pid, at.data) })
    }
    await daemon.end('SIGINT')
    return parts.map((part) => {
      const memory = seen.map(({ hour, uses }) => [hour, uses[part].pssMiB] as const)
      const [, first] = memory[0] as readonly [number, number]
      const [, last] = memory.at(-1) as readonly [number, number]
      return {
        name: `memory of ${part} over ${minutes} minutes at speed ${speed}`,
        ...{ value: slope(memory), unit: 'MiB/h' },
        against: `PSS ${first.toFixed(0)} MiB after a quarter, ${last.toFixed(0)} MiB at the end`,
      }
    })
  } finally {
    await ending.end()
  }
}

/** Of the line with the least squares. */
function slope(points: readonly (readonly [number, number])[]): number {
  const meanOf = (of: 0 | 1): number => points.reduce((sum, it) => sum + it[of], 0) / points.length
  const [x, y] = [meanOf(0), meanOf(1)]
  const up = points.reduce((sum, it) => sum + (it[0] - x) * (it[1] - y), 0)
  return up / points.reduce((sum, it) => sum + (it[0] - x) ** 2, 0)
}
