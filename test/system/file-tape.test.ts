/**
 * A file as the market: one that has no past, and ends. Whoever follows it has answered every candle of it by then, and
 * the same after a restart at its end.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { iso, minuteMs } from '../../streams/time.ts'
import {
  assertContinuity,
  type DrivenDaemon,
  type House,
  house,
  starling,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { until } from '../support/until.ts'

const start = Date.UTC(2026, 0, 1)
const rows = 120

interface CoinBody {
  readonly coin: string
  readonly lastCandleAt: string
  readonly candles: number
}

/** Two hours of candles, as fast as they go, for the coins that are named here: or else for the default ones. */
function houseOf(t: TestContext, coins: string): House {
  const at = house(t)
  const file = join(dirname(at.config), 'candles.csv')
  const lines = Array.from({ length: rows }, (_, i) => {
    const open = 100 + Math.sin(i / 7)
    return [start + i * minuteMs, open, open + 1, open - 1, open + 0.5, 1 + (i % 5)].join(',')
  })
  writeFileSync(file, ['open_time,open,high,low,close,volume', ...lines].join('\n'))
  writeFileSync(
    at.config,
    `market: { source: tape, ${coins} tape: { file: ${JSON.stringify(file)}, speed: 1000000000 } }
fleet: { families: { linear: {}, volatility: { horizon: 60m } } }
api: { port: 0 }
`,
  )
  return at
}

/** BTC/USDT, whose market the file is, has come to its end and is answered. */
async function playedWhole(daemon: DrivenDaemon): Promise<void> {
  const last = iso(start + (rows - 1) * minuteMs)
  await until(
    'the file has been played to its end',
    async () => {
      const coins = await daemon.get<readonly CoinBody[]>('/api/v1/coins')
      return coins.find(({ coin }) => coin === 'BTC/USDT')?.lastCandleAt === last
    },
    30_000,
  )
  const coins = await daemon.get<readonly CoinBody[]>('/api/v1/coins')
  assert.deepEqual(
    coins.map(({ coin, candles }) => [coin, candles]),
    [['BTC/USDT', rows]],
  )
  await assertContinuity(daemon)
}

test('a file is played from its first candle to its last, and a restart finds all of it explained', async (t) => {
  const at = houseOf(t, 'coins: [BTC/USDT],')
  const first = await startDaemon(t, at)
  await playedWhole(first)
  assert.equal((await first.end('SIGINT')).code, 0)
  await playedWhole(await startDaemon(t, at))
})

test('of the default coins the file is the first one: it is played, the other is not followed and not added', async (t) => {
  const daemon = await startDaemon(t, houseOf(t, ''))
  await playedWhole(daemon)
  assert.match(daemon.output(), /the tape has no ETH\/USDT: not followed/)
  const { code, err } = starling('coins', 'add', 'ETH/USDT', '--data', daemon.house.data)
  assert.deepEqual([code, err], [1, 'starling: the source does not have ETH/USDT\n'])
  await assertContinuity(daemon)
})
