/**
 * Deepens a coin's history in the background, a day at a time from the newest to the oldest, while the coin is already
 * serving. It remembers nothing of its own: how far it has come is the oldest candle in the ledger.
 */

import { filled } from '../streams/candles/fill.ts'
import { tell } from '../streams/channels.ts'
import type { Coin } from '../streams/coin.ts'
import type { Feed } from '../streams/feeds/feed.ts'
import { dayMs, floorTo, type Millis } from '../streams/time.ts'
import type { HistoryWriter, LedgerReader } from './ledger.ts'
import type { ActorSpec } from './protocol.ts'

export interface HistoryPorts {
  readonly coin: Coin
  readonly feed: Feed
  readonly reader: LedgerReader
  readonly writer: HistoryWriter
  readonly intervalMs: Millis
  readonly depthMs: Millis
}

export type HistoryMessage = { readonly type: 'fetch' }

/** `from` is the goal: fixed when the actor starts, as the market's present moves on. */
interface HistoryState {
  readonly from: Millis
}

/** Between two days: live work goes first. */
const pauseMs = 50

export function history(ports: HistoryPorts): ActorSpec<HistoryState, HistoryMessage> {
  const { coin, feed, intervalMs } = ports
  return {
    kind: 'history',
    mailboxMax: 10,
    deadlineMs: 300_000,
    start: async (self) => {
      const wanted = floorTo(feed.now() - ports.depthMs, intervalMs)
      const from = floorTo(await feed.history.earliest(coin, wanted), intervalMs)
      self.tell({ type: 'fetch' })
      return { from: Math.max(wanted, from) }
    },
    receive: async (state, _message, self) => {
      const range = await ports.reader.candleRange(coin)
      if (!range) {
        self.after(1_000, { type: 'fetch' })
        return state
      }
      if (range.from <= state.from) return state
      const from = Math.max(state.from, range.from - dayMs)
      const pages = feed.history.candles(coin, from, range.from)
      for await (const candles of filled(
        coin,
        intervalMs,
        { from, to: range.from, existed: true },
        pages,
      )) {
        await ports.writer.writeHistory(candles)
      }
      tell('history.fetched', { coin, from, goal: state.from })
      self.after(pauseMs, { type: 'fetch' })
      return state
    },
  }
}
