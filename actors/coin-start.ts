/**
 * Where a coin takes up its market: where it left it, when the trades since can still be fetched in good time; otherwise
 * the stretch in between is filled with the source's own candles, and on a first start the candles that the features
 * need to be whole.
 */

import { filled } from '../streams/candles/fill.ts'
import type { Coin } from '../streams/coin.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import { floorTo, type Millis } from '../streams/time.ts'
import type { HistoryWriter, LedgerReader } from './ledger.ts'

export interface CatchUpPorts {
  readonly feed: Feed
  readonly reader: LedgerReader
  readonly history: HistoryWriter
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
  const range = {
    from: position ?? closedTo - ports.warmMs,
    to: closedTo,
    existed: position !== undefined,
  }
  const pages = feed.history.candles(coin, range.from, range.to)
  for await (const candles of filled(coin, intervalMs, range, pages))
    await ports.history.writeHistory(candles)
  return closedTo
}
