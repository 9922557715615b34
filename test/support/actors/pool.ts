/** The inference pool with real children under a real supervision tree, and a way to ask it as a version actor does. */
import type {
  InferenceCommand,
  InferFailed,
  Inferred,
  Loaded,
  LoadRefused,
} from '../../../actors/inference/inference.ts'
import { artifactRef } from '../../../actors/inference/inference.ts'
import { inferencePool } from '../../../actors/inference/pool.ts'
import { type PoolOptions, poolDefaults } from '../../../actors/inference/state.ts'
import {
  type ChildOptions,
  childDefaults,
  childEntry,
  inferenceChild,
} from '../../../actors/inference/worker.ts'
import type { Address } from '../../../actors/protocol.ts'
import { openArtifact } from '../../../models/artifact.ts'
import type { Version } from '../../../models/version.ts'
import { listen } from '../../../streams/channels.ts'
import type { Coin } from '../../../streams/coin.ts'
import { wallClock } from '../../../streams/time.ts'
import { leafPolicy } from '../../../supervisor/tree/restart-policy.ts'
import { supervise } from '../../../supervisor/tree/supervise.ts'
import { type RunningTree, startTree } from '../../../supervisor/tree/tree.ts'
import { worker } from '../../../supervisor/tree/worker.ts'

export interface TestPool {
  readonly tree: RunningTree
  readonly quarantined: { readonly version: Version; readonly reason: string }[]
  readonly load: (version: Version, folder: string) => Promise<Loaded | LoadRefused>
  /** Without looking at the artifact first: for the models of `bad-child.ts`, which have one number in and out. */
  readonly loadAs: (version: Version, folder: string) => Promise<Loaded | LoadRefused>
  readonly infer: (
    version: Version,
    inputs: Float32Array,
    rows?: number,
    urgency?: 'live' | 'backfill',
    starts?: Uint32Array,
  ) => Promise<Inferred | InferFailed>
  readonly tell: (command: InferenceCommand) => boolean
  /** Of the children that are up. */
  readonly pids: () => readonly number[]
  readonly stop: () => Promise<void>
}

export interface TestPoolOptions {
  readonly children?: number
  readonly child?: Partial<ChildOptions>
  readonly pool?: Partial<PoolOptions>
}

export async function startPool({
  children = 2,
  child = {},
  pool = {},
}: TestPoolOptions = {}): Promise<TestPool> {
  const quarantined: { version: Version; reason: string }[] = []
  const pids = new Map<number, number>()
  const forget = listen('inference.child', ({ child, event, detail }) => {
    if (event === 'started') pids.set(child, Number(detail.split(' ')[1]))
    else pids.delete(child)
  })
  const poolWorker = worker(
    'pool',
    inferencePool({
      ...poolDefaults,
      ...pool,
      quarantined: (version, reason) => void quarantined.push({ version, reason }),
    }),
  )
  const workers = Array.from({ length: children }, (_, at) =>
    worker(
      `child-${at}`,
      inferenceChild({
        ...childDefaults,
        entry: childEntry,
        platform: process.platform,
        env: process.env,
        ...child,
        child: at,
        pool: poolWorker.address,
      }),
      { policy: { ...leafPolicy, delayMsMin: 20, delayMsMax: 100, restartsMax: 100 } },
    ),
  )
  let epoch = 0
  const tree = await startTree(
    supervise('inference', 'inference', 'rest_for_one', [
      poolWorker.spec,
      ...workers.map((it) => it.spec),
    ]),
    { clock: wallClock, random: () => 0.5, epochs: () => ++epoch },
  )
  let id = 0
  const { tell } = poolWorker.address
  const ask = <M>(command: (replyTo: Address<M>) => InferenceCommand): Promise<M> =>
    new Promise((resolve) => void tell(command(address(resolve))))
  return {
    tree,
    quarantined,
    tell,
    pids: () => [...pids.values()],
    load: async (version, folder) => {
      const artifact = artifactRef(await openArtifact(folder))
      return ask((replyTo) => ({ type: 'load', version, artifact, replyTo }))
    },
    loadAs: (version, folder) => {
      const artifact = { folder, sha256: folder, inputWidth: 1 }
      return ask((replyTo) => ({ type: 'load', version, artifact, replyTo }))
    },
    infer: (version, inputs, rows = 1, urgency = 'live', starts) => {
      id += 1
      const what = { type: 'infer', id, version, urgency, rows, inputs, starts } as const
      return ask((replyTo) => ({ ...what, replyTo }))
    },
    stop: async () => {
      await tree.stop(5_000)
      forget()
    },
  }
}

export function address<M>(hear: (message: M) => void): Address<M> {
  return {
    path: 'test',
    tell: (message) => {
      hear(message)
      return true
    },
  }
}

export function versionOf(family: string, version = 1, coin = 'BTC/USDT'): Version {
  return { coin: coin as Coin, family, version }
}
