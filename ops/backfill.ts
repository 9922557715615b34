/** Predictions over history on request: each version in a slot, or one family's, with a pool and a sink of its own. */
import { cpus } from 'node:os'
import { setImmediate as turn } from 'node:timers/promises'
import { ask } from '../actors/ask.ts'
import { FeatureHistory } from '../actors/coin/feature-history.ts'
import { childrenFor } from '../actors/inference/home.ts'
import {
  artifactRef,
  type InferenceCommand,
  type Loaded,
  type LoadRefused,
} from '../actors/inference/inference.ts'
import type { LedgerWriter } from '../actors/ledger.ts'
import {
  type BackfillPorts,
  type BackfillReport,
  backfill as backfillVersion,
} from '../actors/version/backfill.ts'
import { type Version, versionName } from '../models/version.ts'
import { Fault } from '../streams/fault.ts'
import { featureSet } from '../streams/features/set.ts'
import { sourceOf } from '../streams/feeds/feed.ts'
import { type Millis, wallClock } from '../streams/time.ts'
import { supervise } from '../supervisor/tree/supervise.ts'
import { startTree } from '../supervisor/tree/tree.ts'
import { inferenceTree, sinkWorker } from './assemble.ts'
import type { BackfillOptions, Progress } from './cli/world.ts'
import type { Config } from './config/schema.ts'
import { artifactFiles } from './store/versions/artifact-files.ts'
import { artifactOf } from './store/versions/versions.ts'
import { type OpenStoreWork, openStoreWork } from './store-work.ts'

const loadMsMax = 60_000
const stopMsMax = 20_000

export async function backfill(options: BackfillOptions): Promise<BackfillReport> {
  const work = await openStoreWork(options.dataPath, options.config)
  try {
    return await backfillStore(work, options)
  } finally {
    await work.close()
  }
}

async function backfillStore(
  work: OpenStoreWork,
  options: BackfillOptions,
): Promise<BackfillReport> {
  const stored = await work.store.reader.candleRange(options.coin)
  if (!stored) throw new Fault('coin.unknown', `no candles of ${options.coin} are stored`)
  const from = Math.max(stored.from, options.from ?? stored.from)
  const to = Math.min(stored.to, options.to ?? stored.to)
  const versions = await versionsInSlots(work, options)
  const line = await openLine(work, options.config)
  const ended = new AbortController()
  try {
    // A sink that can write no more never answers: it only starts again.
    return await Promise.race([
      line.broken,
      answerAll(work, line.ports, versions, { from, to }, options.progress, ended.signal),
    ])
  } finally {
    ended.abort()
    await line.stop()
  }
}

async function answerAll(
  { store, artifacts }: OpenStoreWork,
  ports: BackfillPorts,
  versions: readonly Version[],
  { from, to }: { readonly from: Millis; readonly to: Millis },
  progress: Progress,
  signal: AbortSignal,
): Promise<BackfillReport> {
  const total = { rows: 0, inSample: 0, holes: 0 }
  const files = artifactFiles(artifacts)
  for (const [i, version] of versions.entries()) {
    const artifact = await files.open(await artifactOf(store.sql, store.names, version))
    const reply = await ask<InferenceCommand, Loaded | LoadRefused>(
      ports.pool,
      (replyTo) => ({ type: 'load', version, artifact: artifactRef(artifact), replyTo }),
      loadMsMax,
      wallClock,
    )
    if (reply.type === 'loadRefused')
      throw new Fault('artifact.refused', `${versionName(version)}: ${reply.reason}`)
    const told = (doneTo: Millis): unknown =>
      progress(i * (to - from) + (doneTo - from), versions.length * (to - from))
    const report = await backfillVersion(ports, version, artifact, { from, to }, told, signal)
    total.rows += report.rows
    total.inSample += report.inSample
    total.holes += report.holes
  }
  return total
}

async function versionsInSlots(
  { store }: OpenStoreWork,
  { coin, family }: BackfillOptions,
): Promise<readonly Version[]> {
  const versions = new Map<string, Version>()
  for (const pointer of await store.reads.pointers()) {
    if (pointer.coin !== coin || pointer.until !== null) continue
    if (family !== undefined && pointer.family !== family) continue
    const version = { coin, family: pointer.family, version: pointer.version }
    versions.set(versionName(version), version)
  }
  if (versions.size === 0)
    throw new Fault('lane.unknown', `no version of ${family ?? 'any family'} serves ${coin}`)
  return [...versions.values()]
}

interface Line {
  readonly ports: BackfillPorts
  /** Rejects once nothing more can be written: another daemon has taken the lease, for instance. */
  readonly broken: Promise<never>
  readonly stop: () => Promise<unknown>
}

/** The part of the fleet that a backfill needs: a sink, a pool and its children. */
async function openLine({ store, lease }: OpenStoreWork, config: Config): Promise<Line> {
  const set = featureSet(config.market.interval)
  const { writer, broken } = watched(store.writer(await lease(), () => wallClock.now()))
  const ledger = sinkWorker({
    writer,
    marketNow: () => Number.POSITIVE_INFINITY,
    isCurrent: () => true,
  })
  const settings = {
    children: childrenFor(cpus().length),
    rssMax: config.inference.memoryLimitMb * 1024 * 1024,
    deadlineMs: config.inference.deadlineMs,
  }
  const inference = inferenceTree(settings, (version, reason) =>
    Promise.reject(new Fault('inference.quarantined', `${versionName(version)}: ${reason}`)),
  )
  let lives = 0
  const tree = await startTree(
    supervise('backfill', 'root', 'rest_for_one', [ledger.spec, inference.spec]),
    { clock: wallClock, random: Math.random, epochs: () => ++lives },
  )
  const features = new FeatureHistory({
    reader: store.reader,
    set,
    dueAt: () => wallClock.now(),
  })
  const ports = {
    source: sourceOf(store.market),
    set,
    features,
    pool: inference.pool,
    sink: ledger.address,
    clock: wallClock,
    // Nothing is live here. A timer would rest for a millisecond, which is as long as a bundle takes.
    giveWay: () => turn(),
    underWayMax: 48,
    identity: () => ({ path: 'backfill', epoch: 0 }),
  }
  return { ports, broken, stop: () => tree.stop(stopMsMax) }
}

function watched(writer: LedgerWriter): Pick<Line, 'broken'> & { readonly writer: LedgerWriter } {
  const broken = Promise.withResolvers<never>()
  const commit: LedgerWriter['commit'] = (batch, marketNow) =>
    writer.commit(batch, marketNow).catch((error) => {
      if (!(error instanceof Fault && error.retryable)) broken.reject(error)
      throw error
    })
  return { writer: { commit }, broken: broken.promise }
}
