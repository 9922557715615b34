/**
 * Predictions over 100,000 candles of history for one version: candles read from a real PostgreSQL, features, inference in
 * a real child and the commit together. One of LightGBM's size against the bare loop of runs alone in Node; each family's
 * shipped version against the same loop in Python.
 */
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { ask } from '../../actors/ask.ts'
import { FeatureHistory } from '../../actors/coin/feature-history.ts'
import {
  artifactRef,
  type InferenceCommand,
  type Loaded,
  type LoadRefused,
} from '../../actors/inference/inference.ts'
import { type BackfillPorts, backfill } from '../../actors/version/backfill.ts'
import { openArtifact } from '../../models/artifact.ts'
import { inferenceTree, sinkWorker } from '../../ops/assemble.ts'
import { registerVersion } from '../../ops/store/versions/versions.ts'
import { featureSet } from '../../streams/features/set.ts'
import { minuteMs, wallClock } from '../../streams/time.ts'
import { supervisorPolicy } from '../../supervisor/tree/restart-policy.ts'
import { startTree } from '../../supervisor/tree/tree.ts'
import { median } from '../support/quantile.ts'
import type { Figure } from './figure.ts'
import { type MadeStore, madeStore } from './made-store.ts'
import { rawTimes, startRaw } from './raw.ts'
import { askRival, notMeasured } from './rival.ts'
import { shipped, writeTrees, writeVariant } from './variant.ts'

const candles = 100_000
/** Before the first of them: the longest window and warm-up of any family, and to spare. */
const before = 12_000
const bundle = 64
const turns = 3
const families = ['linear', 'lightgbm', 'volatility', 'lstm', 'tst']

export async function benchBackfill(): Promise<readonly Figure[]> {
  const made = await madeStore('backfill', before + candles)
  try {
    const line = await openLine(made)
    const figures = [
      await treesBesideNode(made, line),
      { name: 'candles of history into the store', value: made.imported, unit: 'rows/s' },
    ]
    for (const family of families) figures.push(await besidePython(made, line, family))
    await line.stop()
    return figures
  } finally {
    await made.close()
  }
}

/** The part of a fleet that a backfill needs, with one child. */
async function openLine({ store, writer }: MadeStore) {
  const set = featureSet(minuteMs)
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
  const features = new FeatureHistory({ reader: store.reader, set, dueAt: () => 0 })
  const ports: BackfillPorts = {
    ...{ source: 'tape', set, features, pool: inference.pool, sink: sink.address },
    clock: wallClock,
    giveWay: () => turn(),
    underWayMax: 48,
    identity: () => ({ path: 'bench', epoch: 0 }),
  }
  return { ports, stop: () => tree.stop(20_000) }
}

type Line = Awaited<ReturnType<typeof openLine>>

async function treesBesideNode(made: MadeStore, line: Line): Promise<Figure> {
  const raw = startRaw()
  try {
    const trees = join(made.folder, 'trees')
    await writeTrees(trees)
    const ratios: number[] = []
    const rates: number[] = []
    for (let turn = 0; turn < turns; turn++) {
      const at = join(made.folder, `trees-${turn}`)
      await writeVariant(trees, at, String(turn))
      const runs = Math.ceil(candles / bundle)
      const bare = await rawTimes(raw, { folder: at, rows: bundle, runs })
      const took = await predictPast(made, line, at)
      ratios.push(bare.reduce((sum, it) => sum + it, 0) / took)
      rates.push((1_000 * candles) / took)
    }
    const ratio = median(ratios)
    return {
      name: 'backfill of 100,000 candles, LightGBM size',
      ...{ value: median(rates), unit: 'rows/s', theirs: median(rates) / ratio, ratio },
      ...{ against: 'the runs alone, in one process of Node', limit: { atLeast: 0.7 } },
    }
  } finally {
    raw.kill('SIGKILL')
  }
}

async function besidePython(made: MadeStore, line: Line, family: string): Promise<Figure> {
  const took = await predictPast(made, line, shipped(family))
  const name = `backfill of 100,000 candles, ${family} as it ships`
  const rate = (1_000 * candles) / took
  const said = askRival<number>(
    'bare-onnx.py',
    ['onnxruntime==1.31.1', 'numpy'],
    ...[shipped(family), String(bundle), String(candles)],
  )
  if (said.type === 'absent') return notMeasured(name, 'rows/s', said.why)
  const theirs = candles / said.value
  const against = `the runs alone in Python: ${Math.round(theirs).toLocaleString('en')} rows/s`
  return { name, value: rate, unit: 'rows/s', theirs, ratio: rate / theirs, against }
}

/** Milliseconds; all but what windows and warm-up forbid has to be answered. */
async function predictPast(
  { store, coin, range }: MadeStore,
  { ports }: Line,
  folder: string,
): Promise<number> {
  const artifact = await openArtifact(folder)
  const { sha256, manifest } = artifact
  const version = await registerVersion(store.sql, store.names, {
    ...{ coin, family: manifest.family, sha256, manifest, metrics: null, artifact: sha256 },
  })
  const reply = await ask<InferenceCommand, Loaded | LoadRefused>(
    ports.pool,
    (replyTo) => ({ type: 'load', version, artifact: artifactRef(artifact), replyTo }),
    60_000,
    wallClock,
  )
  if (reply.type !== 'loaded') throw new Error(`${reply.code}: ${reply.reason}`)
  const from = range.from + before * minuteMs
  const beganAt = performance.now()
  const report = await backfill(ports, version, artifact, { from, to: range.to })
  const took = performance.now() - beganAt
  if (report.rows !== candles) throw new Error(`${report.rows} of ${candles} were answered`)
  return took
}
