/** The store of a seeded tape as a daemon leaves it: hours of history, and one version that serves, trained on the first. */
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Version } from '../../../models/version.ts'
import { loadConfig } from '../../../ops/config/load.ts'
import type { Config } from '../../../ops/config/schema.ts'
import { removeDataDirectory } from '../../../ops/store/embedded/server.ts'
import { artifactFiles } from '../../../ops/store/versions/artifact-files.ts'
import { assignSlot, registerVersion } from '../../../ops/store/versions/versions.ts'
import { openStoreWork } from '../../../ops/store-work.ts'
import { seededStartAt } from '../../../streams/feeds/tape/seeded.ts'
import { iso, type Millis, minuteMs } from '../../../streams/time.ts'
import { writeVersion } from '../models/artifacts.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { btc, candle, noon } from './database.ts'

export interface TapeWork {
  readonly config: Config
  readonly dataPath: string
  readonly version: Version
  readonly from: Millis
  readonly to: Millis
}

const historyCandles = 2_400
const trainedCandles = 400

/** `source` is what the configuration says when the store is asked again. */
export async function tapeWork(t: TestContext, source: 'tape' | 'auto'): Promise<TapeWork> {
  const folder = temporaryFolder()
  const dataPath = join(folder, 'data')
  t.after(async () => {
    await removeDataDirectory(dataPath)
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  })
  const { config: defaults } = loadConfig({})
  const config = { ...defaults, market: { ...defaults.market, source: 'tape' } }
  const work = await openStoreWork(dataPath, config, { mayMake: true })
  const { store } = work
  const from = seededStartAt
  const to = from + historyCandles * minuteMs
  const writer = store.writer(await work.lease(), () => to)
  const shift = (from - noon) / minuteMs
  await writer.writeHistory(Array.from({ length: historyCandles }, (_, i) => candle(shift + i)))
  const made = join(folder, 'artifact')
  const stretch = { from: iso(from), to: iso(from + trainedCandles * minuteMs) }
  const markets = [{ source: 'tape', coin: btc, ...stretch }]
  const trained = { ...stretch, rows: 100, purgeCandles: 15, seed: 1, markets }
  await writeVersion(made, 1, { trained: { ...trained, trainer: 'by hand' } })
  const { sha256, manifest } = await artifactFiles(work.artifacts).keep(made)
  const lane = { coin: btc, family: 'linear' }
  const registration = { ...lane, sha256, manifest, metrics: null, artifact: sha256 }
  const version = await registerVersion(store.sql, store.names, registration)
  await assignSlot(store.sql, store.names, 'v1', version, from)
  await work.close()
  return {
    config: { ...config, market: { ...config.market, source } },
    dataPath,
    version,
    from,
    to,
  }
}
