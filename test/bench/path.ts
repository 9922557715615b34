/**
 * Trades → candles → features through the real parts: bus, candle events, coin actors under a tree, engine, ring and sink,
 * with a ledger that keeps nothing. Beside it, in the same run, a bare loop that only folds, so that the table says what
 * event time, merging, features and actors cost together.
 */
import { performance } from 'node:perf_hooks'
import { setImmediate } from 'node:timers/promises'
import { coin as coinActor } from '../../actors/coin/coin.ts'
import { CoinLine } from '../../actors/coin/coin-line.ts'
import { FeatureHistory } from '../../actors/coin/feature-history.ts'
import type { LedgerReader, LedgerWriter } from '../../actors/ledger.ts'
import { sink } from '../../actors/sink.ts'
import { inProcessBus } from '../../streams/bus.ts'
import { type Coin, parseCoin } from '../../streams/coin.ts'
import { featureSet } from '../../streams/features/set.ts'
import type { Feed } from '../../streams/feeds/feed.ts'
import { randomFrom } from '../../streams/random.ts'
import { type Millis, minuteMs, wallClock } from '../../streams/time.ts'
import { type Trades, TradesBuilder } from '../../streams/trade.ts'
import { supervisorPolicy } from '../../supervisor/tree/restart-policy.ts'
import { startTree } from '../../supervisor/tree/tree.ts'
import { worker } from '../../supervisor/tree/worker.ts'
import { median } from '../support/quantile.ts'
import type { Figure } from './figure.ts'
import { askRival, notMeasured } from './rival.ts'

const startAt: Millis = Date.UTC(2026, 0, 1)
const graceMs = 2_000
const tradesPerMinute = 2_000
const trades = 4_000_000
const rounds = 3
const nautilusTrades = 300_000

export async function benchPath(): Promise<readonly Figure[]> {
  const figures: Figure[] = []
  for (const coins of [1, 50]) {
    const minutes = trades / tradesPerMinute / coins
    const bundles = Array.from({ length: coins }, (_, i) => minutesOf(i, minutes))
    const bare: number[] = []
    const whole: number[] = []
    for (let round = 0; round < rounds; round++) {
      bare.push(foldBare(bundles))
      whole.push(await throughActors(bundles))
    }
    const of = `${coins} ${coins === 1 ? 'coin' : 'coins'}`
    const [rate, loop] = [median(whole), median(bare)]
    figures.push(
      { name: `bare loop over the same columns, ${of}`, value: loop, unit: 'trades/s' },
      {
        name: `trades to candles to features through actors, ${of}`,
        ...{ value: rate, unit: 'trades/s', theirs: loop },
        against: `${(rate / loop).toFixed(2)} of the bare loop`,
        ...(coins === 50 && { limit: { atLeast: 2_000_000 } }),
      },
    )
    if (coins === 1) figures.push(besideNautilus(rate))
  }
  return figures
}

/**
 * NautilusTrader's own engine on trades to candles, by its processor time, the best of a few. It makes candles and no
 * features: what we do in the same row is more.
 */
function besideNautilus(rate: number): Figure {
  const name = "trades to candles through NautilusTrader's DataEngine, 1 coin"
  const rates: number[] = []
  for (let round = 0; round < rounds; round++) {
    const packages = ['nautilus_trader>=1.221,<2']
    const said = askRival<number>('nautilus.py', packages, String(nautilusTrades))
    if (said.type === 'absent') return notMeasured(name, 'trades/s', said.why)
    rates.push(said.value)
  }
  const theirs = Math.max(...rates)
  const times = `${(rate / theirs).toFixed(0)} × slower than ours with features`
  return { name, value: theirs, unit: 'trades/s', against: times }
}

function minutesOf(seed: number, minutes: number): readonly Trades[] {
  const random = randomFrom(`bench ${seed}`)
  let price = 100
  let id = 0
  return Array.from({ length: minutes }, (_, minute) => {
    const builder = new TradesBuilder()
    for (let i = 0; i < tradesPerMinute; i++) {
      price *= 1 + random.normal() / 20_000
      const at = startAt + minute * minuteMs + Math.floor((i * minuteMs) / tradesPerMinute)
      builder.push(at, id++, price, random.uniform(), random.uniform() < 0.5 ? 1 : -1)
    }
    return builder.take()
  })
}

