/**
 * `models/RESULTS.md`: every family on every market at three horizons, walking forward, after costs.
 * `node ops/launch.mjs --node ops/shipping/results.ts --data DIR BTC/USD=btc.csv.gz ETH/USD=eth.csv.gz [family …]`. It
 * takes its time: each figure is as many trainings as there are folds. What is done already is kept in the data directory.
 */
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Family, families, familiesFolder } from '../../models/family.ts'
import { gateDefaults, judge } from '../../models/judging/gate.ts'
import type { Sheet } from '../../models/judging/sheet.ts'
import { nextMinute } from '../../models/label.ts'
import type { Label } from '../../models/manifest.ts'
import { score } from '../../models/scores/score.ts'
import { walkForward } from '../../models/split.ts'
import { coinToPath } from '../../streams/coin.ts'
import { durationText, hourMs, iso, type Millis, minuteMs } from '../../streams/time.ts'
import { readArguments } from './arguments.ts'
import { figure } from './card.ts'
import {
  costs,
  datasetOf,
  type Market,
  make,
  type Question,
  readMarket,
  stretchOf,
} from './workbench.ts'

interface Result {
  readonly family: string
  readonly coin: string
  readonly horizon: Millis
  readonly label: Label
  readonly folds: number
  readonly sheet: Sheet
}

const horizons: readonly Millis[] = [minuteMs, 15 * minuteMs, hourMs]
/** Networks take the time of ten trees: they walk fewer steps and see fewer of the windows that are nearly alike. */
const walks = {
  trees: { folds: 2, settings: {} },
  nets: { folds: 2, settings: { epochs: 2, stride: 16 } },
} as const

function walkOf(family: Family) {
  const isNet = family.trainer.runtime === 'python' && family.trainer.requirements === 'torch'
  return isNet ? walks.nets : walks.trees
}

/** At one minute the seed's label, so that its figures can be compared; else the family's own. */
function labelFor(family: Family, horizon: Millis): Label {
  if (family.task === 'classify' && horizon === minuteMs) return nextMinute
  if (family.label.kind !== 'return') return family.label
  const far = Math.sqrt(horizon / family.horizon)
  return { ...family.label, up: family.label.up * far, down: family.label.down * far }
}

async function walk(
  family: Family,
  market: Market,
  horizon: Millis,
  data: string,
): Promise<Result> {
  const name = `${family.name}-${coinToPath(market.coin)}-${durationText(horizon)}`
  const folder = join(data, 'results')
  const kept = join(folder, `${name}.json`)
  if (existsSync(kept)) return JSON.parse(readFileSync(kept, 'utf8')) as Result
  const question: Question = { family, label: labelFor(family, horizon), horizon }
  const dataset = await datasetOf(market, question, join(folder, 'datasets', family.name))
  const { folds, settings } = walkOf(family)
  const splits = walkForward(stretchOf(market, question), {
    folds,
    testShare: 0.15,
    validateShare: 0.1,
    mode: 'expanding',
  })
  const sheets: Sheet[] = []
  for (const split of splits) {
    const log = (): void => {}
    const work = {
      data,
      folder: join(folder, 'work'),
      datasets: [dataset],
      splits: [split],
      seed: 1,
      threads: 1,
      log,
    }
    const { sheets: made } = await make(question, { ...work, settings })
    sheets.push(...made)
  }
  const [first] = sheets
  if (!first) throw new Error(`${name}: no fold was made`)
  const sum = (pick: (it: Sheet) => number): number => sheets.reduce((all, it) => all + pick(it), 0)
  const frequencies = [0, 1, 2].map((k) =>
    sum((it) => it.frequencies?.[k] ?? 0),
  ) as unknown as Sheet['frequencies']
  const sheet: Sheet = {
    ...first,
    to: Math.max(...sheets.map((it) => it.to)),
    days: sheets.flatMap((it) => it.days),
    coverage: {
      candles: sum((it) => it.coverage.candles),
      answered: sum((it) => it.coverage.answered),
    },
    frequencies: family.task === 'classify' ? frequencies : null,
  }
  const result: Result = {
    family: family.name,
    coin: market.coin,
    horizon,
    label: question.label,
    folds,
    sheet,
  }
  await mkdir(folder, { recursive: true })
  await writeFile(kept, JSON.stringify(result))
  return result
}

