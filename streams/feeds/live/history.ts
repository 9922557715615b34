/** The past of a live market, page by page over REST. What cannot be a candle or a trade is refused here, not stored. */
import type { Candle } from '../../candles/candle.ts'
import { tell } from '../../channels.ts'
import type { Coin } from '../../coin.ts'
import { floorTo, type Millis } from '../../time.ts'
import { type Trades, TradesBuilder } from '../../trade.ts'
import type { MarketHistory } from '../feed.ts'
import type { Asker } from './ask.ts'
import { refusal } from './refusal.ts'
import type { CandleRow, Cursor, Venue } from './venue.ts'

/** An empty page may mean a long halt or the end of what is kept: it is stepped over by this much. */
const stepCandles = 720

export function liveHistory(
  venue: Venue,
  asker: Asker,
  now: () => Millis,
  intervalMs: Millis,
): MarketHistory {
  async function* candles(coin: Coin, from: Millis, to: Millis): AsyncGenerator<readonly Candle[]> {
    const closedTo = Math.min(to, now() - intervalMs + 1)
    let cursor = from
    while (cursor < closedTo) {
      const page = await answered(asker, (at) => venue.candles(coin, at), cursor)
      const fresh = page.filter((row) => row.openAt >= cursor && row.openAt < closedTo)
      yield fresh.filter((row) => sound(coin, row)).map((row) => closed(coin, row))
      const last = fresh.at(-1)
      cursor = last === undefined ? cursor + stepCandles * intervalMs : last.openAt + intervalMs
      // Its newest page reached beyond the cursor: an exchange that ignores `from` has no more.
      if (last === undefined && (page[0]?.openAt ?? 0) > cursor) cursor = page[0]?.openAt as Millis
    }
  }

  async function* trades(coin: Coin, from: Millis, to: Millis): AsyncGenerator<Trades> {
    let cursor: Cursor | undefined = { at: venue.deep ? from : from - intervalMs }
    let begunAt: Millis | undefined
    let lastId: number | undefined
    while (cursor !== undefined && cursor.at < to) {
      const page: Awaited<ReturnType<Venue['trades']>> = await answered(
        asker,
        (at) => venue.trades(coin, at),
        cursor,
      )
      begunAt ??= venue.deep ? from : wholeFrom(page.trades, from)
      yield within(coin, page.trades, begunAt, to, lastId)
      lastId = page.trades.id[page.trades.length - 1] ?? lastId
      cursor = page.coveredTo >= to ? undefined : page.next
    }
  }

  /** Where a source may give its newest alone, the first that it gives is some trade of a candle and of an instant, not the first. */
  function wholeFrom({ at, length }: Trades, from: Millis): Millis {
    const firstAt = at[0] as Millis
    return length === 0 || firstAt < from ? from : floorTo(firstAt, intervalMs) + intervalMs
  }

  async function earliest(coin: Coin, notBefore: Millis): Promise<Millis> {
    const page = await answered(asker, (at) => venue.candles(coin, at), notBefore)
    const first = page.find((row) => row.openAt >= notBefore)
    return first?.openAt ?? now()
  }

  return { candles, trades, earliest, candleColumns: venue.candleColumns }
}

/** Whoever iterates decides how long: an abandoned iterator asks nothing more, so nobody needs to call a question off. */
function answered<C, A>(asker: Asker, question: (cursor: C) => Promise<A>, cursor: C): Promise<A> {
  return asker.askAside(() => question(cursor), new AbortController().signal)
}

/** An interval without trades has no candle here, whatever an exchange fills in for it. */
function sound(coin: Coin, row: CandleRow): boolean {
  const { open, high, low, close, volume } = row
  if (volume === 0) return false
  const top = Math.max(open, close)
  const bottom = Math.min(open, close)
  const fits = low > 0 && low <= bottom && high >= top && Number.isFinite(high) && volume > 0
  if (!fits) tell('feed.refused', { coin, what: 'candle', detail: JSON.stringify(row) })
  return fits
}

function closed(coin: Coin, row: CandleRow): Candle {
  return { coin, ...row, state: 'final', revision: 0 }
}

/** The trades of a page that lie in the range; the page's overlap with the one before is left out. */
function within(
  coin: Coin,
  page: Trades,
  from: Millis,
  to: Millis,
  lastId: number | undefined,
): Trades {
  const kept = new TradesBuilder()
  const overlapTo = lastId === undefined ? -1 : page.id.indexOf(lastId)
  for (let i = overlapTo + 1; i < page.length; i++) {
    const at = page.at[i] as number
    if (at < from || at >= to) continue
    const price = page.price[i] as number
    const size = page.size[i] as number
    const why = refusal(at, price, size, to)
    if (why === undefined) kept.push(at, page.id[i] as number, price, size, page.side[i] as number)
    else tell('feed.refused', { coin, what: 'trade', detail: why })
  }
  return kept.take()
}
