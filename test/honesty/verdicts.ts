/**
 * The gate on made markets: what share of versions it lets through where there is nothing to learn, where there is less
 * than the fees take, and where there is more. Nothing is chosen by its outcome: seeds are counted from 1, and the amounts
 * of structure stand here.
 */
import { gateDefaults, judge } from '../../models/judging/gate.ts'
import { type Contestant, tallyRows } from '../../models/judging/rows.ts'
import type { Label, Manifest } from '../../models/manifest.ts'
import { minuteMs } from '../../streams/time.ts'
import { examplesOf, type Learnt } from './examples.ts'
import { fitLinear } from './linear.ts'
import { columns, direction, horizon, type MadeMarket, makeMarket } from './made-market.ts'
import { fitTrees } from './trees.ts'

/**
 * Shares of the variance of 15-minute returns that can be known. A return to be expected is 0.12 % at 0.2 and 0.4 % at
 * 0.7, and a trade costs 0.22 %.
 */
export const signals = { none: 0, small: 0.2, paying: 0.7 } as const
export type Structure = keyof typeof signals

const days = { train: 12, test: 20 }
const costs = { fee: 0.001, slippage: 0.0001 }

export interface Told {
  readonly seed: number
  /** Reasons that did not hold. */
  readonly open: readonly string[]
  readonly paying: readonly string[]
}

export type Learner =
  | { readonly type: 'linear' }
  | { readonly type: 'lightgbm'; readonly python: string }

export async function verdictOn(
  seed: number,
  structure: Structure,
  by: Learner,
  label: Label = direction,
): Promise<Told> {
  const market = await makeMarket(seed, signals[structure], days, label)
  const learnt = await learn(market, by)
  const [mine] = await tally(market, learnt.run)
  const sheet = {
    subject: `seed ${seed}`,
    sha256: null,
    task: 'classify',
    trials: 1,
    ...{ from: market.test[0], to: market.test[1], days: mine?.days ?? [] },
    coverage: { candles: mine?.candles ?? 0, answered: mine?.answered ?? 0 },
    ...{ frequencies: learnt.frequencies, golden: null, inferenceMs: null },
  } as const
  const failing = (profile: 'open' | 'paying'): readonly string[] =>
    judge(sheet, null, { ...gateDefaults, profile })
      .reasons.filter((it) => !it.passed)
      .map((it) => it.code)
  return { seed, open: failing('open'), paying: failing('paying') }
}

async function learn(market: MadeMarket, by: Learner): Promise<Learnt> {
  const examples = examplesOf(market.block, market.train)
  switch (by.type) {
    case 'linear':
      return fitLinear(examples)
    case 'lightgbm':
      return fitTrees(by.python, examples, await judgedInputs(market))
  }
}

/** The rows that an evaluation runs, as it runs them. */
async function judgedInputs(market: MadeMarket): Promise<Float32Array> {
  const parts: Float32Array[] = []
  await tally(market, async (inputs, rows) => {
    parts.push(inputs.slice())
    return Float32Array.from({ length: 3 * rows }, (_, i) => (i % 3 === 1 ? 1 : 0))
  })
  const all = new Float32Array(parts.reduce((sum, it) => sum + it.length, 0))
  let at = 0
  for (const part of parts) {
    all.set(part, at)
    at += part.length
  }
  return all
}

function tally({ block, test, label }: MadeMarket, run: Contestant['run']) {
  const manifest = {
    ...{ task: 'classify', classes: ['sell', 'hold', 'buy'], label },
    ...{ interval: '1m', horizonCandles: horizon },
    input: { kind: 'row', tensor: 'features', length: 1, columns },
    output: { kind: 'probabilities', tensor: 'probabilities' },
  } as unknown as Manifest
  const rows = { columns, intervalMs: minuteMs, blocks: [block] }
  return tallyRows(rows, [{ manifest, run, trained: [] }], [test], costs)
}

export interface Summary {
  readonly markets: number
  readonly openPassed: number
  readonly payingPassed: number
  /** Passed by `open` and refused by `paying`, for the profit and nothing else. */
  readonly refusedForProfit: number
}

export function summary(told: readonly Told[]): Summary {
  return {
    markets: told.length,
    openPassed: told.filter((it) => it.open.length === 0).length,
    payingPassed: told.filter((it) => it.paying.length === 0).length,
    refusedForProfit: told.filter(
      (it) => it.open.length === 0 && it.paying.length === 1 && it.paying[0] === 'profit',
    ).length,
  }
}

/** Half a deviation of what the movement just past lets one expect: volatility is taken out of it, and direction is left. */
export const scaled: Label = { kind: 'scaled_threshold', up: 0.5, down: -0.5, lookback: 240 }

/**
 * What fixed thresholds make of a market without a direction: its volatility can be foreseen, and with it how often the
 * thresholds are reached. A better log loss for that is true, and no profit.
 */
export const fixed: Label = { kind: 'threshold', up: 0.0015, down: -0.0015 }
