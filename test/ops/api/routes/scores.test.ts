import assert from 'node:assert/strict'
import { test } from 'node:test'
import { emptyDay } from '../../../../models/scores/sums.ts'
import type { ApiDeps } from '../../../../ops/api/deps.ts'
import type { DaySums, StoreReads } from '../../../../ops/store/reads/reads.ts'
import { ask, btc, noon, stubReads } from '../stub.ts'

function reading(more: Partial<StoreReads>): Partial<ApiDeps> {
  return { reads: { ...stubReads, ...more } }
}

const day: DaySums = {
  ...emptyDay(noon),
  coin: btc,
  family: 'linear',
  version: 1,
  n: 2,
  confusion: [
    [0, 0, 0],
    [0, 1, 0],
    [0, 1, 0],
  ],
  logLossSum: 1,
  brierSum: 1,
  calibration: [{ n: 2, confidence: 1, right: 1 }],
  profitSum: 0.25,
  profitSquareSum: 0.1,
  profitHigh: 0.25,
}

test('scores stand beside no skill, one per version over its days', async () => {
  const daySums = async () => [day, { ...day, day: noon + 86_400_000 }, { ...day, version: 2 }]
  const { status, body } = await ask('/api/v1/scores?mode=live', {}, reading({ daySums }))
  assert.equal(status, 200)
  assert.partialDeepStrictEqual(body, {
    items: [
      {
        coin: 'BTC/USDT',
        version: 1,
        n: 4,
        classes: { accuracy: 0.5, f1: { sell: null } },
        trading: { profit: 0.5, days: 2 },
        baseline: { classes: { accuracy: 0.5 }, trading: { profit: 0 } },
      },
      { version: 2, n: 2 },
    ],
    next: null,
  })
})

test('scores tell their coverage, whose frequencies no skill has, and windows where they are asked for', async () => {
  const coverage = async () =>
    [
      {
        coin: btc,
        family: 'linear',
        version: 1,
        candles: 10,
        answered: 8,
        frequencies: [1, 0.5, 1],
        trials: 3,
      },
    ] as const
  const daySums = async () => [0, 1, 2].map((i) => ({ ...day, day: noon + i * 86_400_000 }))
  const deps = reading({ daySums, coverage } as never)
  const { body } = await ask('/api/v1/scores?window=2d', {}, deps)
  assert.partialDeepStrictEqual(body, {
    items: [
      {
        coverage: { candles: 10, answered: 8, share: 0.8 },
        baseline: { frequencies: 'training' },
        versus: { profit: { mean: 0.125, p: null } },
        laneOverfitting: null,
        rolling: [{ n: 4 }, { n: 4 }],
      },
    ],
  })
  assert.equal((await ask('/api/v1/scores?window=2h')).status, 400)
})
