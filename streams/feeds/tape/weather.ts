/**
 * The latent minutes of the seeded market: what drives prices and flow before any trade is made of it. A day follows from
 * the seed, its number and the state in which the day before ended; nothing else, so a coin does not depend on which other
 * coins are played.
 *
 * - Volatility: 0.09 % a minute, times a regime shared by all coins (calm 0.6, common 1, wild 1.8, hours long), times
 *   clusters, shared (half-life 3 h) and own (45 min).
 * - Returns: r = σ (κ·h' + ε) − σ²/2, where ε is normal, 0.7 of it shared by all coins (a correlation of 0.5), and h' is the
 *   hidden lean of the minute before (`hidden.ts`). The last term makes the price, not its logarithm, free of drift.
 * - Flow: a taker buys with log odds 0.7 h + 0.3 ε, so the share of taker buys shows h, and so do the latest returns.
 * - `signal` is the share of the variance of 15-minute returns that is known from the hidden state. At 0, κ is 0 and
 *   returns are a martingale difference whatever is known of the past, flow included (prices are rounded to a tick of
 *   about 1e-6). At 0.3 the expected return over 15 minutes is beyond ±0.2 %, two fees of 0.1 %, one time in three.
 */
import { type Random, randomFrom } from '../../random.ts'
import { dayMs, type Millis, minuteMs } from '../../time.ts'
import { type Hidden, noHidden, stepU, withU } from './hidden.ts'

export const minutesPerDay = dayMs / minuteMs

const sigmaPerMinute = 0.0009
const regimes = [0.6, 1, 1.8] as const
const regimeMinutes = [480, 600, 240] as const
const sharedHidden = Math.sqrt(0.4)
const sharedShock = 0.7

/** One UTC day of what all coins share. */
export interface Climate {
  readonly shock: Float64Array
  readonly hidden: Float64Array
  readonly volatility: Float64Array
  readonly end: ClimateState
}

interface ClimateState {
  readonly hidden: number
  readonly cluster: number
  readonly regime: number
}

/** One UTC day of one coin. `price` is the logarithm at the opening of each minute, and at the day's end. */
export interface Weather {
  readonly price: Float64Array
  readonly sigma: Float64Array
  /** Log odds of a taker buying. */
  readonly lean: Float64Array
  /** Expected trades in the minute. */
  readonly rate: Float64Array
  readonly end: WeatherState
}

export interface WeatherState {
  readonly price: number
  readonly hidden: Hidden
  readonly own: number
  readonly cluster: number
  readonly activity: number
  readonly quietMinutes: number
}

export const firstClimate: ClimateState = { hidden: 0, cluster: 0, regime: 1 }

export function firstWeather(price: number): WeatherState {
  return {
    price: Math.log(price),
    hidden: noHidden,
    own: 0,
    cluster: 0,
    activity: 0,
    quietMinutes: 0,
  }
}

export function climateOf(seed: number, day: number, start: ClimateState): Climate {
  const random = randomFrom(`${seed} climate ${day}`)
  const shock = new Float64Array(minutesPerDay)
  const hidden = new Float64Array(minutesPerDay)
  const volatility = new Float64Array(minutesPerDay)
  let { hidden: u, cluster, regime } = start
  for (let m = 0; m < minutesPerDay; m++) {
    u = stepU(u, random)
    cluster = step(cluster, 0.5 ** (1 / 180), random)
    if (random.uniform() < 1 / regimeMinutes[regime]!) regime = nextRegime(regime, random)
    shock[m] = random.normal()
    hidden[m] = u
    volatility[m] = regimes[regime]! * Math.exp(0.3 * cluster - 0.045)
  }
  return { shock, hidden, volatility, end: { hidden: u, cluster, regime } }
}

export function weatherOf(
  seed: string,
  day: number,
  drive: number,
  start: WeatherState,
  climate: Climate,
): Weather {
  const random = randomFrom(`${seed} weather ${day}`)
  const price = new Float64Array(minutesPerDay + 1)
  const sigma = new Float64Array(minutesPerDay)
  const lean = new Float64Array(minutesPerDay)
  const rate = new Float64Array(minutesPerDay)
  let { price: x, hidden, own, cluster, activity, quietMinutes } = start
  price[0] = x
  for (let m = 0; m < minutesPerDay; m++) {
    cluster = step(cluster, 0.5 ** (1 / 45), random)
    activity = step(activity, 0.5 ** (1 / 90), random)
    const s = sigmaPerMinute * climate.volatility[m]! * Math.exp(0.25 * cluster - 0.03125)
    const shock =
      sharedShock * climate.shock[m]! + Math.sqrt(1 - sharedShock ** 2) * random.normal()
    x += s * (drive * (hidden.u - hidden.average) + shock) - (s * s) / 2
    own = stepU(own, random)
    const u = sharedHidden * climate.hidden[m]! + Math.sqrt(1 - sharedHidden ** 2) * own
    hidden = withU(hidden, u)
    quietMinutes = quietMinutes > 0 ? quietMinutes - 1 : quietStretch(random)
    price[m + 1] = x
    sigma[m] = s
    lean[m] = 0.7 * (hidden.u - hidden.average) + 0.3 * shock
    rate[m] = quietMinutes > 0 ? 0.7 : rateOf(m, activity, s)
  }
  const end = { price: x, hidden, own, cluster, activity, quietMinutes }
  return { price, sigma, lean, rate, end }
}

function step(state: number, kept: number, random: Random): number {
  return kept * state + Math.sqrt(1 - kept * kept) * random.normal()
}

function nextRegime(regime: number, random: Random): number {
  return regime === 1 ? (random.uniform() < 0.6 ? 0 : 2) : 1
}

/** About four times a day a coin falls quiet for a few minutes, in which half of the minutes have no trade. */
function quietStretch(random: Random): number {
  return random.uniform() < 4 / minutesPerDay ? 3 + Math.floor(random.uniform() * 12) : 0
}

/** Most in the afternoon of Europe, least in its night, and more where prices move. */
function rateOf(minuteOfDay: Millis, activity: number, sigma: number): number {
  const season = 1 + 0.4 * Math.sin((2 * Math.PI * (minuteOfDay - 540)) / minutesPerDay)
  const rate = 12 * season * Math.exp(0.4 * activity - 0.08) * Math.sqrt(sigma / sigmaPerMinute)
  return Math.min(rate, 100)
}
