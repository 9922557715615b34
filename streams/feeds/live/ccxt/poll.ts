/** A socket for exchanges that have none: REST trades, asked for again and again, behind the same face. */
import { Subscription } from 'rxjs'
import type { Coin } from '../../../coin.ts'
import { Fault } from '../../../fault.ts'
import type { Clock, Millis } from '../../../time.ts'
import type { Cursor, Socket, SocketEar, Venue } from '../venue.ts'

export function pollingSocket(
  venue: Pick<Venue, 'trades'>,
  ear: SocketEar,
  clock: Clock,
  everyMs: Millis,
): Socket {
  const timers = new Subscription()
  /** Whoever watches a coin hears with the next answer that it is up. */
  const watched = new Map<Coin, 'asked' | 'up'>()

  async function look(coin: Coin, from: Cursor): Promise<void> {
    let next = from
    const askedAt = clock.now()
    try {
      const page = await venue.trades(coin, from)
      if (timers.closed) return
      if (watched.get(coin) === 'asked') ear.up(coin)
      watched.set(coin, 'up')
      if (page.trades.length > 0) ear.trades(coin, page.trades)
      ear.told(coin, askedAt)
      const lastAt = page.trades.at[page.trades.length - 1]
      next = page.next ?? { at: lastAt ?? from.at }
    } catch (error) {
      if (timers.closed) return
      if (!(error instanceof Fault)) throw error
      timers.unsubscribe()
      ear.lost(error.message)
      return
    }
    timers.add(clock.schedule(() => void look(coin, next), everyMs))
  }

  return {
    watch: (coin) => {
      const isNew = !watched.has(coin)
      watched.set(coin, 'asked')
      if (isNew) void look(coin, { at: clock.now() })
    },
    close: () => timers.unsubscribe(),
  }
}
