/** History as a source gives it leaves out what had no trades; here every interval gets its row, and those are `empty`. */
import type { Coin } from '../coin.ts'
import type { Millis } from '../time.ts'
import type { Candle } from './candle.ts'
import { candleOf, emptyBar } from './fold.ts'

/**
 * Every interval of `[from, to)` where the market is known to have `existed` at `from`; otherwise from the first candle
 * in `pages` on, because a market may be younger than the question.
 */
export async function* filled(
  coin: Coin,
  intervalMs: Millis,
  range: { readonly from: Millis; readonly to: Millis; readonly existed: boolean },
  pages: AsyncIterable<readonly Candle[]>,
): AsyncGenerator<readonly Candle[]> {
  let next = range.existed ? range.from : undefined
  for await (const page of pages) {
    const out: Candle[] = []
    for (const candle of page) {
      for (const empty of empties(coin, intervalMs, next ?? candle.openAt, candle.openAt))
        out.push(empty)
      out.push(candle)
      next = candle.openAt + intervalMs
    }
    yield out
  }
  if (next !== undefined && next < range.to) yield [...empties(coin, intervalMs, next, range.to)]
}

function* empties(coin: Coin, intervalMs: Millis, from: Millis, to: Millis): Generator<Candle> {
  for (let openAt = from; openAt < to; openAt += intervalMs) {
    yield candleOf(coin, emptyBar(openAt), 'empty', 0)
  }
}
