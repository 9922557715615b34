/**
 * Which candles a run learns from and is judged by: the newest that are stored, the last of them held out for the test.
 * A test is never shorter than the gate needs to tell anything, as long as half of all candles remain to learn from.
 */
import type { Shares } from '../../models/split.ts'
import { dayMs, type Millis } from '../../streams/time.ts'

export interface Stretch {
  readonly from: Millis
  readonly to: Millis
  readonly shares: Shares
}

export interface StretchNeeds {
  /** What is stored. */
  readonly from: Millis
  readonly to: Millis
  readonly intervalMs: Millis
  /** At most so many rows are learnt from. */
  readonly rowsMax: number
  /** Fewer days are no evidence. */
  readonly testDaysMin: number
}

const testShare = 0.2
const testShareMax = 0.5
const validateShare = 0.15

export function stretchFor(needs: StretchNeeds): Stretch {
  const { to, intervalMs } = needs
  const testMin = testMs(needs)
  const trainMs = needs.rowsMax * intervalMs
  const usual = trainMs / (1 - testShare - validateShare)
  const wanted = usual * testShare >= testMin ? usual : (trainMs + testMin) / (1 - validateShare)
  const length = Math.min(to - needs.from, Math.ceil(wanted / intervalMs) * intervalMs)
  const unused = 1 - validateShare - trainMs / length
  const test = Math.min(Math.max(testShareMax, unused), Math.max(testShare, testMin / length))
  return { from: to - length, to, shares: { validate: validateShare, test } }
}

/** Candles with which a run can be judged at all, and more than which it does not use. */
export function candlesFor({
  rowsMax,
  testDaysMin,
  intervalMs,
}: Pick<StretchNeeds, 'rowsMax' | 'testDaysMin' | 'intervalMs'>): {
  readonly candlesMin: number
  readonly candlesMax: number
} {
  const all = { from: Number.NEGATIVE_INFINITY, to: 0 }
  const { from } = stretchFor({ ...all, rowsMax, testDaysMin, intervalMs })
  const candlesMin = Math.ceil(testMs({ testDaysMin }) / testShareMax / intervalMs)
  return { candlesMin, candlesMax: Math.max(candlesMin, Math.round(-from / intervalMs)) }
}

/** A day more than is needed: the first and the last are cut. */
function testMs({ testDaysMin }: Pick<StretchNeeds, 'testDaysMin'>): Millis {
  return (testDaysMin + 1) * dayMs
}
