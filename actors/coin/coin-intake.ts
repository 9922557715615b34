/**
 * What one coin's arrivals become: ledger entries in the order in which they must be durable, and what its versions are to
 * be told afterwards. Steps the engine; writes, tells and waits for nobody.
 */
import type { Candle } from '../../streams/candles/candle.ts'
import type { CandleEvent } from '../../streams/candles/events.ts'
import { tell } from '../../streams/channels.ts'
import type { FeedItem } from '../../streams/feeds/feed.ts'
import type { Millis } from '../../streams/time.ts'
import type { LedgerEntry } from '../ledger.ts'
import type { CoinEngine } from './coin-engine.ts'
import type { CoinLine } from './coin-line.ts'

export type Arrival =
  | CandleEvent
  | Extract<FeedItem, { type: 'gap' | 'healed' | 'unhealable' | 'trades' }>

export interface Closed {
  readonly candle: Candle
  readonly dueAt: Millis
}

/** What one turn has gathered: it becomes one write, and then hints. */
export interface Gathered {
  readonly entries: LedgerEntry[]
  readonly closed: Closed[]
  readonly corrected: Candle[]
  /** Opening of the oldest candle that has changed. */
  mendedFrom: Millis | undefined
  /** It is older than the engine can go back. */
  needsRebuild: boolean
}

export interface IntakePorts {
  readonly line: CoinLine
  readonly featureHash: string
}

export interface IntakeState {
  readonly engine: CoinEngine
  /** Opening of the first candle that has not closed. */
  position: Millis
}

export function gather(
  ports: IntakePorts,
  state: IntakeState,
  arrival: Arrival,
  into: Gathered,
): void {
  const { line, featureHash } = ports
  switch (arrival.type) {
    case 'closed': {
      const { candle, dueAt } = arrival
      const snapshots = state.engine.close(candle, dueAt)
      state.position = candle.openAt + line.intervalMs
      into.closed.push({ candle, dueAt })
      into.entries.push(
        { type: 'candle', candle },
        { type: 'position', coin: line.coin, at: state.position },
      )
      into.entries.push(...featureEntries(ports, candle.openAt))
      for (const { at, state: bytes } of snapshots) {
        into.entries.push({
          type: 'snapshot',
          coin: line.coin,
          hash: featureHash,
          at,
          state: bytes,
          isOrigin: false,
        })
      }
      return
    }
    case 'corrected': {
      const { candle } = arrival
      into.entries.push({ type: 'candle', candle })
      into.corrected.push(candle)
      into.mendedFrom = Math.min(into.mendedFrom ?? candle.openAt, candle.openAt)
      if (into.needsRebuild || !state.engine.correct(candle)) into.needsRebuild = true
      else into.entries.push(...featureEntries(ports, candle.openAt, state.position))
      return
    }
    case 'gap':
      into.entries.push({ type: 'gap', gap: arrival.gap, fate: 'open' })
      return
    case 'healed':
    case 'unhealable':
      into.entries.push({ type: 'gap', gap: arrival.gap, fate: arrival.type })
      return
    case 'trades':
      into.entries.push({ type: 'trades', coin: line.coin, trades: arrival.trades })
      return
    case 'preview':
      line.preview = arrival.bar
      tell('candle.preview', { coin: line.coin, ...arrival.bar })
      return
    case 'aside':
      tell('trades.aside', {
        coin: line.coin,
        count: arrival.trades.length,
        reason: arrival.reason,
      })
      return
    case 'refused':
      tell('trades.aside', { coin: line.coin, count: arrival.count, reason: arrival.reason })
      return
  }
}

function* featureEntries(ports: IntakePorts, from: Millis, to = from + 1): Generator<LedgerEntry> {
  const { ring, coin: name, intervalMs } = ports.line
  for (let openAt = from; openAt < to; openAt += intervalMs) {
    const row = ring.at(openAt)
    // The ring overwrites the numbers before the sink has written them.
    if (row)
      yield {
        type: 'features',
        coin: name,
        hash: ports.featureHash,
        row: { ...row, values: row.values.slice() },
      }
  }
}
