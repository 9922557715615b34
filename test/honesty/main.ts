/**
 * The report on the gate's honesty: `node test/honesty/main.ts [MARKETS] [--python PATH]`, 200 markets of each kind where
 * nothing is said. With a Python that has LightGBM, small trees are judged beside the linear model. Prints a Markdown table
 * and ends with 1 where a promise does not hold.
 */
import { parseArgs } from 'node:util'
import {
  fixed,
  type Learner,
  type Structure,
  type Summary,
  scaled,
  signals,
  summary,
  verdictOn,
} from './verdicts.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { python: { type: 'string' } },
})
const markets = Number(positionals[0] ?? 200)
const learners: readonly Learner[] = [
  { type: 'linear' },
  ...(values.python === undefined ? [] : [{ type: 'lightgbm', python: values.python } as const]),
]

const promises: Readonly<Record<Structure, (it: Summary) => boolean>> = {
  none: (it) => it.openPassed <= 0.05 * it.markets,
  small: (it) => it.refusedForProfit >= 0.9 * it.markets && it.payingPassed === 0,
  paying: (it) => it.payingPassed >= 0.9 * it.markets,
}

process.stdout.write(
  '| learner | structure | signal | markets | open passes | paying passes | for profit alone | |\n',
)
process.stdout.write('|---|---|---|---|---|---|---|---|\n')
let held = true
for (const learner of learners) {
  for (const structure of ['none', 'small', 'paying'] as const) {
    const told = []
    for (let seed = 1; seed <= markets; seed++) {
      told.push(await verdictOn(seed, structure, learner))
      process.stderr.write(`\r${learner.type} ${structure} ${seed}/${markets} `)
    }
    const found = summary(told)
    const holds = promises[structure](found)
    held &&= holds
    const cells = [learner.type, structure, signals[structure], found.markets, found.openPassed]
    const rest = [found.payingPassed, found.refusedForProfit, holds ? 'holds' : 'does not hold']
    process.stdout.write(`\r| ${[...cells, ...rest].join(' | ')} |\n`)
  }
}

for (const [name, label] of [
  ['thresholds of half a deviation', scaled],
  ['fixed thresholds of 0.15 %: shown and not promised, volatility alone is skill here', fixed],
] as const) {
  const told = []
  for (let seed = 1; seed <= Math.min(markets, 40); seed++)
    told.push(await verdictOn(seed, 'none', { type: 'linear' }, label))
  const { markets: n, openPassed, payingPassed } = summary(told)
  held &&= label === fixed || openPassed <= 0.05 * n
  process.stdout.write(
    `\nsignal 0, ${name}: open passes ${openPassed} of ${n}, paying ${payingPassed}\n`,
  )
}
process.exitCode = held ? 0 : 1
