/**
 * Where a coin takes up its market: where it left it, when the trades since can still be fetched in good time; otherwise
 * the stretch in between is filled with the source's own candles, and on a first start the candles that the features
 * need to be whole. What the source's candles do not reach back to is missing, and a gap says so. Its engine begins at a
 * snapshot, never anywhere else.
 */
import { filled, missingCandles } from '../../streams/candles/fill.ts'
import { tell } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import { FeatureEngine } from '../../streams/features/engine.ts'
import { RowBlock } from '../../streams/features/rows.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import type { Gap } from '../../streams/gap.ts'
import { floorTo, type Millis } from '../../streams/time.ts'
import type { HistoryWriter, LedgerReader } from '../ledger.ts'
import type { Sink } from '../sink.ts'
import { CoinEngine } from './coin-engine.ts'
import type { CoinLine } from './coin-line.ts'
import { type FeatureHistory, skipTo } from './feature-history.ts'
import { memoryMs } from './healing.ts'

export interface CatchUpPorts {
  readonly feed: Feed
  readonly reader: LedgerReader
  readonly history: HistoryWriter
  readonly sink: Sink
  readonly intervalMs: Millis
  readonly graceMs: Millis
  /** History fetched before the first prediction; the rest follows in the background. */
  readonly warmMs: Millis
  /** A longer absence than this is caught up from candles instead of trades. */
  readonly tradesReachMs: Millis
}

export async function catchUp(ports: CatchUpPorts, coin: Coin): Promise<Millis> {
  const { feed, reader, intervalMs } = ports
  const position = await reader.position(coin)
  const closedTo = floorTo(feed.now() - ports.graceMs, intervalMs)
  if (position !== undefined && closedTo - position <= ports.tradesReachMs) return position
  const wanted = position ?? closedTo - ports.warmMs
  const from = await writtenTo(ports, coin, wanted, closedTo)
  const isBegun = position !== undefined || from > wanted
  const existed = isBegun && (await reachesBack(ports, coin, from))
  const pages = feed.history.candles(coin, from, closedTo)
  let toldFrom = existed ? from : closedTo
  for await (const candles of filled(coin, intervalMs, { from, to: closedTo, existed }, pages)) {
    toldFrom = Math.min(toldFrom, candles[0]?.openAt ?? closedTo)
    await ports.history.writeHistory(candles)
  }
  if (isBegun && from < toldFrom) await leaveMissing(ports, coin, from, toldFrom)
  return closedTo
}

/** What an earlier try has come to is not asked for again: a long absence may take more than one. */
async function writtenTo(
  { reader, intervalMs }: CatchUpPorts,
  coin: Coin,
  from: Millis,
  to: Millis,
): Promise<Millis> {
  let next = from
  for await (const page of reader.candles(coin, from, to)) {
    for (const { openAt } of page) {
      if (openAt !== next) return next
      next += intervalMs
    }
  }
  return next
}

/** With a margin: the far end of what a source keeps moves on between two questions. */
async function reachesBack({ feed }: CatchUpPorts, coin: Coin, from: Millis): Promise<boolean> {
  return (await feed.history.earliest(coin, from - memoryMs)) <= from - memoryMs / 2
}

/** The gap first: a missing candle that no gap on record covers is never asked for again. */
async function leaveMissing(
  ports: CatchUpPorts,
  coin: Coin,
  from: Millis,
  to: Millis,
): Promise<void> {
  const gap: Gap = { coin, from, to, cause: 'missing_history' }
  const entries = [{ type: 'gap', gap, fate: 'open' }] as const
  await new Promise((recorded, fail) => {
    if (!ports.sink.tell({ type: 'write', entries, replyTo: recorded })) fail(sinkFull())
  })
  tell('gap.opened', { ...gap })
  for (const candles of missingCandles(coin, ports.intervalMs, from, to))
    await ports.history.writeHistory(candles)
}

export interface EnginePorts {
  readonly line: CoinLine
  readonly reader: LedgerReader
  readonly features: FeatureHistory
  readonly featureHash: string
  readonly sink: Sink
  readonly correctionMs: Millis
}

/** Steps the engine over what the ledger has, so that ring and engine stand at `position`. */
export async function loadEngine(
  ports: EnginePorts,
  position: Millis,
  signal: AbortSignal,
): Promise<CoinEngine> {
  const { line, features } = ports
  const lag = ports.correctionMs / line.intervalMs
  const ring = line.emptyRing()
  const from = position - Math.max(ports.correctionMs, ring.capacity * line.intervalMs)
  let loaded: CoinEngine | undefined
  let begun: FeatureEngine | undefined
  const unread = new RowBlock(ring.columns, 64)
  for await (const { engine, candles } of features.pass(line.coin, from, position)) {
    signal.throwIfAborted()
    const first = engine === begun ? 0 : skipTo(engine, candles, from, unread)
    if (first === candles.length) continue
    if (engine !== begun || !loaded) loaded = new CoinEngine(engine, ring, lag)
    begun = engine
    for (const candle of candles.slice(first)) loaded.close(candle, features.dueAt(candle))
  }
  signal.throwIfAborted()
  line.ring = ring
  return loaded ?? new CoinEngine(new FeatureEngine(line.intervalMs), ring, lag)
}

/** An engine that has no snapshot to go back to leaves one: later starts, and whoever comes from older history, go on from it. */
export async function keepOrigin(
  ports: EnginePorts,
  engine: CoinEngine,
  position: Millis,
): Promise<void> {
  const { line, reader, sink, featureHash } = ports
  const settled = engine.settled()
  if (!settled || (await reader.snapshot(line.coin, featureHash, position))) return
  const entry = {
    type: 'snapshot',
    coin: line.coin,
    hash: featureHash,
    ...settled,
    isOrigin: true,
  } as const
  if (sink.tell({ type: 'write', entries: [entry] })) return
  throw sinkFull()
}

function sinkFull(): Fault {
  return new Fault('sink.full', 'the sink takes nothing now', { retryable: true })
}
