/** The live feed over the real ccxt, against exchanges that speak Binance's and Kraken's own formats over loopback. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Coin, parseCoin } from '../../../streams/coin.ts'
import { Exchange } from '../../exchange/exchange.ts'
import { liveFeedOf, Record, until } from '../../exchange/record.ts'

const venues = [
  { source: 'binance', coin: parseCoin('BTC/USDT') as Coin, other: parseCoin('ETH/USDT') as Coin },
  { source: 'kraken', coin: parseCoin('BTC/USD') as Coin, other: parseCoin('ETH/USD') as Coin },
] as const

for (const { source, coin, other } of venues) {
  test(`${source}: trades before and after the start arrive once, over one socket`, async (t) => {
    const exchange = await Exchange.start(source, [coin, other])
    const start = Date.now()
    exchange.market(coin).generate(start - 600_000, start - 1_000, 200)
    const feed = await liveFeedOf({ source, urls: exchange.urls })
    t.after(() => {
      feed.close()
      return exchange.close()
    })
    const record = new Record(feed, coin, start - 600_000)
    const second = new Record(feed, other, start)
    await until(() => record.of('connected').length === 1, 'connected')
    await until(() => second.of('connected').length === 1, 'connected')
    for (let i = 0; i < 50; i++) {
      exchange.trade(coin, { price: 100 + i, size: 1 })
      exchange.trade(other, { price: 10 + i, size: 2 })
    }
    await record.hears(exchange.market(coin).deals)
    await second.hears(exchange.market(other).deals)
    assert.equal(exchange.connections, 1)
    assert.equal(record.of('gap').length, 0)
  })
}
