/**
 * A market that is played: from a seed or a file, at a chosen speed, through the same path as a live one. Its clock moves
 * only with what it has delivered, it waits for the fleet, and its history tells nothing that has not been played yet.
 */
import { Observable } from 'rxjs'
import type { Candle } from '../../candles/candle.ts'
import { foldTrades } from '../../candles/fold.ts'
import type { Coin } from '../../coin.ts'
import { type Clock, dayMs, floorTo, type Millis, minuteMs } from '../../time.ts'
import { rowAt, type Trades } from '../../trade.ts'
import type { Feed, FeedItem, MarketHistory } from '../feed.ts'
import type { Pace } from '../pace.ts'
import { Driver } from './driver.ts'
import type { TapeMarket } from './market.ts'
import { Player } from './player.ts'

export interface TapeOptions {
  readonly market: TapeMarket
  readonly clock: Clock
  /** Market milliseconds in one of the wall: 1, 60, … Infinity for as fast as it goes. */
  readonly speed: number
  readonly graceMs: Millis
  readonly intervalMs?: Millis
  /** Where the market's present is before anything is played: for a resumed market, how far it had come. */
  readonly startAt?: Millis
  /** Whom it waits for; without one it waits for nobody. */
  readonly pace?: Pace
  /** Delays each trade by less than the grace, by this seed: candles must come out the same. */
  readonly shuffleSeed?: number
}

/** Ten deliveries a wall second and coin: five slices, and the ends of candles with their graces. */
const sliceMs = 200

export function tapeFeed(options: TapeOptions): Feed {
  const { market, speed, clock, graceMs, intervalMs = minuteMs, shuffleSeed, pace } = options
  const startAt = options.startAt ?? market.startAt
  const driver = new Driver({ intervalMs, graceMs, speed, clock, pace, startAt, sliceMs })
  const now = (): Millis => driver.present
  return {
    source: 'tape',
    mode: 'tape',
    market: market.name,
    speed,
    now,
    open: (coin, from) =>
      new Observable<FeedItem>((subscriber) => {
        subscriber.next({ type: 'connected', coin })
        const options = { market, coin, from, intervalMs, graceMs, shuffleSeed }
        return driver.join(new Player(options, subscriber))
      }),
    history: historyOf(market, intervalMs, now),
  }
}

function historyOf(market: TapeMarket, intervalMs: Millis, now: () => Millis): MarketHistory {
  return {
    candleColumns: market.tells,
    async earliest(coin, notBefore) {
      const from = market.span(coin)?.from ?? now()
      return Math.max(notBefore, floorTo(from, intervalMs))
    },
    async *trades(coin, from, to) {
      yield* market.trades(coin, from, Math.min(to, now()))
    },
    async *candles(coin, from, to) {
      const until = Math.min(to, floorTo(now(), intervalMs))
      for (let at = from; at < until; at = floorTo(at, dayMs) + dayMs) {
        const pageTo = Math.min(until, floorTo(at, dayMs) + dayMs)
        const page: Candle[] = []
        for (const trades of market.trades(coin, at, pageTo)) {
          foldInto(page, trades, coin, intervalMs, market.tells.trades)
        }
        yield page
      }
    },
  }
}

/** A day's trades are one bundle, or lie whole intervals apart. */
function foldInto(
  page: Candle[],
  trades: Trades,
  coin: Coin,
  intervalMs: Millis,
  countsTrades: boolean,
): void {
  for (let row = 0; row < trades.length; ) {
    const openAt = floorTo(trades.at[row]!, intervalMs)
    const end = rowAt(trades, openAt + intervalMs)
    const bar = foldTrades(trades, row, end, openAt, { countsTrades })
    page.push({ ...bar, coin, state: 'final', revision: 0 })
    row = end
  }
}
