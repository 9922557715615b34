/** A training run that begins with the weights of the version that serves, with the real trainer. */
import assert from 'node:assert/strict'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { openArtifact } from '../../models/artifact.ts'
import { openFamily } from '../../models/family.ts'
import { configSchema } from '../../ops/config/schema.ts'
import { readRun } from '../../ops/store/training/read-training.ts'
import { artifactFiles } from '../../ops/store/versions/artifact-files.ts'
import { openRegistry } from '../../ops/store/versions/registry.ts'
import { assignSlot } from '../../ops/store/versions/versions.ts'
import { openTrainingBench } from '../../ops/training/bench.ts'
import { openTrainers } from '../../ops/training/trainable.ts'
import { minuteMs, wallClock } from '../../streams/time.ts'
import { marketCandles } from '../support/models/datasets.ts'
import { carryToEnd, order } from '../support/models/training.ts'
import { btc, openTestStore, startOwnServer } from '../support/store/database.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const environments = join(import.meta.dirname, '../../.starling/test-python')
const { socket } = await startOwnServer()
const store = await openTestStore({ type: 'socket', path: socket })
const path = temporaryFolder()
const artifacts = join(path, 'artifacts')
const registry = await openRegistry({ store, files: artifactFiles(artifacts), folder: artifacts })
after(async () => {
  await registry.close()
  rmSync(path, { recursive: true, force: true })
})

test('a warm start begins with the serving weights, says so, and inherits what they have seen', async () => {
  const market = await marketCandles({ seed: 3, signal: 0.5, days: 12 })
  for (let i = 0; i < market.length; i += 5_000)
    await store.write.writeHistory(market.slice(i, i + 5_000))
  const lane = { coin: btc, family: 'lstm' }
  const shipped = join(openFamily('lstm').folder, 'v1')
  const first = await registry.publish(lane, shipped, { verdict: null, run: null, activate: true })
  await assignSlot(store.sql, store.names, 'v1', first, market[0]?.openAt ?? 0)

  const { journal, workshop } = openTrainingBench({
    ...{ store, registry, path, clock: wallClock, turns: join(path, 'turns') },
    config: configSchema.parse({ market: { source: 'tape' } }),
    trainers: openTrainers({ path: environments, env: process.env, clock: wallClock }),
  })
  const marketAt = (market.at(-1)?.openAt ?? 0) + minuteMs
  const { id } = await journal.ask(order({ lane, marketAt, rowsMax: 3_000, warmStart: true }))
  const timing = { beatMs: 500, silentMsMax: 60_000 }
  const holder = { name: 'test', epoch: 1 }
  await carryToEnd(store, { journal, workshop, clock: wallClock, holder, timing }, id)

  const run = await readRun(store.sql, id)
  assert.ok(run.version !== null, `${run.state}: ${run.message}`)
  assert.match(run.log, /begins with the weights of BTC-USDT\/lstm@1/)
  assert.match(run.log, /begins with [1-9]\d* tensors/)
  const begunWith = (await openArtifact(shipped)).sha256
  const folder = await registry.fetch({ ...lane, version: run.version })
  const manifest = JSON.parse(readFileSync(join(folder, 'manifest.json'), 'utf8'))
  assert.equal(manifest.trained.begunWith, begunWith)
  const seen = manifest.trained.markets.map(({ source }: { source: string }) => source)
  assert.deepEqual([...new Set(seen)], [store.market, 'bitfinex'])
})
