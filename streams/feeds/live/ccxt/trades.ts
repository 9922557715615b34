/** Trades as ccxt unifies them, into columns. What is not a number here is refused by whoever takes the bundle. */
import { type Trades, TradesBuilder } from '../../../trade.ts'
import type { CcxtTrade, Quirks } from './quirks.ts'
import { tradeId } from './trade-id.ts'

export function columns(trades: readonly CcxtTrade[], quirks: Quirks): Trades {
  const bundle = new TradesBuilder()
  for (const trade of trades) pushTrade(bundle, trade, quirks)
  return bundle.take()
}

export function pushTrade(bundle: TradesBuilder, trade: CcxtTrade, quirks: Quirks): void {
  const at = quirks.at(trade)
  const price = trade.price ?? Number.NaN
  const size = trade.amount ?? Number.NaN
  const side = trade.side === 'buy' ? 1 : trade.side === 'sell' ? -1 : 0
  bundle.push(at, tradeId(trade.id, `${at} ${price} ${size} ${side}`), price, size, side)
}

export function byTimeAndName(quirks: Quirks): (a: CcxtTrade, b: CcxtTrade) => number {
  return (a, b) => quirks.at(a) - quirks.at(b) || tradeId(a.id, '') - tradeId(b.id, '')
}
