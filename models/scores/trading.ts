/**
 * What following a version's signals would have made. The rule is one for all: `positionOf` and `profitOf` below, and the
 * same in SQL where outcomes are resolved.
 *
 * Every prediction is a position of its own. A `buy` goes long, a `sell` short, one stake, at the close of its candle; it
 * is closed at the close one horizon later, whatever is said in between. Opening and closing each cost the fee and the
 * slippage, as shares of the stake. Positions of neighbouring candles overlap and are not netted, so there are at most as
 * many at once as a horizon has candles. A `hold` is no position. Profits count on the candle that was predicted at.
 */
import type { Signal } from '../prediction.ts'
import { deflatedSharpe, estimateSharpe, probabilisticSharpe } from '../statistics/sharpe.ts'
import { classesOf, type ScoreSums } from './sums.ts'

/** One way, as shares of the value traded. */
export interface TradingCosts {
  readonly fee: number
  readonly slippage: number
}

export function positionOf(signal: Signal): -1 | 0 | 1 {
  if (signal === 'buy') return 1
  return signal === 'sell' ? -1 : 0
}

/** After both ways' costs, as a share of the stake. */
export function profitOf(signal: Signal, change: number, { fee, slippage }: TradingCosts): number {
  const position = positionOf(signal)
  return position === 0 ? 0 : position * change - 2 * (fee + slippage)
}

export interface TradingScores {
  /** Sum of the signed returns after fees and slippage, in stakes. */
  readonly profit: number
  /** Per prediction. */
  readonly profitMean: number
  /** Positions opened. */
  readonly trades: number
  /** Stakes bought and sold per day. */
  readonly turnover: number
  /** Mean over deviation of the days' profits, a year's worth; null below two days or where nothing varies. */
  readonly sharpe: number | null
  readonly sharpeError: number | null
  /** How likely the true ratio is above zero. */
  readonly sharpeProbability: number | null
  /** The greatest fall of the added-up profit from a high to a low after it, in stakes; at least 0. */
  readonly drawdown: number
  readonly days: number
}

/** Markets never close: every day of the year is a trading day. */
const daysPerYear = 365

export function tradingScores(days: readonly ScoreSums[]): TradingScores {
  const profits = dayProfits(days)
  const profit = total(profits)
  const estimate = estimateSharpe(profits)
  const trades = total(days.map(tradesOf))
  const n = total(days.map((it) => total(it.confusion.flat())))
  return {
    profit,
    profitMean: profit / n,
    trades,
    turnover: (2 * trades) / profits.length,
    sharpe: estimate && estimate.sharpe * Math.sqrt(daysPerYear),
    sharpeError: estimate && estimate.standardError * Math.sqrt(daysPerYear),
    sharpeProbability: estimate && probabilisticSharpe(estimate),
    drawdown: drawdownOf(days),
    days: profits.length,
  }
}

/** The probability of skill once it is known how many settings were tried; null where there is no ratio. */
export function deflated(days: readonly ScoreSums[], trials: number): number | null {
  const estimate = estimateSharpe(dayProfits(days))
  return estimate && deflatedSharpe(estimate, trials)
}

/** In the order of time; what was live and what was filled in on one day is one day. */
function dayProfits(days: readonly ScoreSums[]): readonly number[] {
  const byDay = new Map<number, number>()
  for (const it of days.toSorted((a, b) => a.day - b.day))
    byDay.set(it.day, (byDay.get(it.day) ?? 0) + it.profitSum)
  return [...byDay.values()]
}

function tradesOf(day: ScoreSums): number {
  return total(
    classesOf.map((actual) => total([0, 2].map((it) => day.confusion[actual]?.[it] ?? 0))),
  )
}

/**
 * Exact to the candle, from sums by day: a fall lies inside a day, or runs from a high before it to the day's low. Where a
 * day is in several parts (live and filled in), the parts are taken one after the other.
 */
function drawdownOf(days: readonly ScoreSums[]): number {
  let balance = 0
  let high = 0
  let fall = 0
  for (const it of days.toSorted((a, b) => a.day - b.day)) {
    fall = Math.max(fall, it.profitFall, high - (balance + it.profitLow))
    high = Math.max(high, balance + it.profitHigh)
    balance += it.profitSum
  }
  return fall
}

function total(numbers: readonly number[]): number {
  return numbers.reduce((result, it) => result + it, 0)
}
