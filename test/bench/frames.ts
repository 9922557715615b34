/**
 * What it costs to get trades out of an exchange's JSON frames: `JSON.parse` alone, our way from the frames' text to checked
 * and deduplicated bundles, and ccxt's way from the text to the place where it keeps the trade. One core, no socket. A live
 * feed pays ccxt's parsing and our reading: ccxt holds the socket, and quotes long numbers in each text before it parses it.
 */
import { pathToFileURL } from 'node:url'
import { ccxtOf } from '../../streams/feeds/ccxt.ts'
import type { CcxtExchange } from '../../streams/feeds/live/ccxt/exchange.ts'
import type { TradeSink } from '../../streams/feeds/live/ccxt/frames.ts'
import { type Quirks, quirksOf } from '../../streams/feeds/live/ccxt/quirks.ts'
import { Intake } from '../../streams/feeds/live/intake.ts'
import { TradesBuilder } from '../../streams/trade.ts'
import { binance } from '../exchange/binance.ts'
import { Exchange } from '../exchange/exchange.ts'
import { kraken } from '../exchange/kraken.ts'
import type { Figure } from './figure.ts'

const coinsCount = 50
const framesCount = 100_000
/** A read of a busy socket is 64 KiB: the frames that come together leave together. */
const chunkFrames = 400
const rounds = 5

const venues = [
  { source: 'binance', dialect: binance, quote: 'USDT' },
  { source: 'kraken', dialect: kraken, quote: 'USD' },
] as const

export async function benchFrames(): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const { source, dialect, quote } of venues) {
    const coins = Array.from({ length: coinsCount }, (_, i) => `C${i}/${quote}`)
    const exchange = await Exchange.start(source, coins)
    const frames = framesOf(exchange, coins, dialect)
    const { make } = await ccxtOf({ source, urls: exchange.urls, rateLimitMs: 1 })
    const ccxt = make()
    await ccxt.loadMarkets()
    const quirks = quirksOf(source)
    const names = coins.map((coin) => quirks.frames?.symbol(ccxt.markets?.[coin] as never) ?? coin)
    const [parse, ours, live, theirs] = alternate([
      () => parsed(frames),
      () => bundled(frames, names, quirks, JSON.parse),
      () => bundled(frames, names, quirks, parsedByCcxt),
      () => digested(frames, coins, ccxt),
    ]) as [number, number, number, number]
    const perSecond = (micros: number): number => Math.round(1e6 / micros)
    const adds = Number((theirs - parse).toFixed(2))
    figures.push(
      { name: `${source}: JSON.parse alone`, value: perSecond(parse), unit: 'trades/s' },
      { name: `${source}: frames to bundles`, value: perSecond(ours), unit: 'trades/s' },
      {
        name: `${source}: frames to bundles against JSON.parse alone`,
        value: Number((parse / ours).toFixed(2)),
        unit: 'ratio',
        limit: { atLeast: 0.5 },
      },
      {
        name: `${source}: frames to bundles behind ccxt's parsing`,
        value: perSecond(live),
        unit: 'trades/s',
      },
      { name: `${source}: frames through ccxt`, value: perSecond(theirs), unit: 'trades/s' },
      { name: `${source}: what ccxt adds to JSON.parse`, value: adds, unit: 'µs/trade' },
    )
    await ccxt.fetchDispatcher?.destroy()
    await exchange.close()
  }
  return figures
}

function framesOf(
  exchange: Exchange,
  coins: readonly string[],
  dialect: typeof binance,
): readonly string[] {
  const perCoin = framesCount / coinsCount
  const from = Date.now() - 3_600_000
  const texts: string[] = []
  for (let i = 0; i < perCoin; i++) {
    for (const coin of coins) {
      const market = exchange.market(coin)
      const deal = market.add({ at: from + i * 10, price: 100 + Math.sin(i), size: 1 + (i % 7) })
      texts.push(dialect.frame(market, [deal], '/ws')[0] as string)
    }
  }
  return texts
}

function parsed(frames: readonly string[]): number {
  let kept = 0
  for (const text of frames) kept += JSON.parse(text) === null ? 0 : 1
  return kept
}

/** What ccxt's client does with each text. */
function parsedByCcxt(text: string): unknown {
  return JSON.parse(text.replace(/:(\d{15,}),/g, ':"$1",'))
}

function bundled(
  frames: readonly string[],
  names: readonly string[],
  quirks: Quirks,
  parse: (text: string) => unknown,
): number {
  const bundles = new Map(names.map((name) => [name, new TradesBuilder()]))
  const intakes = new Map(names.map((name) => [name, new Intake(quirks.sequential, () => {})]))
  const now = Date.now()
  let passed = 0
  const fed = new Set<string>()
  const take: TradeSink = (symbol, at, id, price, size, side) => {
    bundles.get(symbol)?.push(at, id, price, size, side)
    fed.add(symbol)
  }
  for (let i = 0; i < frames.length; i++) {
    quirks.frames?.read(parse(frames[i] as string), take)
    if (i % chunkFrames !== chunkFrames - 1 && i !== frames.length - 1) continue
    for (const name of fed) {
      const trades = (bundles.get(name) as TradesBuilder).take()
      passed += (intakes.get(name) as Intake).pass(trades, now, now).length
    }
    fed.clear()
  }
  return passed
}

/** As ccxt's own socket does with each message, into caches that only count. */
function digested(frames: readonly string[], coins: readonly string[], ccxt: CcxtExchange): number {
  let kept = 0
  class Counter extends Array {
    append(): void {
      kept += 1
    }
  }
  for (const coin of coins) ccxt.trades[coin] = new Counter()
  const client = { url: 'ws://localhost/stream/ws', subscriptions: {}, resolve: () => {} }
  for (const text of frames) ccxt.handleMessage(client, parsedByCcxt(text))
  return kept
}

/** Microseconds a frame, the fastest of several rounds in turn: what disturbs a shared machine only ever makes it slower. */
function alternate(ways: readonly (() => number)[]): number[] {
  const best = ways.map(() => Number.POSITIVE_INFINITY)
  for (let round = 0; round < rounds; round++) {
    ways.forEach((way, i) => {
      const start = performance.now()
      const count = way()
      const micros = ((performance.now() - start) * 1000) / framesCount
      if (count !== framesCount) throw new Error(`${count} of ${framesCount} trades came out`)
      best[i] = Math.min(best[i] as number, micros)
    })
  }
  return best
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.table(await benchFrames())
}
