/**
 * Predictions over history, for one version: the rows that the live path would have made, answered by the same pool
 * behind all live work, and committed as `backfill`. Candles that cannot be answered are counted and leave no trace;
 * rows that are there already stay as they are and are only compared.
 */
import type { Artifact } from '../../models/artifact.ts'
import { trainingRanges } from '../../models/manifest.ts'
import type { Version } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import { type Clock, type Millis, wait } from '../../streams/time.ts'
import { ask } from '../ask.ts'
import type { FeatureHistory } from '../coin/feature-history.ts'
import type { InferenceCommand, InferFailed, Inferred } from '../inference/inference.ts'
import type { LedgerEntry } from '../ledger.ts'
import type { Address } from '../protocol.ts'
import type { Sink, WriteOutcome } from '../sink.ts'
import { type Answering, answerBundle, type Bundle, makeBundle } from './version-bundle.ts'
import { planInput } from './version-input.ts'

export interface BackfillPorts {
  readonly source: string
  readonly set: FeatureSet
  readonly features: FeatureHistory
  readonly pool: Address<InferenceCommand>
  readonly sink: Sink
  readonly clock: Clock
  /** Asked for before each bundle, so that what is live goes first. */
  readonly giveWay: () => Promise<void>
  /** Bundles between the pool and the ledger at a time: with 24 a child waits for commits now and then, 96 gain no more. */
  readonly underWayMax: number
  /** Path and epoch under which the rows are written; the sink takes them while the version is current. */
  readonly identity: (version: Version) => { readonly path: string; readonly epoch: number }
}

export interface BackfillReport {
  readonly rows: number
  readonly inSample: number
  /** Candles without an answer: no trades, gaps, warm-up. */
  readonly holes: number
}

const bundleRows = 64
/** Rows computed in one go, about 5 ms. */
const blockRows = 256
/** How far it has come is told every so many blocks. */
const toldEvery = 16
const answerMsMax: Millis = 120_000
const retryMs = 20

export async function backfill(
  ports: BackfillPorts,
  version: Version,
  artifact: Artifact,
  range: { readonly from: Millis; readonly to: Millis },
  progress: (doneTo: Millis, rows: number) => unknown = () => {},
  signal?: AbortSignal,
): Promise<BackfillReport> {
  const { set, features } = ports
  const answering: Answering = {
    version,
    artifact,
    plan: planInput(artifact.manifest.input, set),
    set,
    trainedOn: trainingRanges(artifact.manifest, ports.source, version.coin),
    asked: 'backfill',
    ...ports.identity(version),
  }
  const total = { rows: 0, inSample: 0, holes: 0 }
  /** Each with its first candle, in their order. */
  const underWay = new Map<Promise<void>, Millis>()
  let blocks = 0
  for await (const block of features.blocks(
    version.coin,
    range.from,
    range.to,
    answering.plan.length - 1,
    blockRows,
  )) {
    for (let i = 0; i < block.openAts.length; i += bundleRows) {
      await ports.giveWay()
      const bundle = makeBundle(
        version.coin,
        answering.plan,
        block.ring,
        block.openAts.slice(i, i + bundleRows),
      )
      total.holes += bundle.holes.length
      if (bundle.rows.length === 0) continue
      const work = answer(ports, answering, { ...bundle, holes: [] }, signal).then((written) => {
        underWay.delete(work)
        total.rows += written.rows
        total.inSample += written.inSample
        total.holes += written.refused
      })
      underWay.set(work, bundle.rows[0]?.openAt ?? range.from)
      // Its trouble is met where all of them are waited for.
      work.catch(() => undefined)
      if (underWay.size >= ports.underWayMax) await Promise.race(underWay.keys())
    }
    if (signal?.aborted) break
    blocks += 1
    if (blocks % toldEvery !== 0) continue
    // What lies before the oldest that is under way is in the ledger.
    const [oldest = block.openAts.at(-1)] = underWay.values()
    await progress(oldest ?? range.from, total.rows)
  }
  await Promise.all(underWay.keys())
  goesOn(signal)
  return total
}

function goesOn(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new Fault('backfill.stopped', 'it is to stop', { retryable: true })
}

async function answer(
  ports: BackfillPorts,
  answering: Answering,
  bundle: Bundle,
  signal: AbortSignal | undefined,
): Promise<{ readonly rows: number; readonly inSample: number; readonly refused: number }> {
  const { outputs, inferMs } = await infer(ports, answering, bundle, signal)
  const { entries, refused } = answerBundle(
    answering,
    bundle,
    { values: outputs, inferMs, madeAt: ports.clock.now() },
    () => [],
  )
  const stale = entries.length > 0 ? (await write(ports, entries, signal)).stale : 0
  if (stale > 0)
    throw new Fault('backfill.stale', 'the version has started anew meanwhile', { retryable: true })
  const inSample = entries.filter((it) => it.type === 'prediction' && it.prediction.inSample).length
  return { rows: entries.length, inSample, refused }
}

async function infer(
  ports: BackfillPorts,
  answering: Answering,
  bundle: Bundle,
  signal: AbortSignal | undefined,
): Promise<Inferred> {
  for (;;) {
    const reply = await ask<InferenceCommand, Inferred | InferFailed>(
      ports.pool,
      (replyTo) => ({
        type: 'infer',
        id: bundle.to,
        version: answering.version,
        urgency: 'backfill',
        rows: bundle.rows.length,
        inputs: bundle.inputs,
        starts: bundle.starts,
        replyTo,
      }),
      answerMsMax,
      ports.clock,
    )
    if (reply.type === 'inferred') {
      // Live, such a row would be a hole among answers; one that has them in its history is not to serve.
      if (reply.outputs.every(Number.isFinite)) return reply
      throw new Fault('inference.not_finite', 'a row is answered with NaN or infinity')
    }
    if (!reply.retryable) {
      const retryable = reply.code === 'inference.unloaded'
      throw new Fault(reply.code, reply.reason, { retryable })
    }
    await wait(ports.clock, retryMs)
    goesOn(signal)
  }
}

async function write(
  ports: BackfillPorts,
  entries: readonly LedgerEntry[],
  signal: AbortSignal | undefined,
): Promise<WriteOutcome> {
  for (;;) {
    const { promise, resolve } = Promise.withResolvers<WriteOutcome>()
    if (ports.sink.tell({ type: 'write', entries, replyTo: resolve })) return promise
    await wait(ports.clock, retryMs)
    goesOn(signal)
  }
}
