/**
 * Writes batches into a market's ledger, each whole or not at all, in one transaction that first makes sure that this
 * daemon still holds the fleet's lease. Statements are sent without waiting for each other; only the answers are awaited.
 */
import type { CommitOutcome, LedgerEntry, LedgerWriter } from '../../../actors/ledger.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import type { Coin } from '../../../streams/coin.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Sql, Tx } from '../connection.ts'
import { storeFault } from '../faults.ts'
import { checkTerm, type Lease } from '../lease.ts'
import type { Names } from '../names.ts'
import { transact } from '../transact.ts'
import type { PartedTable, Parts } from './parts.ts'
import { type HoleRow, writeHoles } from './write-holes.ts'
import {
  addCandles,
  type CandleRow,
  type FeatureEntry,
  type PositionRow,
  reopenOutcomes,
  type TradesOfCoin,
  trimTrades,
  writeCandles,
  writeFeatures,
  writeGap,
  writePositions,
  writeSnapshot,
  writeTrades,
} from './write-market.ts'
import { type PredictionRow, writePredictions } from './write-predictions.ts'

export interface PostgresLedgerWriter extends LedgerWriter {
  /** History from an import or a source's past, in any amount; what is there stays. Answers how many candles were new. */
  writeHistory(candles: readonly Candle[]): Promise<number>
}

export interface WriterNeeds {
  readonly sql: Sql
  readonly names: Names
  readonly parts: Parts
  readonly lease: Pick<Lease, 'name' | 'term'>
  /** Wall time, for `waitMs`. */
  readonly wallNow: () => Millis
}

/** Rows in one statement of a history; more gain nothing and hold the row locks for longer. */
const historyRowsMax = 10_000

export function openLedgerWriter(needs: WriterNeeds): PostgresLedgerWriter {
  const { sql, names, parts, lease, wallNow } = needs
  /** Coins whose trades after the stream's position have been cut off in this life. */
  const trimmed = new Set<number>()

  const writeOnce = async (
    batch: readonly LedgerEntry[],
    marketNow: (coin: Coin) => Millis,
  ): Promise<CommitOutcome> => {
    const rows = await sorted(batch, names, marketNow)
    await ensureParts(parts, rows)
    let trimming = new Set<number>()
    const outcome = await transact(sql, async (tx) => {
      trimming = new Set()
      const fence = checkTerm(tx, lease, rows.holes.length > 0)
      const market = writeMarket(tx, rows, trimmed, trimming)
      const predictions = writePredictions(tx, rows.predictions, wallNow)
      const [written] = await Promise.all([predictions, fence, market])
      await writeHoles(tx, rows.holes)
      return written
    })
    for (const coinId of trimming) trimmed.add(coinId)
    return outcome
  }

  return {
    commit: (batch, marketNow) => withParts(parts, () => writeOnce(batch, marketNow)),
    writeHistory: async (candles) => {
      let added = 0
      for (let at = 0; at < candles.length; at += historyRowsMax) {
        const slice = candles.slice(at, at + historyRowsMax)
        added += await withParts(parts, async () => {
          const rows = await withCoins(slice, names)
          await parts.ensure(
            'candle',
            slice.map((it) => it.openAt),
          )
          return await transact(sql, async (tx) => {
            const [count] = await Promise.all([addCandles(tx, rows), checkTerm(tx, lease, false)])
            return count
          })
        })
      }
      return added
    },
  }
}

/** Retention may drop a part that was there a moment ago; then it is made again, once. */
async function withParts<T>(parts: Parts, write: () => Promise<T>): Promise<T> {
  try {
    return await write()
  } catch (error) {
    const lacksPart = /no partition of relation/.test((error as Error).message)
    if (!lacksPart) throw storeFault(error)
  }
  parts.forget()
  try {
    return await write()
  } catch (error) {
    throw storeFault(error)
  }
}

