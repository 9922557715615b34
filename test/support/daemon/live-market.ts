/** A daemon on a stand-in exchange, and whether its ledger says what really happened there. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { until } from '../until.ts'
import { type House, house, type RunningDaemon } from './daemon.ts'
import { type StandIn, startStandIn, type Venue } from './stand-in.ts'

export const markets: Readonly<Record<Venue, readonly [string, string]>> = {
  binance: ['BTC/USDT', 'ETH/USDT'],
  kraken: ['BTC/USD', 'ETH/USD'],
}

const minuteMs = 60_000

export interface GapRow {
  readonly coin: string
  readonly from: string
  readonly to: string
  readonly cause: string
  readonly healedAt: string | null
}

interface CandleRow {
  readonly openAt: string
  readonly open: number | null
  readonly high: number | null
  readonly low: number | null
  readonly close: number | null
  readonly volume: number
  readonly state: string
}

export interface LiveStage {
  readonly exchange: StandIn
  readonly house: House
  readonly coins: readonly [string, string]
}

/** Kraken's candles end after 12 hours and its questions are one a second: more would take the test's time. */
const pastOf: Readonly<Record<Venue, string>> = { binance: '50h', kraken: '15h' }

/** Ten trades a second and coin from now on, one in five seconds before. */
export async function liveStage(t: TestContext, venue: Venue, more = ''): Promise<LiveStage> {
  const coins = markets[venue]
  const exchange = await startStandIn(t, {
    venue,
    coins,
    rate: 10,
    pastRate: 0.2,
    history: pastOf[venue],
  })
  const { rest, ws } = exchange.urls
  const config = `
market: { source: ${venue}, coins: [${coins}], historyDays: 2, urls: { rest: "${rest}", ws: "${ws}" } }
fleet: { families: { linear: {}, lightgbm: {}, volatility: { horizon: 60m } } }
api: { port: 0 }
${more}`
  return { exchange, house: house(t, config), coins }
}

export async function gaps(daemon: RunningDaemon, coin?: string): Promise<readonly GapRow[]> {
  const query = coin === undefined ? '' : `&coin=${coin.replace('/', '-')}`
  return (await daemon.get<{ items: GapRow[] }>(`/api/v1/gaps?limit=1000${query}`)).items
}

/** There are gaps of this cause since then, and none is open any more. */
export async function healed(daemon: RunningDaemon, cause: string, since: number): Promise<void> {
  let rows: readonly GapRow[] = []
  await until(
    `a gap that is ${cause} has healed`,
    async () => {
      rows = await gaps(daemon)
      const one = rows.some((gap) => gap.cause === cause && Date.parse(gap.to) >= since)
      return one && rows.every(({ healedAt }) => healedAt !== null)
    },
    30_000,
    50,
  ).catch((error) => {
    throw new Error(`${error.message}: ${JSON.stringify(rows)}\n${daemon.output().slice(-2_000)}`)
  })
}

/** Connected, with a trade that was made just now. */
export async function following(daemon: RunningDaemon, coin: string, since: number): Promise<void> {
  type Coin = { coin: string; state: string; lastTradeAt: string | null }
  await until(
    `${coin} is followed`,
    async () => {
      const mine = (await daemon.get<Coin[]>('/api/v1/coins')).find((it) => it.coin === coin)
      return mine?.state === 'live' && Date.parse(mine.lastTradeAt ?? '') > since
    },
    30_000,
    50,
  )
}

/**
 * Every candle from `from` on is what the exchange's own trades make: prices exactly, volumes to the last digits, and a
 * minute without trades is empty. One that closed while trades were late has a moment to be corrected. Answers how many
 * were looked at.
 */
export async function assertTrue(
  stage: LiveStage,
  daemon: RunningDaemon,
  coin: string,
  from: number,
): Promise<number> {
  let wrong: unknown
  const look = (): Promise<number | undefined> =>
    assertTrueNow(stage, daemon, coin, from).catch((error) => {
      wrong = error
      return undefined
    })
  return until('every candle is what was traded', look, 5_000, 250).catch(() => {
    throw wrong
  })
}

async function assertTrueNow(
  { exchange }: LiveStage,
  daemon: RunningDaemon,
  coin: string,
  from: number,
): Promise<number> {
  const path = `/api/v1/coins/${coin.replace('/', '-')}/candles?limit=5000&from=${from}`
  const { items } = await daemon.get<{ items: CandleRow[] }>(path)
  // Afterwards: a candle that closes between the two questions would be of deals that nobody has told here.
  const deals = await exchange.deals(coin)
  for (const candle of items) {
    const openAt = Date.parse(candle.openAt)
    const told = deals
      .filter(({ at }) => at >= openAt && at < openAt + minuteMs)
      .toSorted((a, b) => a.at - b.at || a.id - b.id)
    const prices = told.map(({ price }) => Number(price))
    const volume = told.reduce((sum, { size }) => sum + Number(size), 0)
    const { open, high, low, close } = candle
    assert.deepEqual(
      { openAt: candle.openAt, open, high, low, close },
      {
        openAt: candle.openAt,
        open: prices[0] ?? null,
        high: prices.length === 0 ? null : Math.max(...prices),
        low: prices.length === 0 ? null : Math.min(...prices),
        close: prices.at(-1) ?? null,
      },
      `${coin}: a candle is not what was traded (${candle.state})`,
    )
    assert.ok(Math.abs(candle.volume - volume) < 1e-6 * Math.max(1, volume), 'volume')
  }
  const opened = items.map(({ openAt }) => Date.parse(openAt)).toReversed()
  for (const [i, openAt] of opened.entries())
    assert.equal(openAt, (opened[0] as number) + i * minuteMs, `${coin}: a candle is missing`)
  return items.length
}
