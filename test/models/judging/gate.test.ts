import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { exempt, type GateSettings, gateDefaults, judge } from '../../../models/judging/gate.ts'
import type { Sheet } from '../../../models/judging/sheet.ts'
import { emptyDay, type ScoreSums } from '../../../models/scores/sums.ts'
import { randomFrom } from '../../../streams/random.ts'
import { dayMs } from '../../../streams/time.ts'

const first = Date.UTC(2026, 5, 1)
const rows = 1000

interface Shape {
  /** Log loss per row, beside ln 2 of no skill. */
  readonly loss?: number
  readonly profit?: number
  readonly right?: number
  readonly confidence?: number
  readonly days?: number
  readonly seed?: string
}

/** A classifier's days: half of the rows are sells, half are buys, which is what it was trained on. */
function days({ loss = 0.6, profit = 0.001, right = 0.6, ...rest }: Shape): readonly ScoreSums[] {
  const random = randomFrom(rest.seed ?? 'days')
  return Array.from({ length: rest.days ?? 10 }, (_, i) => {
    const hit = (rows / 2) * right
    const miss = rows / 2 - hit
    const profitSum = rows * (profit + 0.0002 * random.normal())
    return {
      ...emptyDay(first + i * dayMs),
      n: rows,
      confusion: [
        [hit, 0, miss],
        [0, 0, 0],
        [miss, 0, hit],
      ],
      logLossSum: rows * (loss + 0.01 * random.normal()),
      brierSum: rows * 0.4,
      calibration: [{ n: rows, confidence: rows * (rest.confidence ?? 0.6), right: rows * right }],
      profitSum,
      profitSquareSum: profitSum ** 2,
    }
  })
}

function sheet(shape: Shape = {}, change: Partial<Sheet> = {}): Sheet {
  return {
    subject: 'BTC-USDT/linear@2',
    sha256: null,
    task: 'classify',
    from: first,
    to: first + 10 * dayMs,
    days: days(shape),
    coverage: { candles: rows, answered: rows },
    frequencies: [500, 0, 500],
    golden: { passed: true, distance: 1e-7, detail: 'Golden rows agree.' },
    inferenceMs: { p50: 0.1, p95: 0.2 },
    trials: 1,
    ...change,
  }
}

const open = gateDefaults
const paying: GateSettings = { ...open, profile: 'paying' }
const strict: GateSettings = { ...open, profile: 'strict' }
const incumbent = (loss: number): Sheet =>
  sheet({ loss, seed: 'another' }, { subject: 'BTC-USDT/linear@1' })

/** What is judged, against whom, by what, and the reasons that must fail: none for a pass. */
const cases: readonly (readonly [string, Sheet, Sheet | null, GateSettings, readonly string[]])[] =
  [
    ['a good one', sheet(), null, open, []],
    ['a good one that pays', sheet(), incumbent(0.65), paying, []],
    ['a good one, strictly', sheet(), null, strict, []],
    ['no better than no skill', sheet({ loss: Math.LN2 }), null, open, ['no_skill']],
    ['worse than no skill', sheet({ loss: 0.75 }), null, open, ['no_skill']],
    ['a little better than no skill', sheet({ loss: 0.67 }), null, open, []],
    ['worse than the incumbent', sheet({ loss: 0.6 }), incumbent(0.55), open, ['incumbent']],
    ['as good as the incumbent', sheet({ loss: 0.6 }), incumbent(0.599), open, []],
    ['too sure of itself', sheet({ confidence: 0.9 }), null, open, ['calibration']],
    [
      'another graph',
      sheet({}, { golden: { passed: false, distance: 0.1, detail: 'Golden rows differ.' } }),
      null,
      open,
      ['golden'],
    ],
    ['slow', sheet({}, { inferenceMs: { p50: 1, p95: 51 } }), null, open, ['latency']],
    ['one that loses by its fees', sheet({ profit: -0.001 }), null, open, []],
    ['one that loses by its fees', sheet({ profit: -0.001 }), null, paying, ['profit']],
    ['one that may pay or not', sheet({ profit: 0 }), null, paying, ['profit']],
    [
      'one that is seldom right',
      sheet({ right: 0.53, confidence: 0.53 }),
      null,
      strict,
      ['accuracy'],
    ],
    ['one that loses, strictly', sheet({ profit: -0.001 }), null, strict, ['profit', 'sharpe']],
    ['four days', sheet({ days: 4 }), null, open, ['too_few', 'no_skill']],
    ['fewer days than are asked for', sheet(), null, { ...open, daysMin: 11 }, ['too_few']],
    [
      'fewer candles than are asked for',
      sheet(),
      null,
      { ...open, candlesMin: 10_001 },
      ['too_few'],
    ],
    ['nothing', sheet({ days: 0 }), null, open, ['too_few']],
    [
      'golden rows that differ, and so no rows',
      sheet({ days: 0 }, { golden: { passed: false, distance: null, detail: 'It answers NaN.' } }),
      null,
      open,
      ['golden'],
    ],
  ]

