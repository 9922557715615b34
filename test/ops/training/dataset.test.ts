import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exitCodeOf } from '../../../ops/cli/exit.ts'
import { loadConfig } from '../../../ops/config/load.ts'
import { dataset } from '../../../ops/training/dataset.ts'
import { parseDuration } from '../../../streams/time.ts'
import { btc } from '../../support/store/database.ts'

const misuses: readonly [option: 'label' | 'horizon', value: string, said: RegExp][] = [
  ['label', 'zz', /^--label: found zz, expected JSON$/],
  ['label', '{"kind":"threshold","up":"x","down":-0.1}', /^--label\.up: /],
  ['label', '{"kind":"guess"}', /^--label\.kind: /],
  ['horizon', '7s', /^--horizon: found 7s, expected whole candles of 1m$/],
  ['horizon', '0m', /^--horizon: found 0ms, expected whole candles of 1m$/],
]
for (const [option, value, said] of misuses) {
  test(`--${option} ${value} is a wrong use, and named, before any store is opened`, async () => {
    const refused = dataset({
      ...{ config: loadConfig({}).config, dataPath: '/nowhere', out: '/nowhere/d', coin: btc },
      ...{ from: undefined, to: undefined, family: undefined, dvc: undefined, progress: () => {} },
      label: option === 'label' ? value : undefined,
      horizon: option === 'horizon' ? parseDuration(value) : undefined,
    })
    await assert.rejects(refused, (error: Error) => {
      assert.match(error.message, said)
      return exitCodeOf(error) === 2
    })
  })
}
