/** Binance spot: `/api/v3` and the raw and combined streams of aggregate trades. */
import type { Answer, Dialect } from './dialect.ts'
import { barOf, type Deal, type Market } from './market.ts'

const pageMax = 1000
const intervals: Readonly<Record<string, number>> = { '1m': 60_000, '1h': 3_600_000 }

export const binance: Dialect = {
  wsPath: '/stream',
  rest,
  greeting: () => [],
  heartbeat: () => undefined,
  hear: (message, markets) => {
    const params = Array.isArray(message.params) ? message.params.map(String) : []
    const names = params.map((name) => name.split('@')[0])
    const subscribed = markets.filter((market) => names.includes(idOf(market).toLowerCase()))
    const reply = JSON.stringify({ result: null, id: message.id })
    return { subscribed: subscribed.map((market) => market.coin), replies: [reply] }
  },
  frame: (market, deals, path) =>
    deals.map((deal) => {
      const data = aggregate(market, deal)
      const combined = path.includes('streams=')
      const stream = `${idOf(market).toLowerCase()}@aggTrade`
      return JSON.stringify(combined ? { stream, data } : data)
    }),
}

function rest(
  path: string,
  query: URLSearchParams,
  markets: readonly Market[],
  now: number,
): Answer {
  const name = path.replace('/api/v3/', '')
  if (name === 'time') return ok({ serverTime: now })
  if (name === 'exchangeInfo') {
    const symbols = markets.filter((market) => !market.delisted).map(symbolInfo)
    return ok({ timezone: 'UTC', serverTime: now, rateLimits: [], exchangeFilters: [], symbols })
  }
  const market = markets.find((one) => idOf(one) === query.get('symbol') && !one.delisted)
  if (market === undefined) return { status: 400, body: { code: -1121, msg: 'Invalid symbol.' } }
  if (name === 'aggTrades') return ok(page(market, query).map((deal) => restAggregate(deal)))
  if (name === 'trades') return ok(market.remembered.slice(-500).map(restTrade))
  if (name === 'klines') return ok(klines(market, query, now))
  return { status: 404, body: { code: -1000, msg: `unknown ${path}` } }
}

function page(market: Market, query: URLSearchParams): readonly Deal[] {
  const limit = Math.min(Number(query.get('limit') ?? 500), pageMax)
  const fromId = query.get('fromId')
  if (fromId !== null) {
    return market.remembered.filter((deal) => deal.id >= Number(fromId)).slice(0, limit)
  }
  const start = Number(query.get('startTime') ?? 0)
  const end = Number(query.get('endTime') ?? Number.MAX_SAFE_INTEGER)
  if (!query.has('startTime')) return market.remembered.slice(-limit)
  return market.remembered.filter((deal) => deal.at >= start && deal.at <= end).slice(0, limit)
}

function klines(market: Market, query: URLSearchParams, now: number): unknown[] {
  const limit = Math.min(Number(query.get('limit') ?? 500), pageMax)
  const intervalMs = intervals[query.get('interval') ?? '1m'] as number
  const from = Number(query.get('startTime') ?? now - limit * intervalMs)
  let before = market.deals[0]?.price ?? '0'
  return market
    .klines(from, Math.min(now, from + limit * intervalMs - 1), intervalMs)
    .slice(0, limit)
    .map((line) => {
      const bar = barOf(line, before)
      before = bar.close
      return [
        ...[line.openAt, bar.open, bar.high, bar.low, bar.close, bar.volume.toFixed(8)],
        ...[line.openAt + intervalMs - 1, bar.quoteVolume.toFixed(8), bar.fills],
        ...[bar.takerBuyVolume.toFixed(8), '0.00000000', '0'],
      ]
    })
}

function restAggregate(deal: Deal): Record<string, unknown> {
  const first = deal.id * 10
  return {
    ...{ a: deal.id, p: deal.price, q: deal.size, f: first, l: first + deal.fills - 1 },
    ...{ T: deal.at, m: deal.side === 'sell', M: true },
  }
}

function aggregate(market: Market, deal: Deal): unknown {
  return { e: 'aggTrade', E: deal.at + 1, s: idOf(market), ...restAggregate(deal) }
}

function restTrade(deal: Deal): unknown {
  const quoteQty = (Number(deal.price) * Number(deal.size)).toFixed(8)
  return {
    ...{ id: deal.id * 10, price: deal.price, qty: deal.size, quoteQty, time: deal.at },
    ...{ isBuyerMaker: deal.side === 'sell', isBestMatch: true },
  }
}

function idOf(market: Market): string {
  return market.coin.replace('/', '')
}

function symbolInfo(market: Market): unknown {
  const [baseAsset, quoteAsset] = market.coin.split('/')
  return {
    ...{ symbol: idOf(market), status: market.halted ? 'BREAK' : 'TRADING', baseAsset, quoteAsset },
    ...{ baseAssetPrecision: 8, quotePrecision: 8, quoteAssetPrecision: 8 },
    ...{ orderTypes: ['LIMIT', 'MARKET'], isSpotTradingAllowed: true, permissions: ['SPOT'] },
    filters: [
      { filterType: 'PRICE_FILTER', minPrice: '0.01', maxPrice: '1000000.00', tickSize: '0.01' },
      { filterType: 'LOT_SIZE', minQty: '0.00001', maxQty: '9000.0', stepSize: '0.00001' },
    ],
  }
}

function ok(body: unknown): Answer {
  return { status: 200, body }
}
