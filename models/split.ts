/**
 * A stretch of candles cut into train, validate and test, in the order of time. What a label knows beyond its own candle
 * never meets what is judged later: rows whose information would reach over a border are purged, and an embargo after
 * each border keeps out what features still remember. Pure arithmetic over openings.
 */
import { Fault } from '../streams/fault.ts'
import { floorTo, type Millis } from '../streams/time.ts'
import type { TimeRange } from './training/request.ts'

export interface Split {
  readonly train: TimeRange
  readonly validate: TimeRange
  readonly test: TimeRange
}

export interface Stretch {
  readonly from: Millis
  readonly to: Millis
  readonly intervalMs: Millis
  /** How far past its own candle a label knows the market. */
  readonly informationCandles: number
  /** Left out after each border besides. */
  readonly embargoCandles: number
}

export interface Shares {
  readonly validate: number
  readonly test: number
}

/** The newest candles are held out for the test, and those before them to stop and choose by. */
const usualShares: Shares = { validate: 0.15, test: 0.2 }

export function chronological(stretch: Stretch, shares: Shares = usualShares): Split {
  const { from, to, intervalMs } = stretch
  const length = to - from
  const testFrom = floorTo(to - length * shares.test, intervalMs)
  const validateFrom = floorTo(testFrom - length * shares.validate, intervalMs)
  return cut(stretch, from, validateFrom, testFrom, to)
}

export interface Walk {
  readonly folds: number
  /** Of the whole stretch, each fold's test; they lie one after the other up to its end. */
  readonly testShare: number
  readonly validateShare: number
  /** Every fold learns from all that lies before it, or from as much as the first has. */
  readonly mode: 'expanding' | 'rolling'
}

const usualWalk: Walk = { folds: 4, testShare: 0.1, validateShare: 0.1, mode: 'expanding' }

/** Walk forward: each fold is tested on candles that lie after everything it has seen. */
export function walkForward(stretch: Stretch, walk: Walk = usualWalk): readonly Split[] {
  const { from, to, intervalMs } = stretch
  const length = to - from
  const firstTest = to - walk.folds * walk.testShare * length
  return Array.from({ length: walk.folds }, (_, i) => {
    const testFrom = floorTo(firstTest + i * walk.testShare * length, intervalMs)
    const testTo = floorTo(firstTest + (i + 1) * walk.testShare * length, intervalMs)
    const validateFrom = floorTo(testFrom - walk.validateShare * length, intervalMs)
    const later = floorTo(i * walk.testShare * length, intervalMs)
    const trainFrom = walk.mode === 'rolling' ? from + later : from
    return cut(stretch, trainFrom, validateFrom, testFrom, i === walk.folds - 1 ? to : testTo)
  })
}

function cut(
  { intervalMs, informationCandles, embargoCandles }: Stretch,
  from: Millis,
  validateFrom: Millis,
  testFrom: Millis,
  to: Millis,
): Split {
  const purgeMs = informationCandles * intervalMs
  const embargoMs = embargoCandles * intervalMs
  const split: Split = {
    train: [from, validateFrom - purgeMs],
    validate: [validateFrom + embargoMs, testFrom - purgeMs],
    test: [testFrom + embargoMs, to],
  }
  for (const [name, [since, until]] of Object.entries(split)) {
    if (since < until) continue
    const all = Math.round((to - from) / intervalMs)
    const lost = informationCandles + embargoCandles
    const why = `${all} candles leave nothing to ${name} on, with ${lost} left out at each border`
    throw new Fault('data.too_few', why)
  }
  return split
}
