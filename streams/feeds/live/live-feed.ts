/** A live market as a `Feed`: wires the exchange's clock, the questions, the sockets and one `Follow` per subscription. */
import { Observable } from 'rxjs'
import { tell } from '../../channels.ts'
import type { Coin } from '../../coin.ts'
import type { Clock, Millis } from '../../time.ts'
import type { Feed, FeedItem } from '../feed.ts'
import { asker } from './ask.ts'
import { exchangeClock } from './exchange-clock.ts'
import { Follow } from './follow.ts'
import { liveHistory } from './history.ts'
import type { LiveLimits } from './limits.ts'
import { Line } from './line.ts'
import type { Venue } from './venue.ts'

export interface LiveFeed extends Feed {
  /** Lets go of every socket; subscriptions hear nothing more. */
  close(): void
}

export function liveFeed(
  venue: Venue,
  options: {
    readonly clock: Clock
    readonly random: () => number
    readonly intervalMs: Millis
    readonly limits: LiveLimits
  },
): LiveFeed {
  const { clock, random, intervalMs, limits } = options
  const questions = asker(clock, random, limits.backoff)
  const market = exchangeClock(
    clock,
    () => venue.time(),
    (detail) => tell('feed.refused', { coin: '*', what: 'clock', detail }),
  )
  const lines = new Map<Line, number>()
  const following = new Set<() => void>()

  function lineWithRoom(): Line {
    for (const [line, coins] of lines) if (coins < limits.coinsPerSocketMax) return line
    const { backoff, connectMsMax } = limits
    const socket = venue.socket.bind(venue)
    const line = new Line({ clock, random, backoff, connectMsMax, socket })
    return line
  }

  function open(coin: Coin, from: Millis): Observable<FeedItem> {
    return new Observable((subscriber) => {
      const line = lineWithRoom()
      lines.set(line, (lines.get(line) ?? 0) + 1)
      const follow = new Follow({
        ...{ coin, from, intervalMs, venue, clock, market, limits, line },
        asker: questions,
        emit: (item) => {
          subscriber.next(item)
          if (item.type === 'ended') subscriber.complete()
        },
      })
      void follow.start()
      const measuring = clock.schedule(function again() {
        void market.measure()
        this.schedule(undefined, limits.measureEveryMs)
      }, limits.measureEveryMs)
      const letGo = (): void => {
        if (!following.delete(letGo)) return
        measuring.unsubscribe()
        lines.set(line, (lines.get(line) ?? 1) - 1)
        follow.stop()
      }
      following.add(letGo)
      return letGo
    })
  }

  return {
    source: venue.source,
    mode: 'live',
    market: venue.source,
    speed: 1,
    now: () => market.now(),
    open,
    history: liveHistory(venue, questions, () => market.now(), intervalMs),
    close: () => {
      for (const letGo of following) letGo()
      venue.close()
    },
  }
}
