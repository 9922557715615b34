/**
 * Bring your own: a scikit-learn model, converted by skl2onnx in a family name that Starling has never heard of, is published
 * and swapped in from the command line: it gets lanes of its own, and answers.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { featureSet } from '../../streams/features/set.ts'
import { minuteMs } from '../../streams/time.ts'
import { assertContinuity, house, starling, startDaemon } from '../support/daemon/daemon.ts'
import { progress, wellAgain } from '../support/daemon/ledger-view.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/until.ts'
import { pythonTools } from './support/python.ts'

const tools = pythonTools('scikit-learn==1.9.1', 'skl2onnx==1.20.0')
const skip = tools.type === 'present' ? false : tools.why
const script = fileURLToPath(new URL('./support/foreign.py', import.meta.url))
const config = `
market: { source: tape, historyDays: 2, tape: { speed: 120 } }
fleet: { families: { linear: {} }, shadowCandles: 2 }
training: { where: off }
api: { port: 0 }
`

test('a model of a stranger is verified, followed and answers, in a family of its own', {
  skip,
}, async (t) => {
  if (tools.type !== 'present') return
  const folder = join(temporaryFolder(), 'grove')
  const made = spawnSync(tools.python, [script, folder, featureSet(minuteMs).hash], {
    encoding: 'utf8',
  })
  assert.equal(made.status, 0, made.stderr)
  const at = house(t, config)
  const daemon = await startDaemon(t, at)
  await progress(daemon, 3)
  const ask = (...words: readonly string[]) => {
    const { code, out, err } = starling(
      ...words,
      '--json',
      '--data',
      at.data,
      '--config',
      at.config,
    )
    assert.equal(code, 0, err)
    return JSON.parse(out)
  }
  const published = ask('publish', folder)
  assert.deepEqual([published.family, published.version], ['grove', 1])
  // Nobody has judged it here, so somebody has to answer for it.
  ask('swap', 'BTC/USDT', 'grove', '1', '--wait')
  const first = await until('it has answered a candle as it closed', async () => {
    type Page = { items: { mode: string; slot: string; probabilities: { buy: number } }[] }
    const { items } = await daemon.get<Page>(
      '/api/v1/predictions?coin=BTC-USDT&family=grove&mode=live',
    )
    return items[0]
  })
  assert.equal(first.slot, 'v1')
  assert.ok(first.probabilities.buy >= 0)
  const [model] = (
    await daemon.get<{ items: { state: string }[] }>('/api/v1/models?coin=BTC-USDT&family=grove')
  ).items
  assert.equal(model?.state, 'serving')
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})
