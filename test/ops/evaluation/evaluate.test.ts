import assert from 'node:assert/strict'
import { test } from 'node:test'
import { evaluate } from '../../../ops/evaluation/evaluate.ts'
import { minuteMs } from '../../../streams/time.ts'
import { btc } from '../../support/store/database.ts'
import { tapeWork } from '../../support/store/tape-work.ts'

test('a question off the opening of a candle is about whole candles', async (t) => {
  const { config, dataPath, from, to } = await tapeWork(t, 'tape')
  const asked = { coin: btc, family: 'linear', version: undefined, against: undefined, days: 1 }
  const report = await evaluate({
    ...{ config, dataPath, ...asked, from: from + 30_000, to: to - minuteMs + 1 },
    progress: () => {},
  })
  assert.ok(report.candles > 500, report.markdown)
})

test('a question about no candle says which there are', async (t) => {
  const { config, dataPath, to } = await tapeWork(t, 'tape')
  const asked = { coin: btc, family: 'linear', version: undefined, against: undefined, days: 1 }
  const refused = evaluate({
    ...{ config, dataPath, ...asked, from: to, to: undefined },
    progress: () => {},
  })
  await assert.rejects(refused, {
    code: 'data.too_few',
    message: new RegExp(`nothing of BTC/USDT .* to ${new Date(to).toISOString()}$`),
  })
})
