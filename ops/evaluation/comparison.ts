/**
 * What `starling evaluate` answers: champion and challenger on the same candles, the gate's verdict beside it, and whether
 * the challenger is worse. Pure: two sheets in, data and Markdown out.
 */
import { type GateSettings, gateLevel, judge } from '../../models/judging/gate.ts'
import type { Comparison, Sheet } from '../../models/judging/sheet.ts'
import type { Verdict } from '../../models/judging/verdict.ts'
import { type Scores, score } from '../../models/scores/score.ts'
import { worseThan } from '../../models/scores/versus.ts'
import { iso, minuteText } from '../../streams/time.ts'

/**
 * `worse`: shown at the gate's level, or its golden rows differ. `not_worse`: not shown. `unknown`: too few candles to
 * tell, or a champion that cannot be compared. Without a champion no skill stands in its place.
 */
export type Standing = 'worse' | 'not_worse' | 'unknown'

export interface EvaluationReport {
  readonly coin: string
  readonly family: string
  readonly standing: Standing
  readonly candles: number
  readonly from: string
  readonly to: string
  readonly challenger: Judged
  readonly champion: Judged | null
  readonly verdict: Verdict
  readonly notes: readonly string[]
  readonly markdown: string
}

export interface Judged {
  readonly name: string
  readonly sha256: string | null
  readonly scores: Scores
  readonly inferenceMsP95: number | null
}

export interface Asked {
  readonly coin: string
  readonly family: string
  readonly settings: GateSettings
  /** One way, as shares of the value traded. */
  readonly fee: number
  readonly slippage: number
}

export function reportOn(comparison: Comparison, asked: Asked): EvaluationReport {
  const { challenger, incumbent, incumbentMissing } = comparison
  const verdict = judge(challenger, incumbent, asked.settings)
  const report = {
    coin: asked.coin,
    family: asked.family,
    standing: incumbentMissing === null ? standingOf(comparison, verdict) : 'unknown',
    candles: verdict.candles,
    from: iso(challenger.from),
    to: iso(challenger.to),
    challenger: judgedOf(challenger),
    champion: incumbent && judgedOf(incumbent),
    verdict,
    notes: incumbentMissing === null ? [] : [`The champion is not compared: ${incumbentMissing}.`],
  } as const
  return { ...report, markdown: markdownOf(report, asked) }
}

function standingOf({ challenger, incumbent }: Comparison, verdict: Verdict): Standing {
  if (challenger.golden?.passed === false) return 'worse'
  if (verdict.reasons.some((it) => it.code === 'too_few' && !it.passed)) return 'unknown'
  const loss = challenger.task === 'classify' ? 'logLoss' : 'squaredError'
  if (incumbent) {
    const found = worseThan(challenger.days, incumbent.days, loss)
    if (found === null) return 'unknown'
    // Days that are equal one by one are a tie.
    if (found.p === null) return found.mean === 0 ? 'not_worse' : 'unknown'
    return found.p <= gateLevel ? 'worse' : 'not_worse'
  }
  const p = score(challenger.days, challenger.frequencies).versus[loss]?.p ?? null
  if (p === null) return 'unknown'
  return p >= 1 - gateLevel ? 'worse' : 'not_worse'
}

function judgedOf(sheet: Sheet): Judged {
  return {
    name: sheet.subject,
    sha256: sheet.sha256,
    scores: score(sheet.days, sheet.frequencies),
    inferenceMsP95: sheet.inferenceMs?.p95 ?? null,
  }
}

const words: Readonly<Record<Standing, string>> = {
  worse: 'The challenger is worse',
  not_worse: 'The challenger is not worse',
  unknown: 'It cannot be told',
}

type Row = readonly [name: string, of: (it: Scores) => number | null, noSkill: number | null]

function markdownOf(report: Omit<EvaluationReport, 'markdown'>, asked: Asked): string {
  const { challenger, champion, verdict, standing } = report
  const columns = [challenger, ...(champion ? [champion] : [])]
  const rows = rowsOf(challenger.scores).filter(([, of]) =>
    columns.some((it) => of(it.scores) !== null),
  )
  const cost = 100 * (asked.fee + asked.slippage)
  const opponent = champion?.name ?? 'no skill'
  const span = `from ${minuteText(report.from)} to ${minuteText(report.to)}`
  return [
    `## ${report.family} on ${report.coin}: ${words[standing].toLowerCase()}`,
    '',
    `${words[standing]}: ${challenger.name} against ${opponent}.`,
    `${report.candles} candles on ${challenger.scores.days} days ${span}, the same for all, none of which it was trained on.`,
    ...report.notes.flatMap((it) => ['', it]),
    '',
    `| | ${columns.map((it) => it.name).join(' | ')} | no skill |`,
    `|---|${columns.map(() => '---:|').join('')}---:|`,
    ...rows.map(
      ([name, of, noSkill]) =>
        `| ${[name, ...columns.map((it) => figure(of(it.scores))), figure(noSkill)].join(' | ')} |`,
    ),
    `| inference, p95 in ms | ${columns.map((it) => figure(it.inferenceMsP95)).join(' | ')} | |`,
    '',
    `The gate (\`${verdict.profile}\`) says **${verdict.verdict}**:`,
    '',
    ...verdict.reasons.map(
      (it) => `- ${it.passed ? 'holds' : '**does not hold**'}: \`${it.code}\`. ${it.detail}`,
    ),
    '',
    ...(columns.some((it) => it.scores.trading)
      ? [
          'Profits are in stakes: one for each buy or sell, opened at its candle’s close and closed a horizon later,',
          `at ${figure(cost)} % each way for fee and slippage.`,
          '',
        ]
      : []),
  ].join('\n')
}

function rowsOf({ baseline: { classes, values } }: Scores): readonly Row[] {
  return [
    ['log loss', (it) => it.classes?.logLoss ?? null, classes?.logLoss ?? null],
    ['Brier', (it) => it.classes?.brier ?? null, classes?.brier ?? null],
    ['accuracy', (it) => it.classes?.accuracy ?? null, classes?.accuracy ?? null],
    [
      'balanced accuracy',
      (it) => it.classes?.balancedAccuracy ?? null,
      classes?.balancedAccuracy ?? null,
    ],
    ['calibration error', (it) => it.classes?.ece ?? null, null],
    ['RMSE', (it) => it.values?.rmse ?? null, values?.rmse ?? null],
    ['MAE', (it) => it.values?.mae ?? null, values?.mae ?? null],
    ['R² against no skill', (it) => it.values?.r2NoSkill ?? null, values ? 0 : null],
    ['information coefficient', (it) => it.values?.ic ?? null, null],
    ['profit per prediction', (it) => it.trading?.profitMean ?? null, 0],
    ['Sharpe of a year', (it) => it.trading?.sharpe ?? null, null],
    ['its standard error', (it) => it.trading?.sharpeError ?? null, null],
    ['drawdown', (it) => it.trading?.drawdown ?? null, 0],
    ['stakes turned over a day', (it) => it.trading?.turnover ?? null, 0],
  ]
}

function figure(value: number | null): string {
  return value === null ? '' : String(Number(value.toPrecision(4)))
}
