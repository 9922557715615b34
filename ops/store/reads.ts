/**
 * What the API, the commands and the metrics read from a market's store. Instants are milliseconds here and become
 * ISO 8601 at the API; lists come newest first, in pages; ranges are `[from, to)` on `openAt`.
 */

import type { HoleReason, Mode, Signal } from '../../models/prediction.ts'
import type { Lane, Pointer, Slot, Version } from '../../models/version.ts'
import type { CandleState } from '../../streams/candles/candle.ts'
import type { Coin } from '../../streams/coin.ts'
import type { Millis } from '../../streams/time.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** Opaque; null when there is no more. */
  readonly next: string | null
}

export interface PageQuery {
  readonly from?: Millis | undefined
  readonly to?: Millis | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

export interface CandleRead {
  readonly openAt: Millis
  readonly open: number | null
  readonly high: number | null
  readonly low: number | null
  readonly close: number | null
  readonly volume: number
  readonly trades: number | null
  readonly state: CandleState
  readonly revision: number
  /** `partial` where a rolled-up candle stands on fewer base candles than it should, `empty`, `missing` … */
  readonly flags: readonly string[]
}

export interface PredictionRead extends Version {
  /** As it was at that candle; null where the version held none. */
  readonly slot: Slot | null
  readonly openAt: Millis
  readonly closeAt: Millis
  readonly horizon: string
  readonly mode: Mode
  readonly signal: Signal | null
  readonly probabilities: {
    readonly sell: number
    readonly hold: number
    readonly buy: number
  } | null
  readonly value: number | null
  readonly madeAt: Millis
  readonly waitMs: number
  readonly inferMs: number
  readonly featureSet: string
  readonly inputHash: string
  readonly traceId: string
  readonly epoch: number
  readonly flags: readonly string[]
}

export interface OutcomeRead {
  readonly resolvedAt: Millis
  readonly return: number
  readonly label: Signal | null
  readonly correct: boolean | null
  readonly profit: number | null
}

export interface ContinuityRead {
  readonly from: Millis
  readonly to: Millis
  readonly unexplained: number
  readonly duplicates: number
  readonly lanes: readonly (Lane & {
    readonly slot: Slot
    readonly candles: number
    readonly predicted: number
    readonly holes: number
    readonly byReason: Readonly<Partial<Record<HoleReason, number>>>
  })[]
}

/** Sums over one version's resolved predictions on one UTC day; `models/score.ts` alone turns sums into scores. */
export interface DaySums extends Version {
  readonly day: Millis
  readonly n: number
  /** [actual][predicted] counts, in the order sell, hold, buy. */
  readonly confusion: readonly (readonly number[])[]
  readonly logLossSum: number
  readonly brierSum: number
  /** Ten bins of the winning probability: count, sum of it, number right. */
  readonly calibration: readonly {
    readonly n: number
    readonly confidence: number
    readonly right: number
  }[]
  readonly profitSum: number
  readonly profitSquareSum: number
  readonly squaredErrorSum: number
  readonly absoluteErrorSum: number
  readonly actualSum: number
  readonly actualSquareSum: number
  readonly valueSum: number
  readonly valueSquareSum: number
  readonly valueActualSum: number
  /** Errors of what no skill would have said on the same rows: no return, or as much movement as just before. */
  readonly naiveSquaredErrorSum: number
  readonly naiveAbsoluteErrorSum: number
}

export interface ModelRead extends Version {
  readonly sha256: string
  readonly state: 'serving' | 'shadowing' | 'archived' | 'announced' | 'rejected' | 'quarantined'
  readonly slots: readonly Slot[]
  readonly manifest: unknown
  readonly metrics: unknown
  readonly registeredAt: Millis
}

export interface StoreReads {
  candles(coin: Coin, intervalMs: Millis, query: PageQuery): Promise<Page<CandleRead>>
  candleCounts(): Promise<
    readonly {
      readonly coin: Coin
      readonly candles: number
      readonly gaps: number
      readonly from: Millis
      readonly to: Millis
    }[]
  >
  features(
    coin: Coin,
    query: PageQuery,
  ): Promise<
    Page<{
      readonly openAt: Millis
      readonly hash: string
      readonly flags: readonly string[]
      readonly values: Readonly<Record<string, number | null>>
    }>
  >
  gaps(query: PageQuery & { readonly coin?: Coin | undefined }): Promise<
    Page<{
      readonly coin: Coin
      readonly from: Millis
      readonly to: Millis
      readonly cause: string
      readonly healedAt: Millis | null
    }>
  >
  predictions(
    query: PageQuery & {
      readonly coin?: Coin | undefined
      readonly family?: string | undefined
      readonly version?: number | undefined
      readonly slot?: Slot | undefined
      readonly mode?: Mode | undefined
    },
  ): Promise<Page<PredictionRead>>
  prediction(
    version: Version,
    openAt: Millis,
  ): Promise<(PredictionRead & { readonly outcome: OutcomeRead | null }) | undefined>
  holes(
    query: PageQuery & { readonly coin?: Coin | undefined; readonly family?: string | undefined },
  ): Promise<
    Page<
      Lane & {
        readonly slot: Slot
        readonly openAt: Millis
        readonly reason: HoleReason
        readonly healedAt: Millis | null
      }
    >
  >
  /** The newest prediction of every slot. */
  signals(): Promise<readonly (PredictionRead & { readonly slot: Slot })[]>
  pointers(lane?: Lane): Promise<readonly Pointer[]>
  models(filter?: Partial<Version>): Promise<readonly ModelRead[]>
  continuity(from: Millis | undefined, to: Millis | undefined): Promise<ContinuityRead>
  daySums(filter: {
    readonly coin?: Coin | undefined
    readonly family?: string | undefined
    readonly version?: number | undefined
    readonly from?: Millis | undefined
    readonly to?: Millis | undefined
    readonly mode?: Mode | undefined
  }): Promise<readonly DaySums[]>
  /** Ever written; what retention has dropped since is counted. */
  predictionCount(): Promise<number>
  firstPredictionAt(): Promise<Millis | null>
}
