/**
 * Holds one coin's connection to its market and puts what comes onto the bus. It starts after the coin that listens and
 * reads on from what is committed, so an item that nobody heard is read again.
 */

import { concat, type EMPTY, ignoreElements, of, tap } from 'rxjs'
import type { Bus } from '../../streams/bus.ts'
import { tell } from '../../streams/channels.ts'
import type { Feed, FeedItem } from '../../streams/feeds/feed.ts'
import type { Millis } from '../../streams/time.ts'
import type { ActorSpec, Self } from '../protocol.ts'
import type { CoinLine } from './coin-line.ts'

export interface FeedPorts {
  readonly feed: Feed
  readonly line: CoinLine
  readonly bus: Bus
  /** Trades are read again from so long before the first candle that is not in the ledger: some may have come late. */
  readonly correctionMs: Millis
  readonly state: FeedState
}

/** What people see of a connection. Written here, read by the API. */
export interface FeedState {
  connection: 'connecting' | 'connected' | 'reconnecting' | 'ended'
  lastTradeAt: Millis | null
  receivedAt: Millis | null
  detail: string | null
}

export type FeedMessage = { readonly type: 'ended' }

export function feed(ports: FeedPorts): ActorSpec<null, FeedMessage> {
  return {
    kind: 'feed',
    mailboxMax: 16,
    deadlineMs: 30_000,
    start: (self) => {
      ports.state.connection = 'connecting'
      follow(ports, self)
      return null
    },
    receive: (state) => {
      ports.state.connection = 'ended'
      return state
    },
  }
}

function follow(ports: FeedPorts, self: Self<FeedMessage>): void {
  const { line, bus } = ports
  const from = line.committedTo - ports.correctionMs
  const items = ports.feed.open(line.coin, from).pipe(
    tap((item) => {
      note(ports, item, self.clock.now())
      bus.publish(line.coin, item)
    }),
    ignoreElements(),
  )
  self.follow(concat(items as typeof EMPTY, of<FeedMessage>({ type: 'ended' })))
}

function note(ports: FeedPorts, item: FeedItem, now: Millis): void {
  const { state } = ports
  switch (item.type) {
    case 'connected':
      state.connection = 'connected'
      tell('feed.connected', { coin: item.coin })
      return
    case 'reconnecting':
      state.connection = 'reconnecting'
      state.detail = item.cause
      tell('feed.reconnecting', { coin: item.coin, cause: item.cause, attempt: item.attempt })
      return
    case 'gap':
      tell('gap.opened', { ...item.gap })
      return
    case 'healed':
      tell('gap.healed', { ...item.gap })
      return
    case 'unhealable':
      tell('gap.unhealable', { ...item.gap })
      return
    case 'trades':
      state.lastTradeAt = item.trades.at[item.trades.length - 1] ?? state.lastTradeAt
      state.receivedAt = now
      return
    case 'clock':
      return
    case 'ended':
      state.detail = item.reason
      return
  }
}
