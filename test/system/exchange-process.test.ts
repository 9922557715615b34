/** The live feed against a stand-in in a process of its own that trades in real time, while one fault follows the other. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { liveFeedOf, quick, Record } from '../exchange/record.ts'
import { startStandIn } from '../support/daemon/stand-in.ts'

const venues = [
  ['binance', 'BTC/USDT'],
  ['kraken', 'BTC/USD'],
] as const

for (const [venue, name] of venues) {
  test(`${venue}: one fault after another, and every trade arrives once`, async (t) => {
    const coin = parseCoin(name) as Coin
    const exchange = await startStandIn(t, { venue, coins: [coin], rate: 40, history: '10m' })
    const staleness = { limitMsMin: 500, limitMsMax: 500, limitMsUnknown: 500 }
    const feed = await liveFeedOf({
      source: venue,
      urls: exchange.urls,
      limits: { staleness },
      intervalMs: 1000,
    })
    t.after(() => feed.close())
    const from = feed.now() - 60_000
    const record = new Record(feed, coin, from)
    const connected = (times: number) =>
      record.until(() => record.of('connected').length >= times, `connected ${times} times`)
    await connected(1)
    await exchange.tell({ do: 'drop' })
    await connected(2)
    await exchange.tell({ do: 'mute' })
    await connected(3)
    await exchange.tell({ do: 'faults', set: { repeats: 2, shuffle: 7 } })
    await exchange.tell({ do: 'say', text: '{"e":' })
    await exchange.tell({ do: 'past', coin, ms: 30_000 })
    await exchange.tell({ do: 'untold', coin })
    await exchange.tell({ do: 'faults', set: { shuffle: 0 } })
    await exchange.tell({ do: 'shuffled' })
    await exchange.tell({ do: 'faults', set: { rest: { status: 503, times: 3 } } })
    await exchange.tell({ do: 'drop' })
    await connected(4)
    await exchange.tell({ do: 'faults', set: { outage: true } })
    await exchange.tell({ do: 'drop' })
    await exchange.tell({ do: 'pass', coins: [coin], ms: 3_600_000, everyMs: 200 })
    await exchange.tell({ do: 'faults', set: { outage: false } })
    await connected(5)
    await record.until(() => record.mended(), 'every gap has healed')
    exchange.signal('SIGSTOP')
    exchange.signal('SIGCONT')
    const truth = (await exchange.deals(coin)).filter((deal) => deal.at >= from)
    const lost = () => {
      const heard = new Set(record.trades.map(({ id }) => id))
      return truth.filter(({ id }) => !heard.has(id))
    }
    await record.until(
      () => lost().length === 0,
      () => `lost ${JSON.stringify(lost().slice(0, 3))}`,
    )
    const times = new Map(record.trades.map(({ id, at }) => [id, at]))
    assert.equal(times.size, record.trades.length, 'each once')
    for (const { id, at } of truth) assert.equal(times.get(id), at)
    // A trade that the exchange itself reports late cannot have been waited for.
    const timely = truth.filter(({ at }, i) => i === 0 || at > (truth[i - 1]?.at as number) - 1000)
    record.honest(timely, 1000, quick.graceMs as number, from)
    const causes = new Set(record.of('gap').map(({ gap }) => gap.cause))
    assert.ok(causes.has('disconnected') && causes.has('silent'))
  })
}
