/** A line over the real ccxt and an exchange on loopback; its timers stand still, so only what the exchange says counts. */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Subject } from 'rxjs'
import { type Coin, parseCoin } from '../../../../streams/coin.ts'
import { ccxtOf } from '../../../../streams/feeds/ccxt.ts'
import { quirksOf } from '../../../../streams/feeds/live/ccxt/quirks.ts'
import { ccxtSocket } from '../../../../streams/feeds/live/ccxt/socket.ts'
import { type CoinEar, Line } from '../../../../streams/feeds/live/line.ts'
import { reconnectBackoff } from '../../../../streams/feeds/reconnect.ts'
import { Exchange } from '../../../exchange/exchange.ts'
import { untilHeard } from '../../../exchange/record.ts'
import { SimulatedClock } from '../../../support/simulated-clock.ts'

const venues = [
  { source: 'binance', coins: ['BTC/USDT', 'ETH/USDT'] },
  { source: 'kraken', coins: ['BTC/USD', 'ETH/USD'] },
] as const

for (const { source, coins } of venues) {
  const [coin, other] = coins.map((name) => parseCoin(name)) as [Coin, Coin]

  async function stage(t: TestContext) {
    const exchange = await Exchange.start(source, coins)
    const { make } = await ccxtOf({ source, urls: exchange.urls, rateLimitMs: 1 })
    const rest = make()
    await rest.loadMarkets()
    const clock = new SimulatedClock()
    const line = new Line({
      ...{ clock, random: () => 0.5, backoff: reconnectBackoff, connectMsMax: 15_000 },
      socket: (ear) => ccxtSocket({ exchange: make(), rest, quirks: quirksOf(source), clock, ear }),
    })
    const said: string[] = []
    const said$ = new Subject<void>()
    const say = (what: string): void => {
      said.push(what)
      said$.next()
    }
    const ear = (name: string): CoinEar => ({
      up: () => say(`${name} up`),
      heard: (trades) => say(`${name} heard ${trades.length}`),
      told: () => say(`${name} told`),
      torn: () => say(`${name} torn`),
      down: (cause) => say(`${name} down: ${cause}`),
      refused: (what, detail) => say(`${name} refused ${what}: ${detail}`),
    })
    t.after(async () => {
      line.remove(coin)
      line.remove(other)
      clock.advance(1_000)
      await rest.fetchDispatcher?.destroy()
      await exchange.close()
    })
    const until = (what: string): Promise<void> =>
      untilHeard(
        said$,
        () => said.includes(what),
        () => `${what}, only ${said}`,
      )
    return { exchange, line, ear, said, until }
  }

  test(`${source}: a coin that is followed anew beside another is heard on the same socket`, async (t) => {
    const { exchange, line, ear, until } = await stage(t)
    line.add(coin, ear('first'))
    line.add(other, ear('other'))
    await until('first up')
    await until('other up')
    line.remove(coin)
    line.add(coin, ear('second'))
    await until('second up')
    exchange.trade(coin, { price: 100, size: 1 })
    await until('second heard 1')
    assert.equal(exchange.connections, 1)
  })

  test(`${source}: so is one that had left before its subscription was acknowledged`, async (t) => {
    const { exchange, line, ear, said, until } = await stage(t)
    line.add(coin, ear('first'))
    line.add(other, ear('other'))
    line.remove(coin)
    await until('other up')
    line.add(coin, ear('second'))
    await until('second up')
    exchange.trade(coin, { price: 100, size: 1 })
    await until('second heard 1')
    assert.ok(!said.includes('first up'))
  })
}
