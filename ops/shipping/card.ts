/**
 * A family's card: what it is, on what its shipped version was trained, how good that is, and where it ends. All of it is
 * said by the artifact's own files, so that a card can be held against them.
 */
import type { Family } from '../../models/family.ts'
import type { Verdict } from '../../models/judging/verdict.ts'
import type { Manifest } from '../../models/manifest.ts'
import type { Scores } from '../../models/scores/score.ts'
import { durationText } from '../../streams/time.ts'

/** Of `metrics.json`, what a card tells. */
export interface CardMetrics {
  readonly split: Readonly<Record<'train' | 'validate' | 'test', Part>>
  readonly settings: Readonly<Record<string, unknown>>
  readonly scores: readonly Worth[]
}

/** Instants as ISO 8601; a range for each market, which it does not reach the end of. */
interface Part {
  readonly ranges: readonly (readonly [from: string, to: string])[]
  readonly rows?: number
}

interface Worth {
  readonly coin: string | undefined
  readonly verdict: Verdict
  readonly scores: Scores
}

export function cardOf(family: Family, manifest: Manifest, metrics: CardMetrics): string {
  const { markets, trainer, seed, device, seconds } = manifest.trained
  const { split, settings, scores: worth } = metrics
  const [fitted, stopped, judged] = [split.train, split.validate, split.test].map(spanOf)
  const bytes = Object.values(manifest.files).reduce((sum, it) => sum + it.bytes, 0)
  return `# ${family.name}

${family.about}

| | |
|---|---|
| task | ${family.task}, label \`${JSON.stringify(manifest.label)}\`, ${durationText(family.horizon)} ahead |
| input | ${family.input.kind === 'row' ? 'one candle' : `${family.input.length} candles`}, ${family.input.columns.length} columns |
| trainer | ${trainer}, seed ${seed}, on ${device}, ${Math.round(seconds ?? 0)} s |
| settings | \`${JSON.stringify(settings)}\` |
| retrained | every ${durationText(family.retrain)} by default |

## The shipped version

Fitted on the newest ${counted(split.train.rows)} rows of ${markets.map(({ coin, source }) => `${coin} (${source})`).join(' and ')},
one-minute candles ${fitted}; ${counted(split.validate.rows)} rows ${stopped} were there to choose and to stop by.
${(bytes / 1024).toFixed(0)} KiB. Judged on the candles ${judged}, which it has not seen, with costs of 0.1 % and slippage for each
trade:

${family.task === 'classify' ? classTable(worth) : valueTable(worth)}

By the open gate: ${worth.map(({ coin, verdict }) => `${coin} ${verdict.verdict}${why(verdict)}`).join('; ')}.
It serves whatever the gate says, so that a lane has a version from the start, and the verdict stands beside it.

## Limits

Two coins of one exchange, half a year of 2019: another market, and another time, are something else. It knows prices and
volumes, no news and no order book. Nothing here is advice; profits before costs are no profits.
`
}

function spanOf({ ranges }: Part): string {
  const first = ranges.map(([from]) => from).toSorted()[0] as string
  const last = ranges
    .map(([, to]) => to)
    .toSorted()
    .at(-1) as string
  return `from ${first.slice(0, 10)} to ${last.slice(0, 10)}`
}

function counted(rows = 0): string {
  return rows.toLocaleString('en-GB')
}

function why({ reasons }: Verdict): string {
  const failed = reasons.filter(({ passed }) => !passed).map(({ code }) => code)
  return failed.length === 0 ? '' : ` (${failed.join(', ')})`
}

function classTable(worth: readonly Worth[]): string {
  const rows = worth.map(({ coin, scores }) => {
    const { classes, trading, baseline, versus, n } = scores
    const skill = [classes?.logLoss, baseline.classes?.logLoss, versus.logLoss?.p]
    const right = [classes?.accuracy, baseline.classes?.accuracy, classes?.ece]
    return row(coin, n, ...skill, ...right, trading?.profit, trading?.sharpe)
  })
  return `| market | rows | log loss | no skill | p | accuracy | no skill | ECE | profit, stakes | Sharpe |
|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}`
}

function valueTable(worth: readonly Worth[]): string {
  const rows = worth.map(({ coin, scores }) => {
    const { values, baseline, versus, trading, n } = scores
    const skill = [values?.rmse, baseline.values?.rmse, versus.squaredError?.p]
    const away = [values?.mae, baseline.values?.mae, values?.r2, values?.ic]
    return row(coin, n, ...skill, ...away, trading?.profit)
  })
  return `| market | rows | RMSE | no skill | p | MAE | no skill | R² | IC | profit, stakes |
|---|---|---|---|---|---|---|---|---|---|
${rows.join('\n')}`
}

function row(name: string | undefined, ...figures: readonly (number | null | undefined)[]): string {
  return `| ${[name, ...figures.map(figure)].join(' | ')} |`
}

export function figure(value: number | null | undefined): string {
  if (value === null || value === undefined) return '–'
  return String(Number.isInteger(value) ? value : Number(value.toPrecision(3)))
}
