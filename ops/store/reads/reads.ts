/**
 * What the API, the commands and the metrics read from a market's store. Instants are milliseconds here and become
 * ISO 8601 at the API; lists come newest first, in pages; ranges are `[from, to)` on `openAt`.
 */

import type { Verdict } from '../../../models/judging/verdict.ts'
import type { HoleReason, Mode, Signal } from '../../../models/prediction.ts'
import type { ClassCounts } from '../../../models/scores/no-skill.ts'
import type { ScoreSums } from '../../../models/scores/sums.ts'
import type { Lane, Pointer, Slot, Version } from '../../../models/version.ts'
import type { CandleState } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Stage, Swap, Transition } from '../../../supervisor/fleet/lane-journal.ts'
import type { TrainingQuery, TrainingRead } from '../training/read-training.ts'
import type { Page, PageQuery } from './page.ts'

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

/** `models/scores/score.ts` alone turns sums into scores. */
export interface DaySums extends Version, ScoreSums {}

export interface CoverageRead extends Version {
  /** Candles with trades that it could have answered in the range, and those that it answered, in any mode. */
  readonly candles: number
  readonly answered: number
  /** How often each class came among its training rows; null where its artifact does not say. */
  readonly frequencies: ClassCounts | null
  /** Settings that were tried until this one. */
  readonly trials: number
}

/** Over the candles that both answered, neither of them in sample. */
export interface PairedSums {
  readonly challenger: readonly ScoreSums[]
  readonly incumbent: readonly ScoreSums[]
  /** Of the challenger's rows, milliseconds a row in its bundle; null where there are none. */
  readonly inferenceMs: { readonly p50: number; readonly p95: number } | null
}

export interface ScoreFilter {
  readonly coin?: Coin | undefined
  readonly family?: string | undefined
  readonly version?: number | undefined
  readonly from?: Millis | undefined
  readonly to?: Millis | undefined
  readonly mode?: Mode | undefined
}

export interface ModelRead extends Version {
  readonly sha256: string
  readonly state: Stage
  readonly slots: readonly Slot[]
  readonly manifest: unknown
  readonly metrics: unknown
  readonly registeredAt: Millis
  /** What the gate said last; null where it was not asked. */
  readonly verdict: Verdict | null
  /** Candles before it have been predicted as history. */
  readonly backfilledTo: Millis | null
}

/** From one candle's opening to another's; and when that was written, null where no swap moved it. */
export interface Tenure {
  readonly slot: Slot
  readonly from: Millis
  readonly until: Millis | null
  readonly enteredAt: Millis | null
  readonly leftAt: Millis | null
}

export interface StoreReads {
  candles(coin: Coin, intervalMs: Millis, query: PageQuery): Promise<Page<CandleRead>>
  hasCandles(coin: Coin): Promise<boolean>
  /** From the first to the last of each month; a stretch inside of one that nobody ever stored is counted with them. */
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
      /** Since when nobody tries any more: the source has nothing of it. */
      readonly unhealableAt: Millis | null
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
  /** Every slot that is held, with the newest prediction of its version; null where it has said nothing yet. */
  signals(): Promise<
    readonly (Version & { readonly slot: Slot; readonly newest: PredictionRead | null })[]
  >
  /** Who holds a slot now, and where that version's training ended. */
  holders(): Promise<
    readonly (Version & { readonly slot: Slot; readonly trainedTo: string | null })[]
  >
  pointers(lane?: Lane): Promise<readonly Pointer[]>
  models(filter?: Partial<Version>): Promise<readonly ModelRead[]>
  /** The slots that a version has held. */
  tenures(version: Version): Promise<readonly Tenure[]>
  /** All that was ever written of a version's life, in order. */
  journal(version: Version): Promise<readonly Transition[]>
  swaps(query: {
    readonly coin?: Coin | undefined
    readonly family?: string | undefined
    readonly limit: number
    readonly cursor?: string | undefined
  }): Promise<Page<Swap>>
  swap(id: number): Promise<Swap | undefined>
  /** By lane: its open swaps, and what the newest wish of it is. */
  wishes(): Promise<
    readonly (Lane & { readonly desired: number | null; readonly swapping: number | null })[]
  >
  continuity(from: Millis | undefined, to: Millis | undefined): Promise<ContinuityRead>
  daySums(filter: ScoreFilter): Promise<readonly DaySums[]>
  coverage(filter: ScoreFilter): Promise<readonly CoverageRead[]>
  pairedSums(
    challenger: Version,
    incumbent: Version,
    range: Pick<ScoreFilter, 'from' | 'to'>,
  ): Promise<PairedSums>
  trainingRuns(query: TrainingQuery): Promise<Page<TrainingRead>>
  /** A Fault `training.unknown` where there is none. */
  trainingRun(run: number): Promise<TrainingRead>
  /** Ever written; what retention has dropped since is counted. */
  predictionCount(): Promise<number>
  firstPredictionAt(): Promise<Millis | null>
  /** Gaps that may still heal, and those that never will. */
  gapCounts(): Promise<{ readonly open: number; readonly unhealable: number }>
}
