/**
 * May a version take over? A pure function from two sheets over the same candles and a profile to a verdict in which every
 * reason is named with what was found and what is asked. It knows nothing else and is never tuned until something passes.
 *
 * `open`: better than no skill, not worse than the incumbent, calibrated, true to its golden rows, fast enough. `paying`:
 * also a profit after fees and slippage. `strict`: also an accuracy and a Sharpe ratio. Better means that chance does as
 * well at most one time in a hundred, by the paired test; not worse means that being worse is not shown at that level.
 */
import assert from 'node:assert/strict'
import { iso } from '../../streams/time.ts'
import { type Scores, score } from '../scores/score.ts'
import { deflated } from '../scores/trading.ts'
import { type LossKind, worseThan } from '../scores/versus.ts'
import { daysToTest } from '../statistics/paired-test.ts'
import type { Sheet } from './sheet.ts'
import type { GateProfile, Reason, Verdict } from './verdict.ts'

export interface GateSettings {
  readonly profile: GateProfile
  /** Fewer days or candles are no evidence; never below `daysToTest`. */
  readonly daysMin: number
  readonly candlesMin: number
  /** Expected calibration error. */
  readonly calibrationMax: number
  /** p95 of one row, milliseconds. */
  readonly inferenceMsMax: number
  readonly accuracyMin: number
  readonly sharpeMin: number
  /** Of regressions, against no skill on the same candles. */
  readonly values: {
    /** As shares of no skill's. */
    readonly rmseMax: number
    readonly maeMax: number
    /** The least share of no skill's squared error that must be gone. */
    readonly r2Min: number
  }
}

export const gateDefaults: GateSettings = {
  profile: 'open',
  daysMin: daysToTest,
  candlesMin: 1_000,
  calibrationMax: 0.1,
  inferenceMsMax: 50,
  accuracyMin: 0.54,
  sharpeMin: 1,
  values: { rmseMax: 1, maeMax: 1.05, r2Min: 0 },
}

/** One in a hundred, one-sided. */
export const gateLevel = 0.01

export function judge(challenger: Sheet, incumbent: Sheet | null, settings: GateSettings): Verdict {
  const scores = score(challenger.days, challenger.frequencies)
  const asked: Asked = { challenger, incumbent, settings, scores }
  const reasons = [
    ...soundness(asked),
    ...(scores.n === 0 ? [] : [enough(asked), ...skill(asked)]),
    ...(scores.n === 0 || settings.profile === 'open' ? [] : [profit(asked)]),
    ...(scores.n === 0 || settings.profile !== 'strict' ? [] : strict(asked)),
  ]
  return {
    verdict: scores.n > 0 && reasons.every((it) => it.passed) ? 'passed' : 'refused',
    profile: settings.profile,
    reasons:
      scores.n > 0 || reasons.some((it) => !it.passed) ? reasons : [...reasons, enough(asked)],
    candles: scores.n,
    from: iso(challenger.from),
    to: iso(challenger.to),
  }
}

/** Of a version that is not judged: it says why, in place of figures. */
export function exempt(profile: GateProfile, code: string, detail: string): Verdict {
  const reason = { code, passed: true, found: null, limit: null, detail }
  return { verdict: 'exempt', profile, reasons: [reason], candles: 0, from: null, to: null }
}

interface Asked {
  readonly challenger: Sheet
  readonly incumbent: Sheet | null
  readonly settings: GateSettings
  readonly scores: Scores
}

/** What needs no market: that it answers as its trainer said, in time. What was not looked at is not spoken of. */
function soundness({ challenger: { golden, inferenceMs }, settings }: Asked): readonly Reason[] {
  const reasons: Reason[] = []
  if (golden) {
    reasons.push({
      code: 'golden',
      passed: golden.passed,
      found: golden.distance,
      limit: null,
      detail: golden.detail,
    })
  }
  if (inferenceMs) {
    const { p95 } = inferenceMs
    const passed = p95 <= settings.inferenceMsMax
    const verb = passed ? 'within' : 'over'
    reasons.push({
      code: 'latency',
      passed,
      found: p95,
      limit: settings.inferenceMsMax,
      detail: `One row takes ${short(p95)} ms (p95), ${verb} the budget of ${settings.inferenceMsMax} ms.`,
    })
  }
  return reasons
}

function enough({ scores, settings }: Asked): Reason {
  const days = Math.max(settings.daysMin, daysToTest)
  const passed = scores.days >= days && scores.n >= settings.candlesMin
  return {
    code: 'too_few',
    passed,
    found: scores.days,
    limit: days,
    detail: passed
      ? `${scores.n} candles on ${scores.days} days were compared.`
      : `${scores.n} candles on ${scores.days} days are too few to tell: at least ${settings.candlesMin} on ${days} days are needed.`,
  }
}

