/**
 * The stand-in as a process: plays a seeded market in real time and takes faults by POST.
 *
 *   node test/exchange/main.ts --venue binance --coins BTC/USDT,ETH/USDT --rate 5 --history 6h --past-rate 0.2 --seed 1 --port 0
 *
 * `--rate` is trades a second and coin from now on, `--past-rate` how many there were before.
 * Prints one line of JSON, `{venue, rest, ws, control}`: `rest` and `ws` are what `market.urls` wants. `GET control` tells the
 * state, `POST control` with one of the orders below changes it, `GET control?coin=C` lists every trade that was made.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { randomFrom } from '../../streams/random.ts'
import { minuteMs, parseDuration } from '../../streams/time.ts'
import { Exchange } from './exchange.ts'
import { obey } from './orders.ts'

const { values } = parseArgs({
  options: {
    venue: { type: 'string', default: 'binance' },
    coins: { type: 'string', default: 'BTC/USDT,ETH/USDT' },
    rate: { type: 'string', default: '5' },
    'past-rate': { type: 'string' },
    history: { type: 'string', default: '2h' },
    seed: { type: 'string', default: '1' },
    port: { type: 'string', default: '0' },
  },
})

const coins = values.coins.split(',')
const perSecond = Number(values.rate)
const pastPerSecond = Number(values['past-rate'] ?? perSecond)
const historyMs = parseDuration(values.history) ?? 120 * minuteMs
const venue = values.venue === 'kraken' ? 'kraken' : 'binance'
const exchange = await Exchange.start(venue, coins, Number(values.port))
const now = exchange.now()
for (const coin of coins) {
  exchange.market(coin).generate(now - historyMs, now, 1000 / pastPerSecond, values.seed)
}

const random = randomFrom(`play ${values.seed}`)
/** Twenty times a second each coin makes the trades that are due; between them it is quiet. */
const tickMs = 50
setInterval(() => {
  for (const coin of coins) {
    const { delisted, halted } = exchange.market(coin)
    if (delisted || halted) continue
    const due = (perSecond * tickMs) / 1000
    let count = Math.floor(due) + (random.uniform() < due % 1 ? 1 : 0)
    for (; count > 0; count--) {
      const last = Number(exchange.market(coin).deals.at(-1)?.price ?? 100)
      const price = Math.max(0.01, last * Math.exp(random.normal() * 1e-4))
      const side = random.uniform() < 0.5 ? 'buy' : 'sell'
      exchange.trade(coin, { price, size: 0.001 + random.uniform(), side })
    }
  }
}, tickMs)

const control = createServer((request, response) => {
  let body = ''
  request.on('data', (part) => {
    body += part
  })
  request.on('end', () => {
    const coin = new URL(request.url ?? '/', 'http://localhost').searchParams.get('coin')
    try {
      if (request.method === 'POST') obey(exchange, JSON.parse(body))
      const { faults, offsetMs, connections, listeners } = exchange
      const state = { faults, offsetMs, connections, listeners, now: exchange.now() }
      response.end(JSON.stringify(coin === null ? state : exchange.market(coin).deals))
    } catch (error) {
      response.writeHead(400).end(`${error}\n`)
    }
  })
})
await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve))
const { port } = control.address() as AddressInfo
console.log(JSON.stringify({ venue, ...exchange.urls, control: `http://127.0.0.1:${port}/` }))
