/** The daemon's fleet: its lanes as the store has them, and the tree of actors over them. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { childrenFor } from '../../actors/inference/home.ts'
import { givingWay } from '../../actors/version/give-way.ts'
import type { Coin } from '../../streams/coin.ts'
import { featureSet } from '../../streams/features/set.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import { dayMs, hourMs } from '../../streams/time.ts'
import { type Assembly, assemble, type InferenceSettings, inferenceTree } from '../assemble.ts'
import { firstEpoch } from '../store/lease.ts'
import { registerFeatureSet } from '../store/reads/feature-view.ts'
import { resolveOutcomes } from '../store/scores/outcomes.ts'
import { type ArtifactFiles, artifactFiles } from '../store/versions/artifact-files.ts'
import { type EmbeddedRegistry, openRegistry } from '../store/versions/registry.ts'
import { LaneRegistry } from '../versions/lane-registry.ts'
import type { DaemonOptions, Ground } from './ground.ts'

export interface DaemonLanes {
  /** Where artifacts lie, and what is uploaded for a moment. */
  readonly folder: string
  readonly files: ArtifactFiles
  readonly registry: EmbeddedRegistry
  readonly lanes: LaneRegistry
}

const shipped = fileURLToPath(new URL('../../models', import.meta.url))

/** Whoever opens them closes the registry. */
export async function openLanes({ config, directory, store }: Ground): Promise<DaemonLanes> {
  const folder = join(directory.path, 'artifacts')
  const files = artifactFiles(folder)
  const registry = await openRegistry({ store, files, folder })
  const lanes = new LaneRegistry({
    store,
    reads: store.reads,
    artifacts: files,
    families: Object.keys(config.fleet.families),
    shipped,
    fetch: registry.fetch,
  })
  return { folder, files, registry, lanes }
}

export async function assembleFleet(
  ground: Ground,
  coins: readonly Coin[],
  registry: LaneRegistry,
  feed: Feed,
): Promise<Assembly> {
  const { config, clock, store, lease, pace } = ground
  const { graceMs, correctionWindow, historyDays, interval } = config.market
  const set = featureSet(interval)
  const names = set.columns.map(({ name }) => name)
  await registerFeatureSet(store.sql, store.names, set.hash, names)
  let lives = 0
  const giveWay = givingWay({
    market: () => feed.now(),
    answered: () => pace.slowest,
    intervalMs: interval,
    clock,
  })
  const historyMs = (feed.mode === 'tape' ? Math.min(historyDays, 30) : historyDays) * dayMs
  return assemble({
    feed,
    pace,
    set,
    clock,
    random: ground.random,
    epochs: () => firstEpoch(lease) + ++lives,
    coins,
    writer: store.writer(lease, () => clock.now()),
    reader: store.reader,
    lanes: (coin) => registry.lanes(coin),
    pointers: (lane) => registry.pointers(lane),
    isSetAside: (version) => registry.isSetAside(version),
    limits: {
      inferMsMax: config.fleet.inferMsMax,
      expiresAt: ({ manifest }) => {
        const age = config.fleet.families[manifest.family]?.expiresAfter ?? null
        return age === null ? Number.POSITIVE_INFINITY : Date.parse(manifest.trained.to) + age
      },
    },
    resolveOutcomes: (coin) => resolveOutcomes(store, coin, config.fees + config.slippage, giveWay),
    timing: {
      graceMs,
      correctionMs: correctionWindow,
      warmMs: 2 * dayMs,
      historyMs,
      tradesReachMs: 2 * hourMs,
    },
    inference: (quarantined) => inferenceTree(inferenceSettings(ground), quarantined),
  })
}

function inferenceSettings({ config, cores, inferenceEntry }: DaemonOptions): InferenceSettings {
  const { children, memoryLimitMb, deadlineMs } = config.inference
  return {
    ...(inferenceEntry === undefined ? {} : { entry: inferenceEntry }),
    children: children === 'auto' ? childrenFor(cores) : children,
    rssMax: memoryLimitMb * 1024 * 1024,
    deadlineMs,
  }
}
