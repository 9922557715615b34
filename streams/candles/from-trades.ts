/** Candles from trades of the past, which are all there already: nothing comes late, and every candle is closed. */
import type { Coin } from '../coin.ts'
import { Fault } from '../fault.ts'
import { floorTo, iso, type Millis } from '../time.ts'
import type { Trades } from '../trade.ts'
import { type BookEvent, CandleBook } from './book.ts'
import type { Candle } from './candle.ts'

/**
 * `pages` are in ascending order, but for trades of the newest two intervals, which may come in any: exchanges that page by
 * number date some trades a little before the one before. One that comes after its interval was closed is a Fault, for its
 * candle would lack it. Intervals without trades are left out, as a source's own history leaves them out.
 */
export async function* candlesFromTrades(
  shape: { readonly coin: Coin; readonly intervalMs: Millis; readonly countsTrades?: boolean },
  pages: AsyncIterable<Trades>,
): AsyncGenerator<readonly Candle[]> {
  const { intervalMs } = shape
  let book: CandleBook | undefined
  let last = Number.NEGATIVE_INFINITY
  for await (const trades of pages) {
    if (trades.length === 0) continue
    const { oldest, newest } = endsOf(trades)
    const from = floorTo(oldest, intervalMs)
    book ??= new CandleBook({ ...shape, graceMs: intervalMs, correctionMs: 0, from })
    const [passed] = book.add(trades)
    if (passed !== undefined) throw passedOver(shape.coin, passed)
    last = Math.max(last, newest)
    yield closedBy(book, floorTo(last, intervalMs))
  }
  if (book) yield closedBy(book, floorTo(last, intervalMs) + 2 * intervalMs)
}

/** Nothing is corrected here, so what the book tells of a page is what it could not take. */
function passedOver(coin: Coin, event: BookEvent): Fault {
  const found =
    event.type === 'aside'
      ? `a trade of ${iso(event.trades.at[0] as number)} after its candle was closed`
      : `a trade that is none (${event.type === 'refused' ? event.reason : event.type})`
  return new Fault('trades.order', `${coin}: found ${found}, expected whole trades, oldest first`)
}

function endsOf({ length, at }: Trades): { readonly oldest: Millis; readonly newest: Millis } {
  let [oldest, newest] = [at[0] as number, at[0] as number]
  for (let i = 1; i < length; i++) {
    oldest = Math.min(oldest, at[i] as number)
    newest = Math.max(newest, at[i] as number)
  }
  return { oldest, newest }
}

function closedBy(book: CandleBook, at: Millis): readonly Candle[] {
  return book
    .clock(at)
    .flatMap((event) =>
      event.type === 'closed' && event.candle.state !== 'empty' ? [event.candle] : [],
    )
}
