/** A prediction to vary, and a ledger writer that a test answers by hand. */
import type { CommitOutcome, LedgerEntry, LedgerWriter } from '../../../actors/ledger.ts'
import type { Prediction } from '../../../models/prediction.ts'
import { minuteMs } from '../../../streams/time.ts'
import { btc } from '../candles.ts'

export function madePrediction(over: Partial<Prediction> = {}): Prediction {
  const openAt = over.openAt ?? Date.UTC(2026, 0, 1)
  return {
    coin: btc,
    family: 'linear',
    version: 1,
    openAt,
    closeAt: openAt + minuteMs,
    horizonMs: 15 * minuteMs,
    asked: 'live',
    inSample: false,
    madeAt: openAt + minuteMs + 5,
    dueAt: openAt + minuteMs,
    inferMs: 0.2,
    signal: 'hold',
    probabilities: { sell: 0.25, hold: 0.5, buy: 0.25 },
    value: null,
    featureSet: `sha256:${'a'.repeat(64)}`,
    inputHash: '00112233445566778899aabbccddeeff',
    traceId: 'ffeeddccbbaa99887766554433221100',
    path: 'probe',
    epoch: 1,
    flags: [],
    ...over,
  }
}

export interface ManualWriter extends LedgerWriter {
  readonly batches: (readonly LedgerEntry[])[]
  /** Lets the oldest commit that waits succeed. */
  readonly succeed: (over?: Partial<CommitOutcome>) => void
  readonly fail: (error: unknown) => void
}

export function manualWriter(): ManualWriter {
  const batches: (readonly LedgerEntry[])[] = []
  const waiting: { batch: readonly LedgerEntry[]; settle: PromiseWithResolvers<CommitOutcome> }[] =
    []
  return {
    batches,
    commit: (batch) => {
      batches.push(batch)
      const settle = Promise.withResolvers<CommitOutcome>()
      waiting.push({ batch, settle })
      return settle.promise
    },
    succeed: (over = {}) => {
      const { batch, settle } = waiting.shift() as (typeof waiting)[number]
      const predictions = batch
        .filter((entry) => entry.type === 'prediction')
        .map(() => ({ mode: 'live' as const, fresh: true, waitMs: 5 }))
      settle.resolve({ predictions, disagreed: [], ...over })
    },
    fail: (error) => waiting.shift()?.settle.reject(error),
  }
}
