/**
 * A market made from a seed: several correlated coins with regimes, clusters, volume and quiet minutes, and a stated amount
 * that can be learnt (`weather.ts` says what it is). Trades of a day are made when the day is first asked for, from the
 * seed alone; a few days are kept.
 */
import { type Coin, coinToPath } from '../../coin.ts'
import { Fault } from '../../fault.ts'
import { type Random, randomFrom, saltFrom } from '../../random.ts'
import { dayMs, floorTo, type Millis, minuteMs } from '../../time.ts'
import { rowAt, sliceTrades, type Trades, TradesBuilder } from '../../trade.ts'
import { driveFor } from './hidden.ts'
import type { TapeMarket } from './market.ts'
import {
  type Climate,
  climateOf,
  firstClimate,
  firstWeather,
  minutesPerDay,
  type Weather,
  type WeatherState,
  weatherOf,
} from './weather.ts'

const defaultSignal = 0.3

/** The market begins here; a first start stands half a year later, so that a long history lies behind it. */
export const genesisAt: Millis = Date.UTC(2025, 6, 1)
export const seededStartAt: Millis = Date.UTC(2026, 0, 1)

/** Where well-known coins start; any other starts between 1 and 1,000. */
const firstPrices: Readonly<Record<string, number>> = { BTC: 60_000, ETH: 3_000, SOL: 150 }
/** Of trades, per coin, 0.6 MB each: the one being played and the one that history reads. */
const daysKept = 2

export function seededMarket(options: {
  readonly seed: number
  readonly signal?: number
}): TapeMarket {
  const { seed, signal = defaultSignal } = options
  if (!(signal >= 0 && signal <= 0.8)) {
    const message = `The tape's signal is ${signal}; it is a share of variance, from 0 to 0.8.`
    throw new Fault('tape.signal', message)
  }
  const climates = new ClimateRecord(seed)
  const coins = new Map<Coin, CoinRecord>()
  const recordOf = (coin: Coin): CoinRecord => {
    let record = coins.get(coin)
    if (record === undefined) {
      record = new CoinRecord(seed, coin, driveFor(signal), climates)
      coins.set(coin, record)
    }
    return record
  }
  return {
    name: `tape-seed-${seed}${signal === defaultSignal ? '' : `-signal-${signal}`}`,
    startAt: seededStartAt,
    tells: { takerBuyVolume: true, trades: true },
    span: () => ({ from: genesisAt, to: Number.POSITIVE_INFINITY }),
    *trades(coin, from, to) {
      for (let at = Math.max(from, genesisAt); at < to; at = floorTo(at, dayMs) + dayMs) {
        const day = recordOf(coin).day((floorTo(at, dayMs) - genesisAt) / dayMs)
        const slice = sliceTrades(day, rowAt(day, at), rowAt(day, to))
        if (slice.length > 0) yield slice
      }
    },
  }
}

/** What all coins share, day by day from the first; all days are kept: 35 kB each. */
class ClimateRecord {
  readonly #seed: number
  readonly #days: Climate[] = []

  constructor(seed: number) {
    this.#seed = seed
  }

  day(n: number): Climate {
    for (let d = this.#days.length; d <= n; d++) {
      this.#days.push(climateOf(this.#seed, d, this.#days[d - 1]?.end ?? firstClimate))
    }
    return this.#days[n]!
  }
}

class CoinRecord {
  readonly #seed: string
  readonly #drive: number
  readonly #climates: ClimateRecord
  readonly #priceSteps: number
  readonly #typicalSize: number
  /** How each day begins, up to the furthest that was asked for: a day costs 0.3 ms, once. */
  readonly #starts: WeatherState[]
  readonly #kept = new Map<number, Trades>()

  constructor(seed: number, coin: Coin, drive: number, climates: ClimateRecord) {
    this.#seed = `${seed} ${coinToPath(coin)}`
    this.#drive = drive
    this.#climates = climates
    const price = firstPriceOf(coin)
    this.#priceSteps = 10 ** Math.max(0, 6 - Math.floor(Math.log10(price)))
    this.#typicalSize = 1500 / price
    this.#starts = [firstWeather(price)]
  }

  day(n: number): Trades {
    const kept = this.#kept.get(n)
    this.#kept.delete(n)
    const trades = kept ?? this.#tradesOf(n)
    this.#kept.set(n, trades)
    if (this.#kept.size > daysKept) this.#kept.delete(this.#kept.keys().next().value!)
    return trades
  }

  #weatherOf(n: number): Weather {
    for (let d = this.#starts.length - 1; d < n; d++) this.#starts.push(this.#weatherAt(d).end)
    return this.#weatherAt(n)
  }

  #weatherAt(n: number): Weather {
    const climate = this.#climates.day(n)
    return weatherOf(this.#seed, n, this.#drive, this.#starts[n]!, climate)
  }

  #tradesOf(n: number): Trades {
    const weather = this.#weatherOf(n)
    const random = randomFrom(`${this.#seed} trades ${n}`)
    const builder = new TradesBuilder(16 * minutesPerDay)
    const dayAt = genesisAt + n * dayMs
    // Room for a million trades a day, and no number is ever given twice.
    let id = n * 1_000_000
    for (let m = 0; m < minutesPerDay; m++) {
      id = this.#tradeMinute(builder, weather, m, dayAt + m * minuteMs, id, random)
    }
    return builder.take()
  }

  /**
   * The price walks from the minute's first value to its last in as many steps as there are trades: a Brownian bridge, so
   * the last trade stands exactly where the minute ends. Instants are what a Poisson stream would give.
   */
  #tradeMinute(
    into: TradesBuilder,
    weather: Weather,
    m: number,
    openAt: Millis,
    firstId: number,
    random: Random,
  ): number {
    const count = poisson(weather.rate[m]!, random)
    if (count === 0) return firstId
    const from = weather.price[m]!
    const move = weather.price[m + 1]! - from
    const stepSigma = weather.sigma[m]! / Math.sqrt(count)
    const buys = 1 / (1 + Math.exp(-weather.lean[m]!))
    const walk = new Float64Array(count)
    const wait = new Float64Array(count)
    let walked = 0
    let waited = 0
    for (let j = 0; j < count; j++) {
      walk[j] = walked += stepSigma * random.normal()
      wait[j] = waited += -Math.log(1 - random.uniform())
    }
    waited += -Math.log(1 - random.uniform())
    for (let j = 0; j < count; j++) {
      const share = (j + 1) / count
      const log = from + move * share + (walk[j]! - walked * share)
      const price = Math.round(Math.exp(log) * this.#priceSteps) / this.#priceSteps
      const size = this.#typicalSize * Math.exp(0.9 * random.normal() - 0.4)
      const at = openAt + Math.min(minuteMs - 1, Math.floor((wait[j]! / waited) * minuteMs))
      const side = random.uniform() < buys ? 1 : -1
      into.push(at, firstId + j, price, Math.max(1, Math.round(size * 1e6)) / 1e6, side)
    }
    return firstId + count
  }
}

function firstPriceOf(coin: Coin): number {
  const base = coin.split('/')[0] as string
  return firstPrices[base] ?? 10 ** (3 * ((saltFrom(base) >>> 0) / 4294967296))
}

/** Knuth's product of uniforms: exact, and as many draws as trades follow. */
function poisson(mean: number, random: Random): number {
  const limit = Math.exp(-mean)
  let product = random.uniform()
  let count = 0
  while (product > limit) {
    product *= random.uniform()
    count++
  }
  return count
}
