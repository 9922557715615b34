/**
 * Deepens a coin's history in the background, from the newest to the oldest, while the coin is already serving: a day of
 * the source's own candles at a time, and where those end, an hour of its trades. It remembers nothing of its own: how
 * far it has come is the oldest candle in the ledger.
 */
import { filled } from '../../streams/candles/fill.ts'
import { candlesFromTrades } from '../../streams/candles/from-trades.ts'
import { tell } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import { Fault } from '../../streams/fault.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import { dayMs, floorTo, hourMs, type Millis, minuteMs } from '../../streams/time.ts'
import type { HistoryWriter, LedgerReader } from '../ledger.ts'
import type { ActorSpec, Self } from '../protocol.ts'

export interface HistoryPorts {
  readonly coin: Coin
  readonly feed: Feed
  readonly reader: LedgerReader
  readonly writer: HistoryWriter
  readonly intervalMs: Millis
  readonly depthMs: Millis
}

export type HistoryMessage =
  | { readonly type: 'fetch' }
  | ({ readonly type: 'planned' } & Goals)
  | { readonly type: 'fetched'; readonly from: Millis }
  | { readonly type: 'refused'; readonly againMs: Millis }

/** Fixed when the actor starts, as the market's present moves on. */
interface Goals {
  readonly candlesFrom: Millis
  /** Not after `candlesFrom`. */
  readonly tradesFrom: Millis
}

type HistoryState = Goals | undefined

/** Between two pieces: live work goes first. */
const pauseMs = 50
const emptyLedgerMs = 1_000
/** A source that refuses for good may have changed its mind by then. */
const refusedMs: Millis = 15 * minuteMs
/** One that does not answer is asked again, for as long as it takes. */
const awayMs: Millis = 15_000

export function history(ports: HistoryPorts): ActorSpec<HistoryState, HistoryMessage> {
  return {
    kind: 'history',
    mailboxMax: 10,
    deadlineMs: 60_000,
    start: (self) => {
      self.tell({ type: 'fetch' })
      return undefined
    },
    receive: async (goals, message, self) => {
      switch (message.type) {
        case 'fetch':
          await advance(ports, goals, self)
          return goals
        case 'planned':
          self.tell({ type: 'fetch' })
          return message
        case 'fetched': {
          const { from } = message
          const { coin } = ports
          tell('history.fetched', { coin, from, goal: goals?.tradesFrom ?? from })
          self.after(pauseMs, { type: 'fetch' })
          return goals
        }
        case 'refused':
          self.after(message.againMs, { type: 'fetch' })
          return goals
      }
    },
  }
}

/** What is asked of the source is outside of the handler's deadline. */
async function advance(
  ports: HistoryPorts,
  goals: Goals | undefined,
  self: Self<HistoryMessage>,
): Promise<void> {
  const range = await ports.reader.candleRange(ports.coin)
  if (!range) self.after(emptyLedgerMs, { type: 'fetch' })
  else if (!goals) self.pipe(orRefused(plan(ports)), (message) => message)
  else if (range.from > goals.tradesFrom)
    self.pipe(orRefused(fetch(ports, goals, range.from)), (message) => message)
  else tell('history.fetched', { coin: ports.coin, from: range.from, goal: goals.tradesFrom })
}

async function orRefused(work: Promise<HistoryMessage>): Promise<HistoryMessage> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    if (error.code === 'feed.away') return { type: 'refused', againMs: awayMs }
    if (error.retryable) throw error
    return { type: 'refused', againMs: refusedMs }
  }
}

async function plan(ports: HistoryPorts): Promise<HistoryMessage> {
  const { coin, feed, intervalMs } = ports
  const wanted = floorTo(feed.now() - ports.depthMs, intervalMs)
  const earliest = floorTo(await feed.history.earliest(coin, wanted), intervalMs)
  const candlesFrom = Math.max(wanted, earliest)
  const tradesFrom = await earliestTrades(ports, wanted, candlesFrom)
  return { type: 'planned', candlesFrom, tradesFrom }
}

/** Where whole candles can be made of the source's trades before those that it has itself. */
async function earliestTrades(ports: HistoryPorts, from: Millis, to: Millis): Promise<Millis> {
  const { coin, feed, intervalMs } = ports
  if (from >= to) return to
  for await (const { at, length } of feed.history.trades(coin, from, to)) {
    if (length === 0) continue
    const first = floorTo(at[0] as number, intervalMs)
    // A source may keep its trades for so long and no longer: the first of them need not be a candle's first.
    return first === from ? from : first + intervalMs
  }
  return to
}

/** One piece before `to`. The answer is where it begins. */
async function fetch(ports: HistoryPorts, goals: Goals, to: Millis): Promise<HistoryMessage> {
  const { coin, feed, intervalMs, writer } = ports
  const byCandles = to > goals.candlesFrom
  const from = byCandles
    ? Math.max(goals.candlesFrom, to - dayMs)
    : Math.max(goals.tradesFrom, to - hourMs)
  const countsTrades = feed.history.candleColumns.trades
  const pages = byCandles
    ? feed.history.candles(coin, from, to)
    : candlesFromTrades({ coin, intervalMs, countsTrades }, feed.history.trades(coin, from, to))
  for await (const candles of filled(coin, intervalMs, { from, to, existed: true }, pages))
    await writer.writeHistory(candles)
  return { type: 'fetched', from }
}
