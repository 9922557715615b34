/**
 * Sums by UTC day from rows, one at a time, in the order of the candles: what PostgreSQL makes of the ledger, made of an
 * evaluation's answers.
 */
import { dayMs, floorTo, type Millis } from '../../streams/time.ts'
import type { Answer, Signal } from '../prediction.ts'
import { binsOf, emptyDay, type OpenDay, probabilityMin, type ScoreSums } from './sums.ts'

/** What the market did after a candle, as the ledger has it. */
export interface TalliedOutcome {
  /** What was asked for: the return, or how much the price moved. */
  readonly actual: number
  /** What no skill says of it. */
  readonly naive: number
  /** Null where values have no direction. */
  readonly label: Signal | null
  /** After both ways' costs; null where there is no signal. */
  readonly profit: number | null
}

const order: readonly Signal[] = ['sell', 'hold', 'buy']

export class DayTally {
  readonly #days = new Map<Millis, OpenDay>()

  add(openAt: Millis, { signal, probabilities, value }: Answer, outcome: TalliedOutcome): void {
    const day = this.#dayOf(floorTo(openAt, dayMs))
    day.n += 1
    const { label, profit, actual, naive } = outcome
    if (signal !== null && label !== null) {
      const row = day.confusion[order.indexOf(label)] as number[]
      row[order.indexOf(signal)] = (row[order.indexOf(signal)] as number) + 1
    }
    if (probabilities !== null && label !== null) grade(day, probabilities, label)
    if (profit !== null) book(day, profit)
    if (value === null) return
    day.squaredErrorSum += (value - actual) ** 2
    day.absoluteErrorSum += Math.abs(value - actual)
    day.actualSum += actual
    day.actualSquareSum += actual ** 2
    day.valueSum += value
    day.valueSquareSum += value ** 2
    day.valueActualSum += value * actual
    day.naiveSquaredErrorSum += (naive - actual) ** 2
    day.naiveAbsoluteErrorSum += Math.abs(naive - actual)
  }

  /** Ascending. */
  days(): readonly ScoreSums[] {
    return [...this.#days.values()].sort((a, b) => a.day - b.day)
  }

  #dayOf(at: Millis): OpenDay {
    let day = this.#days.get(at)
    if (day === undefined) {
      day = emptyDay(at)
      this.#days.set(at, day)
    }
    return day
  }
}

function grade(day: OpenDay, of: NonNullable<Answer['probabilities']>, label: Signal): void {
  const came = of[label]
  const confidence = Math.max(of.sell, of.hold, of.buy)
  day.logLossSum -= Math.log(Math.max(came, probabilityMin))
  for (const name of order) day.brierSum += (of[name] - (name === label ? 1 : 0)) ** 2
  const bin = day.calibration[Math.min(Math.floor(confidence * binsOf), binsOf - 1)]
  if (bin === undefined) return
  bin.n += 1
  bin.confidence += confidence
  if (came === confidence) bin.right += 1
}

function book(day: OpenDay, profit: number): void {
  day.profitSum += profit
  day.profitSquareSum += profit ** 2
  day.profitHigh = Math.max(day.profitHigh, day.profitSum)
  day.profitLow = Math.min(day.profitLow, day.profitSum)
  day.profitFall = Math.max(day.profitFall, day.profitHigh - day.profitSum)
}
