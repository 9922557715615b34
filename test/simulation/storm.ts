/**
 * What goes wrong with a simulated market's connection, by a seed: it is down for some minutes and nothing comes, time
 * included; then the stretch is told as a gap, time goes on, and some minutes later its trades come after all.
 */
import { Observable } from 'rxjs'
import type { Coin } from '../../streams/coin.ts'
import type { Feed, FeedItem } from '../../streams/feeds/feed.ts'
import type { Gap } from '../../streams/gap.ts'
import type { Random } from '../../streams/random.ts'
import { type Millis, minuteMs } from '../../streams/time.ts'

type Connection =
  | { readonly type: 'up' }
  | { readonly type: 'down'; readonly since: Millis; readonly until: Millis }
  | { readonly type: 'healing'; readonly gap: Gap; readonly until: Millis }

/** Outages begin at a candle's end, `perHour` of them on average, for as long as `isOver` does not say that they are over. */
export function stormy(feed: Feed, random: Random, perHour: number, isOver: () => boolean): Feed {
  const open = (coin: Coin, from: Millis): Observable<FeedItem> =>
    new Observable((subscriber) => {
      let connection: Connection = { type: 'up' }
      let held: FeedItem[] = []
      const minutes = (max: number): Millis => (1 + Math.floor(random.uniform() * max)) * minuteMs
      const heal = (gap: Gap): void => {
        for (const trades of held) subscriber.next(trades)
        held = []
        subscriber.next({ type: 'healed', gap })
        connection = { type: 'up' }
      }
      const next = (item: FeedItem): void => {
        if (connection.type === 'down' && item.type === 'trades') held.push(item)
        const isMinute = item.type === 'clock' && item.at % minuteMs === 0
        if (connection.type === 'down' && isMinute && item.at >= connection.until) {
          const gap: Gap = { coin, from: connection.since, to: item.at, cause: 'disconnected' }
          subscriber.next({ type: 'connected', coin })
          subscriber.next({ type: 'gap', gap })
          connection = { type: 'healing', gap, until: item.at + minutes(20) }
        }
        if (connection.type === 'down') return
        subscriber.next(item)
        if (!isMinute) return
        if (connection.type === 'healing' && item.at >= connection.until) heal(connection.gap)
        else if (connection.type === 'up' && !isOver() && random.uniform() < perHour / 60) {
          connection = { type: 'down', since: item.at, until: item.at + minutes(6) }
          subscriber.next({ type: 'reconnecting', coin, cause: 'simulated', attempt: 1 })
        }
      }
      const playing = feed.open(coin, from).subscribe({
        next,
        error: (error: unknown) => subscriber.error(error),
        complete: () => subscriber.complete(),
      })
      return () => playing.unsubscribe()
    })
  return {
    source: feed.source,
    mode: feed.mode,
    market: feed.market,
    speed: feed.speed,
    history: feed.history,
    now: () => feed.now(),
    open,
  }
}
