/**
 * The gate is honest: on made markets without structure it lets next to nothing through, on those whose structure pays its
 * fees it lets nearly everything through, and between the two it says that the fees are the reason. The same on 200 markets
 * of each kind is a report: `node test/honesty/main.ts`.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Learner, type Structure, scaled, summary, verdictOn } from '../honesty/verdicts.ts'
import { pythonTools } from './support/python.ts'

const linear: Learner = { type: 'linear' }

async function judged(structure: Structure, markets: number, by: Learner) {
  const told = []
  for (let seed = 1; seed <= markets; seed++) told.push(await verdictOn(seed, structure, by))
  return summary(told)
}

test('40 markets without structure: open lets at most 5 % through', async () => {
  const { openPassed } = await judged('none', 40, linear)
  assert.ok(openPassed <= 2, `${openPassed} of 40`)
})

test('nor do thresholds scaled by volatility let a market without structure through', async () => {
  const told = []
  for (let seed = 1; seed <= 10; seed++) told.push(await verdictOn(seed, 'none', linear, scaled))
  assert.equal(summary(told).openPassed, 0)
})

test('20 markets whose structure pays its fees: paying lets at least 90 % through', async () => {
  const { payingPassed } = await judged('paying', 20, linear)
  assert.ok(payingPassed >= 18, `${payingPassed} of 20`)
})

test('20 markets with less structure than fees: open passes, paying refuses for the profit', async () => {
  const { refusedForProfit, payingPassed } = await judged('small', 20, linear)
  assert.equal(payingPassed, 0)
  assert.ok(refusedForProfit >= 18, `${refusedForProfit} of 20`)
})

test('a small LightGBM is judged no otherwise', async (t) => {
  const tools = pythonTools('lightgbm==4.7.0', 'scikit-learn==1.9.1', 'numpy')
  if (tools.type === 'absent') return t.skip(tools.why)
  const trees: Learner = { type: 'lightgbm', python: tools.python }
  assert.equal((await judged('none', 8, trees)).openPassed, 0)
  assert.ok((await judged('paying', 3, trees)).payingPassed >= 2)
  assert.ok((await judged('small', 3, trees)).refusedForProfit >= 2)
})