for (const [what, challenger, other, settings, failing] of cases) {
  const answer = failing.length === 0 ? 'passes' : `is refused for ${failing.join(', ')}`
  test(`${what} ${answer} by ${settings.profile}`, () => {
    const verdict = judge(challenger, other, settings)
    const failed = verdict.reasons.filter((it) => !it.passed).map((it) => it.code)
    assert.deepEqual(failed, failing, JSON.stringify(verdict, null, 1))
    assert.equal(verdict.verdict, failing.length === 0 ? 'passed' : 'refused')
    for (const { detail } of verdict.reasons) assert.match(detail, /^\S.*\.$/)
  })
}

test('a regression is held against the last value, in ways that can be set', () => {
  const random = randomFrom('values')
  const value = (share: number, absolute = share): readonly ScoreSums[] =>
    Array.from({ length: 8 }, (_, i) => ({
      ...emptyDay(first + i * dayMs),
      n: rows,
      squaredErrorSum: rows * share * (1 + 0.05 * random.normal()),
      absoluteErrorSum: rows * absolute,
      naiveSquaredErrorSum: rows,
      naiveAbsoluteErrorSum: rows,
      actualSquareSum: rows,
    }))
  const codes = (list: readonly ScoreSums[], settings = open): readonly string[] =>
    judge(sheet({}, { task: 'regress', days: list, frequencies: null }), null, settings)
      .reasons.filter((it) => !it.passed)
      .map((it) => it.code)
  assert.deepEqual(codes(value(0.8)), [])
  assert.deepEqual(codes(value(1.3)), ['no_skill', 'rmse', 'mae', 'r2'])
  assert.deepEqual(codes(value(0.8, 1.2)), ['mae'])
  const asking = { ...open, values: { rmseMax: 0.5, maeMax: 2, r2Min: 0.5 } }
  assert.deepEqual(codes(value(0.8), asking), ['rmse', 'r2'])
  // It gives no signals, so there is nothing that could pay.
  assert.deepEqual(codes(value(0.8), strict), [])
})

test('the count of trials is shown with what it leaves of the Sharpe ratio', () => {
  const found = (trials: number): number =>
    judge(sheet({ profit: 0.00005 }, { trials }), null, strict).reasons.find(
      (it) => it.code === 'deflated_sharpe',
    )?.found ?? Number.NaN
  assert.ok(found(1) > found(10) && found(10) > found(1000))
})

test('two sheets over other candles are not compared', () => {
  const other = sheet({ days: 9 })
  assert.throws(() => judge(sheet(), other, open), /the same candles/)
})

test('what is not judged is exempt, and says why', () => {
  const { verdict, reasons, candles, from, to } = exempt('strict', 'shipped', 'it came with us')
  assert.deepEqual([verdict, reasons.map((it) => it.code), candles], ['exempt', ['shipped'], 0])
  assert.deepEqual([from, to], [null, null])
})

test('a better loss never turns a pass into a refusal', () => {
  const loss = fc.double({ min: 0.4, max: 0.8, noNaN: true })
  fc.assert(
    fc.property(loss, fc.double({ min: 0, max: 0.2, noNaN: true }), (worse, by) => {
      const verdictOf = (it: number): string =>
        judge(sheet({ loss: it }), incumbent(0.6), open).verdict
      assert.ok(verdictOf(worse) === 'refused' || verdictOf(worse - by) === 'passed')
    }),
    { numRuns: 60 },
  )
})
