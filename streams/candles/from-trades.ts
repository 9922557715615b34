/** Candles from trades of the past, which are all there already: nothing comes late, and every candle is closed. */
import type { Coin } from '../coin.ts'
import { floorTo, type Millis } from '../time.ts'
import type { Trades } from '../trade.ts'
import { CandleBook } from './book.ts'
import type { Candle } from './candle.ts'

/** `pages` are in ascending order. Intervals without trades are left out, as a source's own history leaves them out. */
export async function* candlesFromTrades(
  shape: { readonly coin: Coin; readonly intervalMs: Millis; readonly countsTrades?: boolean },
  pages: AsyncIterable<Trades>,
): AsyncGenerator<readonly Candle[]> {
  const { intervalMs } = shape
  let book: CandleBook | undefined
  let last = 0
  for await (const trades of pages) {
    if (trades.length === 0) continue
    const from = floorTo(trades.at[0] as number, intervalMs)
    book ??= new CandleBook({ ...shape, graceMs: 0, correctionMs: 0, from })
    book.add(trades)
    last = trades.at[trades.length - 1] as number
    // The interval of the newest trade is still open: the next page may go on in it.
    yield closedBy(book, floorTo(last, intervalMs))
  }
  if (book) yield closedBy(book, floorTo(last, intervalMs) + intervalMs)
}

function closedBy(book: CandleBook, at: Millis): readonly Candle[] {
  return book
    .clock(at)
    .flatMap((event) =>
      event.type === 'closed' && event.candle.state !== 'empty' ? [event.candle] : [],
    )
}
