/** A market's candles as a dataset takes them: one for every interval, in order, with what was never stored as missing. */
import type { Candle } from '../../streams/candles/candle.ts'
import { candleOf, missingBar } from '../../streams/candles/fold.ts'
import type { Coin } from '../../streams/coin.ts'
import type { Millis } from '../../streams/time.ts'
import type { PriceColumns } from '../label.ts'

/** Takes pages of candles one after the other and closes the holes between them. */
export class Consecutive {
  /** Candles that came again, or too late for their place. */
  repeated = 0
  readonly #coin: Coin
  readonly #intervalMs: Millis
  #next: Millis | undefined

  /** Without `from` it begins with the first candle that comes. */
  constructor(coin: Coin, intervalMs: Millis, from?: Millis) {
    this.#coin = coin
    this.#intervalMs = intervalMs
    this.#next = from
  }

  take(page: readonly Candle[]): readonly Candle[] {
    const first = page[0]
    if (first && this.#isWhole(page, first.openAt)) {
      this.#next = first.openAt + page.length * this.#intervalMs
      return page
    }
    const out: Candle[] = []
    for (const candle of page) {
      const next = this.#next ?? candle.openAt
      if (candle.openAt < next) {
        this.repeated++
        continue
      }
      for (const missing of this.until(candle.openAt)) out.push(missing)
      out.push(candle)
      this.#next = candle.openAt + this.#intervalMs
    }
    return out
  }

  /** What is missing before `to`. */
  until(to: Millis): readonly Candle[] {
    const missing: Candle[] = []
    for (let at = this.#next ?? to; at < to; at += this.#intervalMs)
      missing.push(candleOf(this.#coin, missingBar(at), 0))
    this.#next = Math.max(to, this.#next ?? to)
    return missing
  }

  #isWhole(page: readonly Candle[], firstAt: Millis): boolean {
    const lastAt = page.at(-1)?.openAt as Millis
    const startsHere = this.#next === undefined || this.#next === firstAt
    return startsHere && lastAt - firstAt === (page.length - 1) * this.#intervalMs
  }
}

/** Prices by candle, and what else labels and checks ask of the past; 33 bytes a candle. */
export interface Prices extends PriceColumns {
  readonly from: Millis
  readonly length: number
  /** 1 where a candle has changed after it had closed. */
  readonly corrected: Uint8Array
  readonly repeated: number
}

export async function readPrices(
  coin: Coin,
  intervalMs: Millis,
  range: { readonly from: Millis; readonly to: Millis },
  pages: AsyncIterable<readonly Candle[]>,
): Promise<Prices> {
  const n = Math.max(0, Math.round((range.to - range.from) / intervalMs))
  const [close, high, low] = [n, n, n].map((it) => new Float64Array(it).fill(Number.NaN)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ]
  const corrected = new Uint8Array(n)
  const line = new Consecutive(coin, intervalMs, range.from)
  let carried = Number.NaN
  const put = (candle: Candle): void => {
    const i = (candle.openAt - range.from) / intervalMs
    if (candle.state === 'missing') carried = Number.NaN
    else if (candle.state !== 'empty') carried = candle.close
    close[i] = carried
    high[i] = candle.state === 'empty' ? carried : candle.high
    low[i] = candle.state === 'empty' ? carried : candle.low
    corrected[i] = candle.revision > 0 ? 1 : 0
  }
  for await (const page of pages) line.take(page).forEach(put)
  line.until(range.to).forEach(put)
  return { close, high, low, corrected, from: range.from, length: n, repeated: line.repeated }
}
