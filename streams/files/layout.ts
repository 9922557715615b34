/**
 * Which column of a file means what. Names differ between exporters; a column whose name says nothing we know is refused:
 * a silently skipped column may have been the one that mattered.
 */
import { Fault } from '../fault.ts'

export type CandleColumn =
  | 'time'
  | 'open'
  | 'high'
  | 'low'
  | 'close'
  | 'volume'
  | 'quoteVolume'
  | 'takerBuyVolume'
  | 'trades'
  | 'state'
  | 'revision'
  | 'coin'
export type TradeColumn = 'time' | 'price' | 'size' | 'side' | 'makerSide' | 'id'

/** Where each column stands, counted from 0. */
export type Layout =
  | { readonly kind: 'candles'; readonly at: Places<CandleColumn> }
  | { readonly kind: 'trades'; readonly at: Places<TradeColumn> }

type Places<C extends string> = { readonly [K in C]?: number }

const timeNames = ['open_time', 'opentime', 'open_at', 'openat', 'timestamp', 'time', 'datetime']
const candleNames: Readonly<Record<CandleColumn, readonly string[]>> = {
  time: [...timeNames, 'date', 'unix', 'at', 'ts'],
  open: ['open', 'o'],
  high: ['high', 'h'],
  low: ['low', 'l'],
  close: ['close', 'c'],
  volume: ['volume', 'vol', 'v', 'base_volume', 'volume_base'],
  quoteVolume: ['quote_volume', 'quotevolume', 'quote_asset_volume', 'volume_quote'],
  takerBuyVolume: ['taker_buy_volume', 'takerbuyvolume', 'taker_buy_base_asset_volume'],
  trades: ['trades', 'count', 'number_of_trades', 'trade_count', 'tradecount'],
  // These are told by our own exports.
  state: ['state'],
  revision: ['revision'],
  coin: ['coin'],
}
const tradeNames: Readonly<Record<TradeColumn, readonly string[]>> = {
  time: [...timeNames, 'date', 'unix', 'at', 'ts', 'transact_time'],
  price: ['price', 'p'],
  size: ['size', 'amount', 'qty', 'quantity', 'volume', 'q'],
  side: ['side', 'taker_side', 'takerside'],
  makerSide: ['is_buyer_maker', 'isbuyermaker'],
  id: ['id', 'trade_id', 'tradeid', 'agg_trade_id', 'tid'],
}
/** Known, and of no use here. */
const knownExtras = ['close_time', 'closetime', 'symbol', 'pair', 'exchange', 'ignore']
const knownTradeExtras = ['coin', 'quote_qty', 'quoteqty', 'cost', 'is_best_match', 'isbestmatch']

/** `where` names the file in messages. */
export function layoutOf(header: readonly string[], where: string): Layout {
  const names = header.map(plain)
  const is = (column: readonly string[]): boolean => names.some((name) => column.includes(name))
  if (is(candleNames.open) && is(candleNames.close)) {
    const needed = ['time', 'open', 'high', 'low', 'close', 'volume'] as const
    return { kind: 'candles', at: place(header, names, candleNames, needed, knownExtras, where) }
  }
  if (is(tradeNames.price)) {
    const needed = ['time', 'price', 'size'] as const
    const extras = [...knownExtras, ...knownTradeExtras]
    return { kind: 'trades', at: place(header, names, tradeNames, needed, extras, where) }
  }
  throw new Fault(
    'file.header',
    `${where}, line 1: found ${quoteAll(header)}, expected a header with open_time, open, high, low, close, volume ` +
      'for candles, or time, price, size (and side, id) for trades',
  )
}

function place<C extends string>(
  header: readonly string[],
  names: readonly string[],
  known: Readonly<Record<C, readonly string[]>>,
  needed: readonly C[],
  extras: readonly string[],
  where: string,
): Places<C> {
  const at: { [K in C]?: number } = {}
  const columns = Object.keys(known) as C[]
  names.forEach((name, i) => {
    const column = columns.find((c) => known[c].includes(name))
    if (column !== undefined && at[column] === undefined) at[column] = i
    else if (column !== undefined) {
      const first = header[at[column] as number]
      throw new Fault(
        'file.header',
        `${where}, line 1: columns "${first}" and "${header[i]}" both look like the ${column}, expected one; take the other out`,
      )
    } else if (!extras.includes(name)) throw unknownColumn(header[i]!, columns, where)
  })
  const lacking = needed.filter((column) => at[column] === undefined)
  if (lacking.length > 0) {
    throw new Fault(
      'file.header',
      `${where}, line 1: found ${quoteAll(header)}, expected also a column for ${lacking.join(', ')}`,
    )
  }
  return at
}

function unknownColumn(name: string, columns: readonly string[], where: string): Fault {
  return new Fault(
    'file.column',
    `${where}, line 1: found the unknown column "${name}", expected one for ${columns.join(', ')}; ` +
      'take it out of the file if it does not matter',
  )
}

function plain(name: string): string {
  return name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s-]+/g, '_')
}

function quoteAll(header: readonly string[]): string {
  const shown = header.slice(0, 20).map((name) => `"${name.slice(0, 40)}"`)
  return shown.join(', ') + (header.length > 20 ? ', …' : '')
}
