/**
 * Do inference children keep what swaps drop? Once they have their working size, 200 more versions of LightGBM's size are
 * opened, asked and let go of, each beside the one before it as in a swap; how much larger are the children then?
 */
import { join } from 'node:path'
import { startPool, versionOf } from '../support/actors/pool.ts'
import { testFolder } from '../support/models/artifacts.ts'
import { Ending } from './ending.ts'
import type { Figure } from './figure.ts'
import { pssMiBOf } from './processes.ts'
import { notMeasured } from './rival.ts'
import { writeTrees, writeVariant } from './variant.ts'

const children = 2
const swaps = 200
/** The heaps and the allocator's arenas come to rest only after so many. */
const settled = 280
const columns = 39

export async function benchSwapMemory(): Promise<readonly Figure[]> {
  const name = `inference children, growth over ${swaps} sessions opened and dropped`
  if (process.platform !== 'linux') return [notMeasured(name, 'MiB', 'only Linux tells it')]
  const ending = new Ending()
  try {
    const folder = testFolder(ending)
    const trees = join(folder, 'trees')
    await writeTrees(trees)
    const pool = await startPool({ children })
    ending.after(pool.stop)
    const row = new Float32Array(columns).fill(0.1)
    let mark = 0
    const swap = async (): Promise<void> => {
      const version = versionOf('lightgbm', ++mark)
      const artifact = join(folder, String(mark))
      await writeVariant(trees, artifact, String(mark))
      const { type } = await pool.load(version, artifact)
      if (type !== 'loaded') throw new Error(`version ${mark} is ${type}`)
      for (const asked of [version, versionOf('lightgbm', Math.max(1, mark - 1))]) {
        const answer = await pool.infer(asked, row)
        if (answer.type !== 'inferred') throw new Error(`${answer.code}: ${answer.reason}`)
      }
      if (mark > 1) pool.tell({ type: 'unload', version: versionOf('lightgbm', mark - 1) })
    }
    const size = (): number => pool.pids().reduce((sum, pid) => sum + pssMiBOf(pid), 0)
    const first = pool.pids()
    await swap()
    const one = size()
    while (mark < settled) await swap()
    const before = size()
    const began = performance.now()
    for (let i = 0; i < swaps; i++) await swap()
    const each = (performance.now() - began) / swaps
    const after = size()
    if (pool.pids().join() !== first.join()) throw new Error('a child was replaced meanwhile')
    return [
      {
        name,
        ...{ value: after - before, unit: 'MiB' },
        against: [
          `PSS of ${children} children ${one.toFixed(0)} MiB with the first, ${before.toFixed(0)} after ${settled}`,
          `${after.toFixed(0)} at the end; ${each.toFixed(0)} ms each`,
        ].join(', '),
      },
    ]
  } finally {
    await ending.end()
  }
}
