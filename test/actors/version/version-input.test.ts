import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  hashInput,
  type InputPlan,
  planInput,
  whyHole,
} from '../../../actors/version/version-input.ts'
import type { ModelInput } from '../../../models/manifest.ts'
import { Fault } from '../../../streams/fault.ts'
import type { FeatureRow } from '../../../streams/features/row.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { minuteMs } from '../../../streams/time.ts'

const set = featureSet(minuteMs)
const names = ['return_1', 'rsi_14']
const input: ModelInput = {
  tensor: 'features',
  kind: 'window',
  length: 30,
  columns: names,
  featureSet: set.hash,
}

function row(over: Partial<FeatureRow>): FeatureRow {
  return {
    openAt: 0,
    state: 'final',
    whole: 10_000,
    after: 'start',
    values: new Float64Array(set.columns.length),
    ...over,
  }
}

test('a window needs its columns whole at its oldest row too', () => {
  const plan = planInput(input, set)
  assert.equal(plan.need, set.candlesNeeded(names, 30))
  assert.ok(plan.need >= set.candlesNeeded(names) + 29)
  assert.equal(plan.width, 60)
})

const plan: InputPlan = { key: '', columns: [0], length: 1, need: 20, width: 1 }
const cases: [string, Partial<FeatureRow>, string | undefined][] = [
  ['a whole row is answered', {}, undefined],
  ['just whole is whole', { whole: 20 }, undefined],
  ['a minute without trades is a hole', { state: 'empty' }, 'no_trades'],
  ['a missing minute is a gap', { state: 'missing', whole: 0, after: 'gap' }, 'gap'],
  ['a row too near to the start is in warm-up', { whole: 19 }, 'warmup'],
  ['a row too near to a gap is over it', { whole: 19, after: 'gap' }, 'gap'],
  ['a corrected candle is as good as any', { state: 'corrected' }, undefined],
]
for (const [name, over, expected] of cases) {
  test(name, () => assert.equal(whyHole(plan, row(over)), expected))
}

test('a model made for other features, or for columns that there are not, is refused by name', () => {
  const cases: [ModelInput, string][] = [
    [{ ...input, featureSet: `sha256:${'0'.repeat(64)}` }, 'version.feature_set'],
    [{ ...input, columns: ['return_1', 'moon_phase'] }, 'version.columns'],
    [{ tensor: 'ids', kind: 'text', length: 128 }, 'version.input'],
  ]
  for (const [wrong, code] of cases) {
    assert.throws(
      () => planInput(wrong, set),
      (error) => error instanceof Fault && error.code === code,
    )
  }
})

test('equal numbers have equal hashes wherever they lie', () => {
  const inputs = Float32Array.of(1, 2, 3, 1, 2, 4)
  assert.equal(hashInput(inputs, 0, 2), hashInput(inputs, 3, 2))
  assert.notEqual(hashInput(inputs, 1, 2), hashInput(inputs, 4, 2))
})
