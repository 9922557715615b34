/**
 * How far each coin's history has been fetched, from what the fetchers tell. A history that is whole is told of once in a
 * daemon's life, and after a restart at once: whoever wants to know listens before the fleet is made.
 */
import { type Observable, Subject } from 'rxjs'
import type { History } from '../../actors/training/due.ts'
import { listen } from '../../streams/channels.ts'
import type { Coin } from '../../streams/coin.ts'
import type { Clock } from '../../streams/time.ts'

export interface HistoryWatch {
  readonly of: (coin: Coin) => Pick<History, 'isFetched' | 'fetchingMs'>
  readonly complete$: Observable<void>
  readonly stop: () => void
}

export function watchHistory(clock: Clock): HistoryWatch {
  const since = clock.now()
  const complete = new Set<string>()
  const complete$ = new Subject<void>()
  const stop = listen('history.fetched', ({ coin, from, goal }) => {
    if (from > goal || complete.has(coin)) return
    complete.add(coin)
    complete$.next()
  })
  return {
    of: (coin) => ({ isFetched: complete.has(coin), fetchingMs: clock.now() - since }),
    complete$,
    stop,
  }
}