/** Prices and volumes and nothing else: no order, no lateness, no duplicates, no features. */
function foldBare(bundles: readonly (readonly Trades[])[]): number {
  const from = performance.now()
  let sum = 0
  let count = 0
  for (const minutes of bundles) {
    for (const { price, size, length } of minutes) {
      let high = price[0] as number
      let low = high
      let volume = 0
      for (let i = 0; i < length; i++) {
        const p = price[i] as number
        if (p > high) high = p
        if (p < low) low = p
        volume += size[i] as number
      }
      sum += high - low + volume
      count += length
    }
  }
  if (!(sum > 0)) throw new Error('the bare loop folded nothing')
  return (count * 1_000) / (performance.now() - from)
}

async function throughActors(bundles: readonly (readonly Trades[])[]): Promise<number> {
  const minutes = (bundles[0] as readonly Trades[]).length
  const coins = bundles.map((_, i) => parseCoin(`C${i}/USDT`) as Coin)
  const set = featureSet(minuteMs)
  const bus = inProcessBus()
  const done = Promise.withResolvers<void>()
  let waiting = coins.length
  const ledger = worker(
    'sink',
    sink({
      writer: forgetful,
      marketNow: () => 0,
      isCurrent: () => true,
      policy: { rowsMax: 2_000, lingerMs: 3, restMs: 0, restRowsMax: 1 },
    }),
  )
  const features = new FeatureHistory({
    reader: empty,
    set,
    dueAt: () => 0,
  })
  const workers = coins.map((coin, i) => {
    const line = new CoinLine(coin, minuteMs, set.columns.length, 512)
    const actor = coinActor({
      ...{
        line,
        feed: still,
        bus,
        reader: empty,
        features,
        featureHash: set.hash,
        sink: ledger.address,
        graceMs,
      },
      correctionMs: 10 * minuteMs,
      history: { writeHistory: async () => 0 },
      intervalMs: minuteMs,
      warmMs: 0,
      tradesReachMs: 0,
      committed: (to) => {
        if (to === startAt + minutes * minuteMs && --waiting === 0) done.resolve()
      },
    })
    return worker(`coin-${i}`, actor).spec
  })
  let lives = 0
  const tree = await startTree(
    {
      type: 'supervisor',
      id: 'bench',
      kind: 'root',
      strategy: 'rest_for_one',
      policy: supervisorPolicy,
      children: [ledger.spec, ...workers],
    },
    { clock: wallClock, random: Math.random, epochs: () => ++lives },
  )
  const from = performance.now()
  for (let minute = 0; minute < minutes; minute++) {
    const closeAt = startAt + (minute + 1) * minuteMs
    for (const [i, coin] of coins.entries()) {
      bus.publish(coin, { type: 'trades', coin, trades: bundles[i]?.[minute] as Trades })
      bus.publish(coin, { type: 'clock', coin, at: closeAt + graceMs, receivedAt: 0 })
    }
    if (minute % 8 === 0) await setImmediate()
  }
  await done.promise
  const rate = (trades * 1_000) / (performance.now() - from)
  await tree.stop(10_000)
  return rate
}

const still: Feed = {
  source: 'tape',
  mode: 'tape',
  market: 'bench',
  speed: Number.POSITIVE_INFINITY,
  now: () => startAt + graceMs,
  open: () => {
    throw new Error('the bench publishes by itself')
  },
  history: {
    candleColumns: { takerBuyVolume: true, trades: true },
    earliest: async () => startAt,
    candles: async function* () {},
    trades: async function* () {},
  },
}

const empty: LedgerReader = {
  position: async () => startAt,
  candles: async function* () {},
  candleRange: async () => undefined,
  snapshot: async () => undefined,
  origins: async () => [],
  openGaps: async () => [],
  dropSnapshots: async () => {},
  unanswered: async () => [],
}

const forgetful: LedgerWriter = { commit: async () => ({ predictions: [], disagreed: [] }) }