function page(results: readonly Result[], command: string): string {
  const { fee, slippage } = costs()
  const verdict = (it: Result): string => {
    const { verdict: said, reasons } = judge(it.sheet, null, { ...gateDefaults, profile: 'paying' })
    const failed = reasons.filter(({ passed }) => !passed).map(({ code }) => code)
    return said === 'passed' ? 'passed' : failed.join(', ')
  }
  const lineOf = (it: Result): string => {
    const { classes, values, trading, baseline, versus, n } = score(
      it.sheet.days,
      it.sheet.frequencies,
    )
    const isValue = classes?.logLoss === null || classes === null
    const loss = isValue ? values?.rmse : classes.logLoss
    const naive = isValue ? baseline.values?.rmse : baseline.classes?.logLoss
    const p = isValue ? versus.squaredError?.p : versus.logLoss?.p
    const cells = [
      ...[it.family, it.coin, durationText(it.horizon), n],
      ...[`${isValue ? 'RMSE' : 'log loss'} ${figure(loss)}`, figure(naive), figure(p)],
      ...(isValue
        ? [`IC ${figure(values?.ic)}`, '–']
        : [figure(classes.accuracy), figure(baseline.classes?.accuracy)]),
      ...[figure(trading?.profit), figure(trading?.trades), figure(trading?.sharpe), verdict(it)],
    ]
    return `| ${cells.join(' | ')} |`
  }
  const [first, second] = [walks.trees, walks.nets]
  return `# What the families are worth

One-minute candles of Bitfinex, January to June 2019, walking forward: every row is judged on candles after all that
its model has seen, purged and under embargo. Costs: a fee of ${fee * 100} % and slippage of ${slippage * 100} % of every trade, on the
way in and out. One stake per signal, closed a horizon later; profits are sums of stakes. \`p\`: how likely no skill does
as well (one-sided, paired by day). The last column is what the \`paying\` gate finds wanting.

It is sobering, and that is its worth: there is something to be known about the next minutes, and costs eat it.

| family | market | horizon | rows | loss | no skill | p | accuracy | no skill | profit | trades | Sharpe | \`paying\` |
|---|---|---|---|---|---|---|---|---|---|---|---|---|
${results.map(lineOf).join('\n')}

Labels: lightgbm, linear and tst are told sell, hold or buy: at one minute by the return beyond ±0.015 %, at 15 minutes and
an hour beyond half of the deviation that the four hours before let one expect. A fixed threshold is reached more often
when a market is restless, and that can be foreseen without knowing any direction: a better log loss at one minute is
mostly that. lstm is told the return itself and signals beyond ±0.15 % at an hour, at shorter horizons less by the root of
time. volatility is told how much the price moves over the horizon, and gives no signal that could be traded.
${first.folds} folds of 15 % each; networks, which take ten times as long, with ${second.settings.epochs} epochs over one window
in ${second.settings.stride}.

Made ${iso(Date.now()).slice(0, 10)} on two shared cores by

\`\`\`
${command}
\`\`\`
`
}

const { data, markets: files, names } = readArguments(process.argv.slice(2))
const results: Result[] = []
for (const { coin, path } of files) {
  const market = await readMarket(coin, path)
  for (const family of families().filter(({ name }) => names.length === 0 || names.includes(name)))
    for (const horizon of horizons) {
      results.push(await walk(family, market, horizon, data))
      process.stderr.write(`${family.name} ${coin} ${durationText(horizon)}\n`)
    }
}
const shown = files.map(({ coin }) => `${coin}=${coin.split('/').join('')}-2019H1.csv.gz`)
const command = `node ops/launch.mjs --node ops/shipping/results.ts --data .starling ${shown.join(' ')}`
results.sort((a, b) =>
  a.family === b.family ? a.horizon - b.horizon : a.family < b.family ? -1 : 1,
)
await writeFile(join(familiesFolder, 'RESULTS.md'), page(results, command))
