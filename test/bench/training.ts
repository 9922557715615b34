/**
 * LightGBM through a training request, against LightGBM called by hand over the same rows: what reading, telling, writing
 * the graph and holding every row against it cost. Both at low priority, in turns, the faster of each counts.
 */
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { runTrainer } from '../../actors/training/trainer-process.ts'
import { openFamily } from '../../models/family.ts'
import { pythonFor } from '../../ops/training/python.ts'
import { wallClock } from '../../streams/time.ts'
import { datasetOf, marketCandles } from '../support/datasets.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { requestFor } from '../support/trainers.ts'

const environments = join(import.meta.dirname, '../../.starling/test-python')
const bare = join(import.meta.dirname, 'bare-trees.py')
const days = 75
const turns = 2
const limitMs = 600_000

export async function benchTraining() {
  mkdirSync(environments, { recursive: true })
  const { signal } = new AbortController()
  const say = (): void => {}
  const env = process.env
  const python = await pythonFor({ path: environments, requirements: 'trees', env, say, signal })
  const folder = temporaryFolder()
  try {
    const lightgbm = openFamily('lightgbm')
    const { columns } = lightgbm.input
    const candles = await marketCandles({ seed: 3, signal: 0.5, days })
    const dataset = await datasetOf(candles, folder, { columns })
    // All rounds, however early a market is learnt: both do the same work.
    const settings = { ...lightgbm.settings, patience: 10_000 }
    const { request, path } = requestFor(lightgbm, dataset, folder, { settings })
    const command = { ...python, args: [join(lightgbm.folder, 'train.py')] }
    const limits = { clock: wallClock, silenceMs: 60_000, limitMs, memoryBytes: 2 ** 33, signal }
    const [ours, theirs, calls]: [number[], number[], number[]] = [[], [], []]
    let rows = 0
    for (let turn = 0; turn < turns; turn++) {
      const began = performance.now()
      const trained = await runTrainer(request, path, command, limits, { event: say, log: say })
      ours.push((performance.now() - began) / 1_000)
      rows = trained.rows.train
      const begun = performance.now()
      const said = execFileSync('nice', ['-n', '10', python.command, bare, path], {
        env: python.env,
        encoding: 'utf8',
      })
      theirs.push((performance.now() - begun) / 1_000)
      calls.push(Number(said))
    }
    const [us, them] = [Math.min(...ours), Math.min(...theirs)]
    const alone = `the call alone ${Math.min(...calls).toFixed(1)} s`
    const against = `${(us / them).toFixed(2)} of ${them.toFixed(1)} s by hand, at most 1.15; ${alone}`
    const name = `LightGBM, ${lightgbm.settings.rounds} rounds, ${rows} rows, to an artifact`
    return [{ name, value: us, unit: 's', against }]
  } finally {
    rmSync(folder, { recursive: true })
  }
}
