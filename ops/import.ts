/** History from a file into the store: candles as they are, or folded from trades. What is stored already stays as it is. */

import { CandleBook } from '../streams/candles/book.ts'
import type { Candle } from '../streams/candles/candle.ts'
import { filled } from '../streams/candles/fill.ts'
import type { Coin } from '../streams/coin.ts'
import { candlesOf, type MarketFile, openMarketFile } from '../streams/files/market-file.ts'
import { floorTo, iso, type Millis, wallClock } from '../streams/time.ts'
import type { ImportOptions } from './cli/world.ts'
import { openStoreWork } from './store-work.ts'

export interface ImportReport {
  readonly rows: number
  readonly from: string | null
  readonly to: string | null
  /** Stretches without trades. */
  readonly gaps: number
}

export async function importFile(options: ImportOptions): Promise<ImportReport> {
  const { coin, config, file: path } = options
  const intervalMs = config.market.interval
  const file = await openMarketFile(path)
  const work = await openStoreWork(options.dataPath, config, { mayMake: true })
  try {
    const writer = work.store.writer(await work.lease(), () => wallClock.now())
    let rows = 0
    let gaps = 0
    let from: Millis | undefined
    let to: Millis | undefined
    let wasEmpty = false
    const range = { from: 0, to: 0, existed: false }
    for await (const candles of filled(coin, intervalMs, range, pagesOf(file, coin, intervalMs))) {
      for (const { state, openAt } of candles) {
        if (state === 'empty' && !wasEmpty) gaps++
        wasEmpty = state === 'empty'
        if (state !== 'empty') rows++
        from ??= openAt
        to = openAt + intervalMs
      }
      await writer.writeHistory(candles)
      options.progress(rows, rows)
    }
    return {
      rows,
      from: from === undefined ? null : iso(from),
      to: to === undefined ? null : iso(to),
      gaps,
    }
  } finally {
    await work.close()
  }
}

async function* pagesOf(
  file: MarketFile,
  coin: Coin,
  intervalMs: Millis,
): AsyncGenerator<readonly Candle[]> {
  switch (file.kind) {
    case 'candles':
      for await (const bars of file.pages()) yield candlesOf(bars, coin)
      return
    case 'trades': {
      let book: CandleBook | undefined
      let last = 0
      for await (const trades of file.pages()) {
        if (trades.length === 0) continue
        const first = trades.at[0] as number
        book ??= new CandleBook({
          coin,
          intervalMs,
          graceMs: 0,
          correctionMs: 0,
          from: floorTo(first, intervalMs),
        })
        book.add(trades)
        last = trades.at[trades.length - 1] as number
        // The interval of the newest trade is still open: the next page may go on in it.
        yield closedBy(book, floorTo(last, intervalMs))
      }
      if (book) yield closedBy(book, floorTo(last, intervalMs) + intervalMs)
    }
  }
}

function closedBy(book: CandleBook, at: Millis): readonly Candle[] {
  return book
    .clock(at)
    .flatMap((event) =>
      event.type === 'closed' && event.candle.state !== 'empty' ? [event.candle] : [],
    )
}
