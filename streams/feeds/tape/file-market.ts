/**
 * A market from a file of trades or candles, whole in memory: it must be played from anywhere, and compressed text cannot
 * be. 33 bytes a trade, so the limit is 660 MB; larger ones are for `import`, or to be cut.
 */
import { TradeLog } from '../../candles/trade-log.ts'
import type { Coin } from '../../coin.ts'
import { Fault } from '../../fault.ts'
import { repeated, tradesMax } from '../../files/in-order.ts'
import { contentHash, type MarketFile, openMarketFile } from '../../files/market-file.ts'
import type { Bars } from '../../files/pages.ts'
import { floorTo, type Millis, minuteMs } from '../../time.ts'
import { rowAt, sliceTrades, type Trades, TradesBuilder } from '../../trade.ts'
import { pushCandleTrades, volumeMin } from './candle-trades.ts'
import type { TapeMarket } from './market.ts'

export async function fileMarket(options: {
  readonly path: string
  /** Whose market the file is. */
  readonly coin: Coin
  readonly intervalMs?: Millis
}): Promise<TapeMarket> {
  const { path, coin, intervalMs = minuteMs } = options
  const hash = await contentHash(path)
  const file = await openMarketFile(path, { intervalMs, coin })
  const log = new TradeLog()
  for await (const trades of tradesOf(file, intervalMs)) {
    const { length } = log
    log.put(trades)
    if (file.kind === 'candles' && log.length - length < trades.length) throw repeated(path)
    if (log.length > tradesMax) throw tooLarge(path)
  }
  if (log.length === 0) throw new Fault('file.empty', `${path}: found no trades, expected rows`)
  const all = exactly(log)
  const firstAt = floorTo(all.at[0]!, intervalMs)
  const endAt = floorTo(all.at[all.length - 1]!, intervalMs) + intervalMs
  const saysWho = all.side.every((side) => side !== 0)
  return {
    name: `tape-file-${hash.slice(0, 12)}`,
    startAt: firstAt,
    tells: { takerBuyVolume: saysWho, trades: file.kind === 'trades' },
    span: (asked) => (asked === coin ? { from: firstAt, to: endAt } : undefined),
    *trades(asked, from, to) {
      if (asked !== coin) return
      const trades = sliceTrades(all, rowAt(all, from), rowAt(all, to))
      if (trades.length > 0) yield trades
    },
  }
}

async function* tradesOf(file: MarketFile, intervalMs: Millis): AsyncGenerator<Trades> {
  if (file.kind === 'trades') yield* file.pages()
  else for await (const bars of file.pages()) yield played(bars, intervalMs)
}

/** Rows without volume are minutes without trades, as far as the file knows: left out, they come back as `empty` candles. */
function played(bars: Bars, intervalMs: Millis): Trades {
  const builder = new TradesBuilder(4 * bars.length)
  for (let i = 0; i < bars.length; i++) {
    const openAt = bars.openAt[i]!
    const volume = bars.volume[i]!
    if (!(volume >= volumeMin)) continue
    const [open, high] = [bars.open[i]!, bars.high[i]!]
    const [low, close] = [bars.low[i]!, bars.close[i]!]
    pushCandleTrades(builder, { openAt, open, high, low, close, volume }, intervalMs)
  }
  return builder.take()
}

/** Without the room to grow. */
function exactly({ length, at, id, price, size, side }: TradeLog): Trades {
  return {
    length,
    at: at.subarray(0, length),
    id: id.subarray(0, length),
    price: price.subarray(0, length),
    size: size.subarray(0, length),
    side: side.subarray(0, length),
  }
}

function tooLarge(path: string): Fault {
  const message = `${path}: found more than ${tradesMax} trades, which is what a tape holds in memory; import it, or cut it`
  return new Fault('file.too_large', message)
}
