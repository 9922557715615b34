/** A book of minutes that begins with 2026, trades by the second within it, and what it says in a few words. */
import { type BookEvent, CandleBook } from '../../../streams/candles/book.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { type Coin, parseCoin } from '../../../streams/coin.ts'
import { minuteMs } from '../../../streams/time.ts'
import type { Trade } from '../../../streams/trade.ts'

export const coin = parseCoin('BTC/USDT') as Coin
export const start = Date.UTC(2026, 0, 1)
export const graceMs = 2000

export function bookFrom(
  rest: Partial<ConstructorParameters<typeof CandleBook>[0]> = {},
): CandleBook {
  const correctionMs = 10 * minuteMs
  const intervalMs = minuteMs
  return new CandleBook({
    coin,
    intervalMs,
    graceMs,
    correctionMs,
    from: start,
    ...rest,
  })
}

export function trade(second: number, price: number, rest: Partial<Trade> = {}): Trade {
  return { at: start + second * 1000, id: second, price, size: 1, side: 1, ...rest }
}

export function candlesIn(events: readonly BookEvent[]): readonly Candle[] {
  return events.flatMap((e) => (e.type === 'closed' || e.type === 'corrected' ? [e.candle] : []))
}

export function told(events: readonly BookEvent[]): readonly string[] {
  return events.map(say)
}

function say(e: BookEvent): string {
  switch (e.type) {
    case 'closed':
    case 'corrected': {
      const { openAt, state, revision, close } = e.candle
      return `${e.type} ${(openAt - start) / minuteMs} ${state} r${revision} ${close}`
    }
    case 'aside':
      return `aside ${e.reason} ${e.trades.length}`
    case 'refused':
      return `refused ${e.reason} ${e.count}`
  }
}
