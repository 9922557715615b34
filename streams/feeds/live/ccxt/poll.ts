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
  now: () => Millis,
  everyMs: Millis,
): Socket {
  const timers = new Subscription()

  async function look(coin: Coin, from: Cursor, first: boolean): Promise<void> {
    let next = from
    try {
      const page = await venue.trades(coin, from)
      if (timers.closed) return
      if (first) ear.up(coin)
      if (page.trades.length > 0) ear.trades(coin, page.trades)
      const lastAt = page.trades.at[page.trades.length - 1]
      next = page.next ?? { at: lastAt ?? from.at }
    } catch (error) {
      if (timers.closed) return
      if (!(error instanceof Fault)) throw error
      timers.unsubscribe()
      ear.lost(error.message)
      return
    }
    timers.add(clock.schedule(() => void look(coin, next, false), everyMs))
  }

  return {
    watch: (coin) => void look(coin, { at: now() }, true),
    close: () => timers.unsubscribe(),
  }
}
