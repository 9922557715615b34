/** The market behind the stand-in: the trades that really happened, and nothing about who was told of them. */
import { randomFrom } from '../../streams/random.ts'

/** One trade as an exchange records it; numbers are text, as exchanges send them. */
export interface Deal {
  readonly id: number
  readonly at: number
  /** Microseconds within the millisecond, 0 to 999. */
  readonly micros: number
  readonly price: string
  readonly size: string
  readonly side: 'buy' | 'sell'
  /** How many orders it went through: Binance aggregates them. */
  readonly fills: number
}

export interface Kline {
  readonly openAt: number
  readonly deals: readonly Deal[]
}

export class Market {
  readonly coin: string
  readonly deals: Deal[] = []
  delisted = false
  halted = false
  /** Trades before it are told to nobody any more; its candles are. */
  forgottenTo = 0
  #firstId: number

  constructor(coin: string, firstId = 1000) {
    this.coin = coin
    this.#firstId = firstId
  }

  get remembered(): readonly Deal[] {
    return this.deals.filter(({ at }) => at >= this.forgottenTo)
  }

  add(deal: { at: number; price: number; size: number; side?: 'buy' | 'sell' }): Deal {
    const id = this.#firstId + this.deals.length
    const done: Deal = {
      id,
      at: deal.at,
      micros: (id * 373) % 1000,
      price: deal.price.toFixed(2),
      size: deal.size.toFixed(8),
      side: deal.side ?? (id % 3 === 0 ? 'sell' : 'buy'),
      fills: 1 + (id % 3),
    }
    this.deals.push(done)
    return done
  }

  /** A seeded stretch of trades in `[from, to)`, `everyMs` apart on average. */
  generate(from: number, to: number, everyMs: number, seed = 'market'): void {
    const random = randomFrom(`${seed} ${this.coin} ${from}`)
    let price = Number(this.deals.at(-1)?.price ?? 100 + 1000 * random.uniform())
    for (let at = from; ; ) {
      at += Math.ceil(-Math.log(1 - random.uniform()) * everyMs)
      if (at >= to) return
      price *= Math.exp(random.normal() * 1e-4)
      const size = 0.0001 + random.uniform()
      this.add({ at, price, size, side: random.uniform() < 0.5 ? 'buy' : 'sell' })
    }
  }

  /** Of every interval from the first trade's to `to`, without trades or with. */
  klines(from: number, to: number, intervalMs: number): readonly Kline[] {
    const byOpening = new Map<number, Deal[]>()
    for (const deal of this.deals) {
      const openAt = deal.at - (deal.at % intervalMs)
      const deals = byOpening.get(openAt)
      if (deals === undefined) byOpening.set(openAt, [deal])
      else deals.push(deal)
    }
    const first = Math.min(...byOpening.keys())
    const lines: Kline[] = []
    const begin = Math.max(first, Math.ceil(from / intervalMs) * intervalMs)
    for (let openAt = begin; openAt <= to; openAt += intervalMs) {
      lines.push({ openAt, deals: byOpening.get(openAt) ?? [] })
    }
    return lines
  }
}

export interface Bar {
  readonly open: string
  readonly high: string
  readonly low: string
  readonly close: string
  readonly volume: number
  readonly quoteVolume: number
  readonly takerBuyVolume: number
  readonly fills: number
}

/** An interval without trades repeats the close before it, as exchanges do. */
export function barOf(line: Kline, closeBefore: string): Bar {
  const { deals } = line
  const prices = deals.map((deal) => Number(deal.price))
  const sum = (of: (deal: Deal) => number): number => deals.reduce((all, deal) => all + of(deal), 0)
  return {
    open: deals[0]?.price ?? closeBefore,
    high: deals.length > 0 ? Math.max(...prices).toFixed(2) : closeBefore,
    low: deals.length > 0 ? Math.min(...prices).toFixed(2) : closeBefore,
    close: deals.at(-1)?.price ?? closeBefore,
    volume: sum((deal) => Number(deal.size)),
    quoteVolume: sum((deal) => Number(deal.size) * Number(deal.price)),
    takerBuyVolume: sum((deal) => (deal.side === 'buy' ? Number(deal.size) : 0)),
    fills: sum((deal) => deal.fills),
  }
}
