/**
 * Some candles on their way through one version: rows of a ring become inputs and holes, outputs become ledger entries.
 * Live answers and backfill are made here alike, so that a row does not depend on why it was asked for.
 */
import type { Artifact } from '../../models/artifact.ts'
import { horizonMs, isInSample, outputWidth, type Range } from '../../models/manifest.ts'
import type { HoleReason, Prediction } from '../../models/prediction.ts'
import { readAnswer } from '../../models/signal.ts'
import type { Slot, Version } from '../../models/version.ts'
import { tell } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import type { FeatureSet } from '../../streams/features/set.ts'
import type { Millis } from '../../streams/time.ts'
import type { FeatureRing, RingRow } from '../coin/feature-ring.ts'
import type { LedgerEntry } from '../ledger.ts'
import type { WriteOutcome } from '../sink.ts'
import { traceId } from '../trace.ts'
import { InputStrip, startsOf } from './input-strip.ts'
import { hashInput, type InputPlan, whyHole } from './version-input.ts'

export const bundleRowsMax = 64

export interface Bundle {
  /** Opening after the newest candle in it. */
  readonly to: Millis
  readonly rows: readonly RowToAnswer[]
  readonly inputs: Float32Array
  /** Where each row begins in `inputs`, unless one after the other. */
  readonly starts: Uint32Array | undefined
  readonly holes: readonly { readonly openAt: Millis; readonly reason: HoleReason }[]
}

interface RowToAnswer {
  readonly openAt: Millis
  readonly dueAt: Millis
  readonly inputHash: string
  readonly traceId: string
}

/** Which version answers, and everything its answers carry. */
export interface Answering {
  readonly version: Version
  readonly artifact: Artifact
  readonly plan: InputPlan
  readonly set: FeatureSet
  readonly trainedOn: readonly Range[]
  readonly asked: Prediction['asked']
  readonly path: string
  readonly epoch: number
}

/**
 * The candles of this coin must be in the ring, each with the rows before it that its input needs. From `expiresAt` on, the
 * version is past its age and says nothing.
 */
export function makeBundle(
  coin: Coin,
  plan: InputPlan,
  ring: FeatureRing,
  openAts: readonly Millis[],
  expiresAt = Number.POSITIVE_INFINITY,
): Bundle {
  const make = (): Bundle => bundleOf(coin, plan, ring, openAts, expiresAt)
  // A family's versions stand side by side and see the same: the candle that has just closed is put together once.
  const [openAt = 0] = openAts
  const isShared =
    openAts.length === 1 && openAt + ring.intervalMs === ring.to && openAt < expiresAt
  return isShared ? ring.once(plan.key, make) : make()
}

function bundleOf(
  coin: Coin,
  plan: InputPlan,
  ring: FeatureRing,
  openAts: readonly Millis[],
  expiresAt: Millis,
): Bundle {
  const rows: RowToAnswer[] = []
  const holes: { openAt: Millis; reason: HoleReason }[] = []
  const strip = new InputStrip(plan, ring, openAts)
  const starts: number[] = []
  for (const openAt of openAts) {
    const row = ring.at(openAt)
    const reason = openAt >= expiresAt ? 'expired' : row ? whyHole(plan, row) : 'gap'
    if (reason !== undefined) {
      holes.push({ openAt, reason })
      continue
    }
    const start = strip.add(openAt)
    if (start === undefined) holes.push({ openAt, reason: 'refused_answer' })
    else {
      starts.push(start)
      rows.push({
        openAt,
        dueAt: (row as RingRow).dueAt,
        inputHash: hashInput(strip.numbers, start, plan.width),
        traceId: traceId(coin, openAt),
      })
    }
  }
  const to = (openAts.at(-1) ?? 0) + ring.intervalMs
  const inputs = strip.numbers
  return { to, rows, inputs, starts: startsOf(starts, plan.width, inputs.length), holes }
}

export interface Answered {
  readonly entries: readonly LedgerEntry[]
  /** Rows whose output was no answer. */
  readonly refused: number
}

/** Every candle of the bundle becomes a prediction, or a hole in each slot that the version held at that candle. */
export function answerBundle(
  answering: Answering,
  bundle: Bundle,
  outputs: { readonly values: Float32Array; readonly inferMs: number; readonly madeAt: Millis },
  slotsAt: (openAt: Millis) => readonly Slot[],
): Answered {
  const { version, artifact, set } = answering
  const width = outputWidth(artifact.manifest)
  const entries: LedgerEntry[] = []
  const hole = (openAt: Millis, reason: HoleReason): void => {
    for (const slot of slotsAt(openAt)) {
      entries.push({
        type: 'hole',
        hole: { coin: version.coin, family: version.family, slot, openAt, reason },
      })
    }
  }
  let refused = 0
  bundle.rows.forEach((row, i) => {
    const reading = readAnswer(
      artifact.manifest,
      outputs.values.subarray(i * width, (i + 1) * width),
    )
    if (reading.type === 'refused') {
      refused++
      hole(row.openAt, 'refused_answer')
      return
    }
    const prediction: Prediction = {
      ...version,
      ...reading.answer,
      openAt: row.openAt,
      closeAt: row.openAt + set.intervalMs,
      horizonMs: horizonMs(artifact.manifest),
      asked: answering.asked,
      inSample: isInSample(answering.trainedOn, row.openAt),
      madeAt: outputs.madeAt,
      dueAt: row.dueAt,
      inferMs: outputs.inferMs,
      featureSet: set.hash,
      inputHash: row.inputHash,
      traceId: row.traceId,
      path: answering.path,
      epoch: answering.epoch,
      flags: [],
    }
    entries.push({ type: 'prediction', prediction })
  })
  for (const { openAt, reason } of bundle.holes) hole(openAt, reason)
  return { entries, refused }
}

/** The first few, within one span of time, so that one read of the past serves them all. */
export function firstWithin(openAts: readonly Millis[], spanMs: Millis): readonly Millis[] {
  const from = openAts[0] as Millis
  const beyond = openAts.slice(0, bundleRowsMax).findIndex((openAt) => openAt >= from + spanMs)
  return openAts.slice(0, beyond < 0 ? bundleRowsMax : beyond)
}

/** What of it the ledger has now, and had not before. */
export function tellCommitted(entries: readonly LedgerEntry[], outcome: WriteOutcome): void {
  let next = 0
  for (const entry of entries) {
    if (entry.type === 'hole') tell('hole.committed', { ...entry.hole })
    if (entry.type !== 'prediction' || outcome.stale > 0) continue
    const written = outcome.predictions[next++]
    const { coin, family, version, openAt, signal, inferMs } = entry.prediction
    if (written?.fresh) {
      const { mode, waitMs } = written
      tell('prediction.committed', { coin, family, version, openAt, mode, signal, waitMs, inferMs })
    }
  }
}
