/** Kraken: `/0/public` and version 2 of the socket's trade channel. */
import type { Answer, Dialect } from './dialect.ts'
import { barOf, type Deal, type Market } from './market.ts'

const tradesMax = 1000
/** However far back one asks, the newest 720 candles are all there are. */
const candlesMax = 720

export const kraken: Dialect = {
  wsPath: '',
  rest,
  greeting: () => [
    JSON.stringify({
      channel: 'status',
      type: 'update',
      data: [{ api_version: 'v2', connection_id: 1, system: 'online', version: '2.0.10' }],
    }),
  ],
  heartbeat: () => '{"channel":"heartbeat"}',
  hear,
  frame: (market, deals) => [
    JSON.stringify({ channel: 'trade', type: 'update', data: deals.map((d) => pushed(market, d)) }),
  ],
}

function hear(
  message: Readonly<Record<string, unknown>>,
  markets: readonly Market[],
): ReturnType<Dialect['hear']> {
  const time = new Date(0).toISOString()
  const about = { req_id: message.req_id, time_in: time, time_out: time }
  if (message.method === 'ping') {
    return { subscribed: [], replies: [JSON.stringify({ method: 'pong', ...about })] }
  }
  const params = (message.params ?? {}) as { symbol?: readonly string[] }
  const subscribed: string[] = []
  const replies = (params.symbol ?? []).map((symbol) => {
    if (!markets.some((market) => market.coin === symbol && !market.delisted)) {
      const error = `Currency pair not supported ${symbol}`
      return JSON.stringify({ error, method: 'subscribe', success: false, symbol, ...about })
    }
    subscribed.push(symbol)
    const result = { channel: 'trade', snapshot: false, symbol }
    return JSON.stringify({ method: 'subscribe', result, success: true, ...about })
  })
  return { subscribed, replies }
}

function rest(
  path: string,
  query: URLSearchParams,
  markets: readonly Market[],
  now: number,
): Answer {
  const name = path.replace('/0/public/', '')
  const listed = markets.filter((market) => !market.delisted)
  if (name === 'Time') {
    const unixtime = Math.floor(now / 1000)
    return ok({ unixtime, rfc1123: new Date(now).toUTCString() })
  }
  if (name === 'Assets') return ok(assets(listed))
  if (name === 'AssetPairs') {
    return ok(Object.fromEntries(listed.map((market) => [idOf(market), pair(market)])))
  }
  const market = listed.find((one) => idOf(one) === query.get('pair'))
  if (market === undefined) return { status: 200, body: { error: ['EQuery:Unknown asset pair'] } }
  if (name === 'Trades') return ok(trades(market, query))
  if (name === 'OHLC') return ok(candles(market, query, now))
  return { status: 200, body: { error: ['EGeneral:Unknown method'] } }
}

function trades(market: Market, query: URLSearchParams): unknown {
  const told = query.get('since') ?? '0'
  // Seconds are understood as well as nanoseconds.
  const since = told.length < 13 ? BigInt(told) * 1_000_000_000n : BigInt(told)
  const count = Math.min(Number(query.get('count') ?? tradesMax), tradesMax)
  const page = market.remembered
    .toSorted((a, b) => microsOf(a) - microsOf(b))
    .filter((deal) => BigInt(microsOf(deal)) * 1000n > since)
    .slice(0, count)
  const last = page.at(-1)
  return {
    [idOf(market)]: page.map((deal) => [
      ...[deal.price, deal.size, microsOf(deal) / 1e6],
      ...[deal.side === 'buy' ? 'b' : 's', 'm', '', deal.id],
    ]),
    last: last === undefined ? told : `${microsOf(last)}000`,
  }
}

function candles(market: Market, query: URLSearchParams, now: number): unknown {
  const intervalMs = Number(query.get('interval') ?? 1) * 60_000
  const since = Number(query.get('since') ?? 0) * 1000
  let before = market.deals[0]?.price ?? '0'
  const rows = market.klines(0, now, intervalMs).map((line) => {
    const bar = barOf(line, before)
    before = bar.close
    const vwap = bar.volume === 0 ? bar.close : (bar.quoteVolume / bar.volume).toFixed(2)
    const { open, high, low, close, volume } = bar
    const count = line.deals.length
    return [line.openAt / 1000, open, high, low, close, vwap, volume.toFixed(8), count]
  })
  const newest = rows.slice(-candlesMax).filter((row) => Number(row[0]) * 1000 > since)
  return { [idOf(market)]: newest, last: newest.at(-2)?.[0] ?? 0 }
}

function pushed(market: Market, deal: Deal): unknown {
  const second = new Date(deal.at).toISOString().slice(0, -1)
  return {
    ...{ symbol: market.coin, side: deal.side, price: Number(deal.price), qty: Number(deal.size) },
    ...{ ord_type: 'market', trade_id: deal.id },
    timestamp: `${second}${String(deal.micros).padStart(3, '0')}Z`,
  }
}

function microsOf(deal: Deal): number {
  return deal.at * 1000 + deal.micros
}

const names: Readonly<Record<string, string>> = { BTC: 'XXBT', ETH: 'XETH', USD: 'ZUSD' }

function assetOf(code: string): string {
  return names[code] ?? code
}

function altOf(code: string): string {
  return code === 'BTC' ? 'XBT' : code
}

function sides(market: Market): [string, string] {
  return market.coin.split('/') as [string, string]
}

function idOf(market: Market): string {
  const [base, quote] = sides(market)
  return assetOf(base) + assetOf(quote)
}

function assets(markets: readonly Market[]): unknown {
  const codes = new Set(markets.flatMap((market) => sides(market)))
  return Object.fromEntries(
    [...codes].map((code) => [
      assetOf(code),
      {
        aclass: 'currency',
        altname: altOf(code),
        decimals: 10,
        display_decimals: 5,
        status: 'enabled',
      },
    ]),
  )
}

function pair(market: Market): unknown {
  const [base, quote] = sides(market)
  return {
    ...{ altname: altOf(base) + altOf(quote), wsname: `${altOf(base)}/${altOf(quote)}` },
    ...{ aclass_base: 'currency', base: assetOf(base), aclass_quote: 'currency' },
    ...{ quote: assetOf(quote), lot: 'unit', pair_decimals: 2, lot_decimals: 8 },
    ...{ lot_multiplier: 1, leverage_buy: [], leverage_sell: [], fees: [[0, 0.26]] },
    ...{ fees_maker: [[0, 0.16]], ordermin: '0.0001', costmin: '0.5', tick_size: '0.01' },
    status: market.halted ? 'cancel_only' : 'online',
  }
}

function ok(result: unknown): Answer {
  return { status: 200, body: { error: [], result } }
}
