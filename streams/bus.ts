/**
 * Carries feed items from whoever holds the connection to whoever builds the candles, keyed by coin. In process it is a
 * table of subjects and synchronous: an item has been folded when `publish` returns, so nothing can pile up in between.
 * There is no buffer for who comes late; the tree starts the coin before its feed, and the feed reads the past again.
 */
import { type Observable, Subject } from 'rxjs'
import type { Coin } from './coin.ts'
import type { FeedItem } from './feeds/feed.ts'

export interface Bus {
  publish(coin: Coin, item: FeedItem): void
  of(coin: Coin): Observable<FeedItem>
}

export function inProcessBus(): Bus {
  const subjects = new Map<Coin, Subject<FeedItem>>()
  const of = (coin: Coin): Subject<FeedItem> => {
    const known = subjects.get(coin)
    if (known) return known
    const subject = new Subject<FeedItem>()
    subjects.set(coin, subject)
    return subject
  }
  return { publish: (coin, item) => of(coin).next(item), of }
}