interface Rows {
  readonly candles: CandleRow[]
  readonly predictions: PredictionRow[]
  readonly holes: HoleRow[]
  readonly features: FeatureEntry[]
  readonly trades: TradesOfCoin[]
  readonly gaps: { coinId: number; entry: LedgerEntry & { type: 'gap' }; now: Millis }[]
  readonly snapshots: {
    coinId: number
    setId: number
    entry: LedgerEntry & { type: 'snapshot' }
  }[]
  readonly positions: PositionRow[]
}

async function sorted(
  batch: readonly LedgerEntry[],
  names: Names,
  marketNow: (coin: Coin) => Millis,
): Promise<Rows> {
  const rows: Rows = {
    candles: [],
    predictions: [],
    holes: [],
    features: [],
    trades: [],
    gaps: [],
    snapshots: [],
    positions: [],
  }
  for (const entry of batch) {
    switch (entry.type) {
      case 'candle':
        rows.candles.push({ coinId: await names.coin(entry.candle.coin), candle: entry.candle })
        break
      case 'prediction': {
        const { prediction } = entry
        // Thousands may come at once, and nearly always everything is known.
        const version = names.version(prediction)
        const versionId = typeof version === 'number' ? version : await version
        const set = names.featureSet(prediction.featureSet)
        const setId = typeof set === 'number' ? set : await set
        const now = marketNow(prediction.coin)
        rows.predictions.push({ prediction, versionId, setId, marketNow: now })
        break
      }
      case 'hole':
        rows.holes.push({ laneId: await names.lane(entry.hole), hole: entry.hole })
        break
      case 'gap':
        rows.gaps.push({
          coinId: await names.coin(entry.gap.coin),
          entry,
          now: marketNow(entry.gap.coin),
        })
        break
      case 'trades':
        if (entry.trades.length > 0)
          rows.trades.push({ coinId: await names.coin(entry.coin), trades: entry.trades })
        break
      case 'features':
        rows.features.push({
          coinId: await names.coin(entry.coin),
          setId: await names.featureSet(entry.hash),
          row: entry.row,
        })
        break
      case 'snapshot':
        rows.snapshots.push({
          coinId: await names.coin(entry.coin),
          setId: await names.featureSet(entry.hash),
          entry,
        })
        break
      case 'position':
        rows.positions.push({ coinId: await names.coin(entry.coin), at: entry.at })
        break
    }
  }
  return rows
}

async function withCoins(candles: readonly Candle[], names: Names): Promise<CandleRow[]> {
  const rows: CandleRow[] = []
  for (const candle of candles) rows.push({ coinId: await names.coin(candle.coin), candle })
  return rows
}

async function ensureParts(parts: Parts, rows: Rows): Promise<void> {
  const opens: readonly (readonly [PartedTable, Iterable<Millis>])[] = [
    ['candle', rows.candles.map((it) => it.candle.openAt)],
    ['prediction', rows.predictions.map((it) => it.prediction.openAt)],
    ['hole', rows.holes.map((it) => it.hole.openAt)],
    ['feature', rows.features.map((it) => it.row.openAt)],
  ]
  for (const [table, instants] of opens) await parts.ensure(table, instants)
  for (const { trades } of rows.trades)
    await parts.ensure('trade', trades.at.subarray(0, trades.length))
}

async function writeMarket(
  tx: Tx,
  rows: Rows,
  trimmed: ReadonlySet<number>,
  trimming: Set<number>,
): Promise<void> {
  const sent: Promise<void>[] = [writeCandles(tx, rows.candles), writeFeatures(tx, rows.features)]
  for (const { coinId } of rows.trades) {
    if (!trimmed.has(coinId) && !trimming.has(coinId)) sent.push(trimTrades(tx, coinId))
    trimming.add(coinId)
  }
  sent.push(writeTrades(tx, rows.trades))
  for (const { coinId, entry, now } of rows.gaps)
    sent.push(writeGap(tx, coinId, entry.gap, entry.fate, now))
  for (const { coinId, setId, entry } of rows.snapshots)
    sent.push(writeSnapshot(tx, coinId, setId, entry.at, entry.state, entry.isOrigin))
  sent.push(writePositions(tx, rows.positions))
  sent.push(reopenOutcomes(tx, rows.candles))
  await Promise.all(sent)
}
