/** A socket for exchanges that have none: REST trades, asked for again and again, behind the same face. */
import { Subscription } from 'rxjs'
import type { Coin } from '../../../coin.ts'
import { Fault } from '../../../fault.ts'
import type { Clock, Millis } from '../../../time.ts'
import type { Trades } from '../../../trade.ts'
import type { Cursor, Socket, SocketEar, Venue } from '../venue.ts'

export function pollingSocket(
  venue: Pick<Venue, 'trades' | 'deep'>,
  ear: SocketEar,
  clock: Clock,
  everyMs: Millis,
): Socket {
  const timers = new Subscription()
  /** Whoever watches a coin hears with the next answer that it is up. */
  const watched = new Map<Coin, 'asked' | 'up'>()

  async function look(coin: Coin, from: Cursor, last?: Cursor): Promise<void> {
    let next = from
    let newest = last
    const askedAt = clock.now()
    try {
      const page = await venue.trades(coin, from)
      if (timers.closed) return
      if (watched.get(coin) === 'asked') ear.up(coin)
      watched.set(coin, 'up')
      if (page.trades.length > 0) {
        if (!venue.deep && last !== undefined && !goesOn(last, page.trades)) ear.torn(coin, last)
        ear.trades(coin, page.trades)
        newest = newestOf(page.trades)
      }
      ear.told(coin, askedAt)
      next = page.next ?? { at: newest?.at ?? from.at }
    } catch (error) {
      if (timers.closed) return
      if (!(error instanceof Fault)) throw error
      timers.unsubscribe()
      ear.lost(error.message)
      return
    }
    timers.add(clock.schedule(() => void look(coin, next, newest), everyMs))
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

function newestOf({ at, id, length }: Trades): Cursor {
  return { at: at[length - 1] as Millis, id: id[length - 1] as number }
}

/** It shows the last trade of the page before it, or one from before that. */
function goesOn(last: Cursor, { at, id }: Trades): boolean {
  return (at[0] as Millis) < last.at || id.includes(last.id as number)
}