function skill(asked: Asked): readonly Reason[] {
  const { scores, challenger, settings } = asked
  if (challenger.task === 'classify')
    return [noSkill(asked), incumbentReason(asked), calibration(asked)]
  const { values, baseline } = scores
  assert(values && baseline.values, 'a regression has values')
  const { rmseMax, maeMax, r2Min } = settings.values
  const rmse = values.rmse / baseline.values.rmse
  const mae = values.mae / baseline.values.mae
  const r2 = values.r2NoSkill
  return [
    noSkill(asked),
    incumbentReason(asked),
    bound('rmse', 'RMSE as a share of no skill’s', rmse, rmseMax, 'most'),
    bound('mae', 'MAE as a share of no skill’s', mae, maeMax, 'most'),
    bound('r2', 'R² against no skill', r2, r2Min, 'least'),
  ]
}

function noSkill({ scores: { versus, classes, values, baseline }, challenger }: Asked): Reason {
  const isClassifier = challenger.task === 'classify'
  const difference = isClassifier ? versus.logLoss : versus.squaredError
  const [name, own, other] = isClassifier
    ? ['log loss', classes?.logLoss, baseline.classes?.logLoss]
    : ['RMSE', values?.rmse, baseline.values?.rmse]
  const p = difference?.p ?? null
  const passed = p !== null && p <= gateLevel
  const figures = `${name} ${short(own)} against no skill’s ${short(other)} on the same candles`
  return {
    code: 'no_skill',
    passed,
    found: p,
    limit: gateLevel,
    detail: `${figures}: ${chance(p, passed ? 'better' : 'not shown to be better')}.`,
  }
}

function incumbentReason({ challenger, incumbent }: Asked): Reason {
  const shape = { code: 'incumbent', limit: gateLevel } as const
  if (incumbent === null) {
    const detail = 'There is no incumbent to compare with on these candles.'
    return { ...shape, passed: true, found: null, detail }
  }
  const rows = (sheet: Sheet): string =>
    JSON.stringify([...dayCounts(sheet)].sort(([a], [b]) => a - b))
  assert.equal(rows(challenger), rows(incumbent), 'two sheets are over the same candles')
  const loss: LossKind = challenger.task === 'classify' ? 'logLoss' : 'squaredError'
  const difference = worseThan(challenger.days, incumbent.days, loss)
  const p = difference?.p ?? null
  // Equal sums day for day are a tie, and a tie is not worse; otherwise what cannot be told is told by `too_few`.
  const passed = p === null ? (difference?.mean ?? 0) <= 0 : p > gateLevel
  const words = loss === 'logLoss' ? 'log loss' : 'squared error'
  const figures = `${words} differs by ${short(difference?.mean)} a candle from ${incumbent.subject}’s`
  return {
    ...shape,
    passed,
    found: p,
    detail: `${figures}: ${chance(p, passed ? 'not shown to be worse' : 'worse')}.`,
  }
}

function calibration({ scores, settings }: Asked): Reason {
  const found = scores.classes?.ece ?? null
  return bound('calibration', 'Calibration error', found, settings.calibrationMax, 'most')
}

function profit({ scores: { trading, versus } }: Asked): Reason {
  if (trading === null) return notAsked('profit')
  const p = versus.profit?.p ?? null
  const passed = p !== null && p <= gateLevel
  const figures = `${short(trading.profitMean)} of a stake per prediction after fees and slippage, ${trading.trades} trades`
  return {
    code: 'profit',
    passed,
    found: p,
    limit: gateLevel,
    detail: `${figures}: ${chance(p, passed ? 'above zero' : 'not shown to be above zero')}.`,
  }
}

function strict({ challenger, scores: { classes, trading }, settings }: Asked): readonly Reason[] {
  if (trading === null || classes === null) return [notAsked('accuracy'), notAsked('sharpe')]
  const probability = deflated(challenger.days, challenger.trials)
  const shown = `${challenger.trials} counted ${challenger.trials === 1 ? 'trial' : 'trials'}`
  return [
    bound('accuracy', 'Accuracy', classes.accuracy, settings.accuracyMin, 'least'),
    bound('sharpe', 'Sharpe ratio of a year', trading.sharpe, settings.sharpeMin, 'least'),
    {
      code: 'deflated_sharpe',
      passed: true,
      found: probability,
      limit: null,
      detail: `Deflated by ${shown}, the probability that there is skill is ${short(probability)}.`,
    },
  ]
}

/** Shown beside the others: a volatility gives no signal, so there is no position to ask of. */
function notAsked(code: string): Reason {
  const detail = 'It gives no signals, so there is nothing to ask.'
  return { code, passed: true, found: null, limit: null, detail }
}

function bound(
  code: string,
  name: string,
  found: number | null,
  limit: number,
  side: 'most' | 'least',
): Reason {
  const passed = found !== null && (side === 'most' ? found <= limit : found >= limit)
  const detail = `${name} ${short(found)}, at ${side} ${limit} is asked.`
  return { code, passed, found, limit, detail }
}

function chance(p: number | null, words: string): string {
  return p === null ? `${words}, there is too little to tell` : `${words} (p ${short(p)})`
}

function short(value: number | null | undefined): string {
  return value === null || value === undefined ? 'unknown' : String(Number(value.toPrecision(4)))
}

function dayCounts(sheet: Sheet): ReadonlyMap<number, number> {
  const counts = new Map<number, number>()
  for (const { day, n } of sheet.days) counts.set(day, (counts.get(day) ?? 0) + n)
  return counts
}
