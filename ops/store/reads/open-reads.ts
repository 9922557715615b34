/** `StoreReads` on PostgreSQL: each question is answered in the file of its table family. */
import type { Millis } from '../../../streams/time.ts'
import type { Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import { readContinuity } from '../ledger/continuity.ts'
import { readCoverage } from '../scores/coverage.ts'
import { readDaySums } from '../scores/day-sums.ts'
import { readPairedSums } from '../scores/paired-sums.ts'
import { readRun, readRuns } from '../training/read-training.ts'
import {
  readJournal,
  readSwapPage,
  readSwaps,
  readTenures,
  readWishes,
} from '../versions/journal-reads.ts'
import { readCandleCounts, readCandles, readHasCandles } from './read-candles.ts'
import {
  readPrediction,
  readPredictions,
  readPredictionTotal,
  readSignals,
} from './read-predictions.ts'
import {
  readFeatures,
  readGapCounts,
  readGaps,
  readHolders,
  readHoles,
  readModels,
  readPointers,
} from './read-records.ts'
import type { StoreReads } from './reads.ts'

export function openReads(sql: Sql, intervalMs: Millis): StoreReads {
  return {
    candles: (coin, of, query) => readCandles(sql, intervalMs, coin, of, query),
    hasCandles: (coin) => readHasCandles(sql, coin),
    candleCounts: () => readCandleCounts(sql),
    features: (coin, query) => readFeatures(sql, coin, query),
    gaps: (query) => readGaps(sql, query),
    predictions: (query) => readPredictions(sql, query),
    prediction: (version, openAt) => readPrediction(sql, version, openAt),
    holes: (query) => readHoles(sql, query),
    signals: () => readSignals(sql),
    holders: () => readHolders(sql),
    tenures: (version) => faulted(() => readTenures(sql, version)),
    pointers: (lane) => readPointers(sql, lane),
    models: (filter) => readModels(sql, filter ?? {}),
    journal: (version) => faulted(() => readJournal(sql, version)),
    swaps: (query) => faulted(() => readSwapPage(sql, query)),
    swap: async (id) => (await faulted(() => readSwaps(sql, { id })))[0],
    wishes: () => faulted(() => readWishes(sql)),
    continuity: (from, to) => readContinuity(sql, intervalMs, from, to),
    daySums: (filter) => readDaySums(sql, filter),
    coverage: (filter) => readCoverage(sql, filter),
    pairedSums: (challenger, incumbent, range) => readPairedSums(sql, challenger, incumbent, range),
    trainingRuns: (query) => readRuns(sql, query),
    trainingRun: (run) => readRun(sql, run),
    predictionCount: async () => (await readPredictionTotal(sql)).written,
    gapCounts: () => readGapCounts(sql),
    firstPredictionAt: async () => (await readPredictionTotal(sql)).first_at,
  }
}
