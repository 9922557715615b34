import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gateDefaults } from '../../../models/judging/gate.ts'
import type { Comparison, Sheet } from '../../../models/judging/sheet.ts'
import { emptyDay } from '../../../models/scores/sums.ts'
import { reportOn, type Standing } from '../../../ops/evaluation/comparison.ts'
import { randomFrom } from '../../../streams/random.ts'
import { dayMs } from '../../../streams/time.ts'

const first = Date.UTC(2026, 5, 1)
const asked = {
  ...{ coin: 'BTC/USDT', family: 'linear', settings: gateDefaults },
  ...{ fee: 0.001, slippage: 0.0001 },
}

function sheet(name: string, loss: number, change: Partial<Sheet> = {}, days = 10): Sheet {
  const random = randomFrom(name)
  return {
    ...{ subject: name, sha256: null, task: 'classify', from: first, to: first + days * dayMs },
    days: Array.from({ length: days }, (_, i) => ({
      ...emptyDay(first + i * dayMs),
      n: 1000,
      confusion: [
        [300, 0, 200],
        [0, 0, 0],
        [200, 0, 300],
      ],
      logLossSum: 1000 * (loss + 0.005 * random.normal()),
      calibration: [{ n: 1000, confidence: 600, right: 600 }],
      profitSum: random.normal(),
    })),
    ...{ coverage: { candles: 1, answered: 1 }, frequencies: [500, 0, 500], trials: 1 },
    ...{ golden: { passed: true, distance: 0, detail: 'Equal.' }, inferenceMs: null },
    ...change,
  } as Sheet
}

const broken = { golden: { passed: false, distance: 1, detail: 'They differ.' } }
const cases: readonly (readonly [string, Comparison, Standing])[] = [
  ['a better one', pair(sheet('new', 0.6), sheet('old', 0.65)), 'not_worse'],
  ['one as good', pair(sheet('new', 0.65), sheet('old', 0.65)), 'not_worse'],
  ['the same one', pair(sheet('same', 0.65), sheet('same', 0.65)), 'not_worse'],
  ['a worse one', pair(sheet('new', 0.65), sheet('old', 0.6)), 'worse'],
  ['one with other golden rows', pair(sheet('new', 0.5, broken), sheet('old', 0.6)), 'worse'],
  ['few days', pair(sheet('new', 0.6, {}, 4), sheet('old', 0.65, {}, 4)), 'unknown'],
  ['a good one alone', pair(sheet('new', 0.6), null), 'not_worse'],
  ['one alone that loses to no skill', pair(sheet('new', 0.8), null), 'worse'],
  [
    'one whose champion answers another question',
    { ...pair(sheet('new', 0.6), null), incumbentMissing: 'it looks 60 candles ahead' },
    'unknown',
  ],
]

function pair(challenger: Sheet, incumbent: Sheet | null): Comparison {
  return { challenger, incumbent, incumbentMissing: null }
}

for (const [what, comparison, standing] of cases)
  test(`${what}: ${standing}`, () => {
    const report = reportOn(comparison, asked)
    assert.equal(report.standing, standing)
    assert.equal(report.champion === null, comparison.incumbent === null)
  })

test('the Markdown is a table beside no skill, with every reason of the gate', () => {
  const { markdown, verdict } = reportOn(pair(sheet('new', 0.65), sheet('old', 0.6)), asked)
  assert.match(markdown, /^## linear on BTC\/USDT: the challenger is worse$/m)
  assert.match(markdown, /^\| \| new \| old \| no skill \|$/m)
  const losses = /^\| log loss \| (0\.6\d+) \| (0\.[56]\d+) \| (0\.69\d+) \|$/m.exec(markdown)
  assert.ok(losses && Number(losses[1]) > Number(losses[2]), markdown)
  for (const { code } of verdict.reasons) assert.ok(markdown.includes(`\`${code}\``), code)
  assert.doesNotMatch(markdown, /NaN|undefined|null/)
  // A regression's rows are not in a classifier's table.
  assert.doesNotMatch(markdown, /RMSE/)
})

test('of profits nothing is said where nothing could be traded', () => {
  const values = (name: string): Sheet => {
    const { days, ...rest } = sheet(name, 0)
    const bare = days.map(({ day }) => ({
      ...{ ...emptyDay(day), n: 1000, squaredErrorSum: 1, absoluteErrorSum: 10 },
      ...{ naiveSquaredErrorSum: 2, naiveAbsoluteErrorSum: 20 },
    }))
    return { ...rest, task: 'regress', days: bare, frequencies: null }
  }
  const { markdown } = reportOn(pair(values('new'), values('old')), asked)
  assert.match(markdown, /^\| RMSE \|/m)
  assert.doesNotMatch(markdown, /profit/i)
  assert.match(reportOn(pair(sheet('new', 0.6), null), asked).markdown, /^Profits are in stakes/m)
})
