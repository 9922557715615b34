/**
 * Predictions over 100,000 candles of history for one version of LightGBM's size: candles read from a real PostgreSQL,
 * features, inference in a real child and the commit together, against the time that the bare loop of runs alone takes.
 */

import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { ask } from '../../actors/ask.ts'
import { backfill } from '../../actors/backfill.ts'
import { FeatureHistory } from '../../actors/feature-history.ts'
import {
  artifactRef,
  type InferenceCommand,
  type Loaded,
  type LoadRefused,
} from '../../actors/inference/inference.ts'
import type { Address } from '../../actors/protocol.ts'
import { openArtifact } from '../../models/artifact.ts'
import { inferenceTree, sinkWorker } from '../../ops/assemble.ts'
import { openDataDirectory } from '../../ops/store/data-directory.ts'
import { startServer } from '../../ops/store/embedded/server.ts'
import { acquireLease } from '../../ops/store/lease.ts'
import { openStore } from '../../ops/store/store.ts'
import { registerVersion } from '../../ops/store/versions/versions.ts'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { featureSet } from '../../streams/features/set.ts'
import { minuteMs, wallClock } from '../../streams/time.ts'
import { supervisorPolicy } from '../../supervisor/restart-policy.ts'
import { startTree } from '../../supervisor/tree.ts'
import { madeCandles } from '../streams/features/made-candles.ts'
import { writeArtifact } from '../support/artifacts.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { treesModel } from '../support/trees.ts'
import { type Figure, median } from './figure.ts'
import { rawTimes, startRaw } from './raw.ts'

const candles = 100_000
const bundle = 64
const turns = 3
const coin = parseCoin('BTC/USDT') as Coin

export async function benchBackfill(): Promise<readonly Figure[]> {
  const folder = temporaryFolder()
  const raw = startRaw()
  const server = await startServer(openDataDirectory(join(folder, 'data')).path)
  const store = await openStore({
    address: { type: 'socket', path: server.socket },
    market: 'bench-backfill',
    intervalMs: minuteMs,
  })
  const set = featureSet(minuteMs)
  try {
    const writer = store.writer(await acquireLease(store.sql, 'fleet', 'bench'), () => 0)
    const history = madeCandles({ seed: 'backfill', candles: candles + 12_000 })
    const importedAt = performance.now()
    await writer.writeHistory(history.map((bar) => ({ ...bar, coin, revision: 0 })))
    const imported = (1_000 * history.length) / (performance.now() - importedAt)
    const sink = sinkWorker({ writer, marketNow: () => 1e15, isCurrent: () => true })
    const inference = inferenceTree(
      { children: 1, rssMax: 2 ** 30, deadlineMs: 30_000 },
      async () => undefined,
    )
    let lives = 0
    const tree = await startTree(
      {
        ...{ type: 'supervisor', id: 'bench', kind: 'root', strategy: 'rest_for_one' },
        policy: supervisorPolicy,
        children: [sink.spec, inference.spec],
      },
      { clock: wallClock, random: Math.random, epochs: () => ++lives },
    )
    const features = new FeatureHistory({
      ...{ reader: store.reader, intervalMs: minuteMs, hash: set.hash, dueAt: () => 0 },
      columns: set.columns.length,
    })
    const ratios: number[] = []
    const rates: number[] = []
    for (let turn = 0; turn < turns; turn++) {
      const at = join(folder, `model-${turn}`)
      await writeArtifact(at, treesModel(500, columns.length), (it) => ({
        ...it,
        turn,
        input: { ...(it.input as object), columns, featureSet: set.hash },
      }))
      const artifact = await openArtifact(at)
      const { sha256, manifest } = artifact
      const version = await registerVersion(store.sql, store.names, {
        ...{ coin, family: 'lightgbm', sha256, manifest, metrics: null, artifact: sha256 },
      })
      await load(inference.pool, version, artifact)
      const runs = Math.ceil(candles / bundle)
      const bare = await rawTimes(raw, { folder: at, rows: bundle, runs })
      const from = (history[12_000] as { openAt: number }).openAt
      const beganAt = performance.now()
      const report = await backfill(
        {
          ...{ source: 'tape', set, features, pool: inference.pool, sink: sink.address },
          clock: wallClock,
          identity: () => ({ path: 'bench', epoch: 0 }),
        },
        version,
        artifact,
        { from, to: from + candles * minuteMs },
      )
      const took = performance.now() - beganAt
      if (report.rows !== candles) throw new Error(`${report.rows} of ${candles} were answered`)
      ratios.push(bare.reduce((sum, it) => sum + it, 0) / took)
      rates.push((1_000 * candles) / took)
    }
    await tree.stop(20_000)
    const ratio = median(ratios)
    return [
      {
        name: 'backfill of 100,000 candles, LightGBM size',
        ...{ value: median(rates), unit: 'rows/s', theirs: median(rates) / ratio, ratio },
        ...{ against: 'the runs alone, in one process', limit: { atLeast: 0.7 } },
      },
      { name: 'candles of history into the store', value: imported, unit: 'rows/s' },
    ]
  } finally {
    raw.kill('SIGKILL')
    await store.close()
    await server.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

/** What a row model of the kind reads: without warm-up beyond an hour, and scale-free. */
const columns: readonly string[] = featureSet(minuteMs)
  .columns.filter(({ warmup, name }) => warmup <= 61 && !name.startsWith('price'))
  .slice(0, 39)
  .map(({ name }) => name)

async function load(
  pool: Address<InferenceCommand>,
  version: Awaited<ReturnType<typeof registerVersion>>,
  artifact: Awaited<ReturnType<typeof openArtifact>>,
): Promise<void> {
  const reply = await ask<InferenceCommand, Loaded | LoadRefused>(
    pool,
    (replyTo) => ({ type: 'load', version, artifact: artifactRef(artifact), replyTo }),
    60_000,
    wallClock,
  )
  if (reply.type !== 'loaded') throw new Error(`${reply.code}: ${reply.reason}`)
}
