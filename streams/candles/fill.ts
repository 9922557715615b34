/** History as a source gives it leaves out what had no trades; here every interval gets its row, and those are `empty`. */
import type { Coin } from '../coin.ts'
import type { Millis } from '../time.ts'
import type { Candle } from './candle.ts'
import { candleOf, emptyBar, missingBar } from './fold.ts'

const missingPage = 1_000

/**
 * Every interval of `[from, to)` where the source is known to tell of the market from `from` on, which `existed` then;
 * otherwise from the first candle in `pages` on, because a market may be younger than the question, and a source may keep
 * less than it was asked for.
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

/** Every interval of `[from, to)`, in pages, where nobody has told yet what was traded. */
export function* missingCandles(
  coin: Coin,
  intervalMs: Millis,
  from: Millis,
  to: Millis,
): Generator<readonly Candle[]> {
  for (let pageFrom = from; pageFrom < to; pageFrom += missingPage * intervalMs) {
    const count = Math.min(missingPage, Math.ceil((to - pageFrom) / intervalMs))
    yield Array.from({ length: count }, (_, i) =>
      candleOf(coin, missingBar(pageFrom + i * intervalMs), 0),
    )
  }
}

function* empties(coin: Coin, intervalMs: Millis, from: Millis, to: Millis): Generator<Candle> {
  for (let openAt = from; openAt < to; openAt += intervalMs) {
    yield candleOf(coin, emptyBar(openAt), 0)
  }
}
