import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createLog, type Level } from '../../../ops/telemetry/log.ts'
import { tell } from '../../../streams/channels.ts'
import { Fault } from '../../../streams/fault.ts'

function logged(t: TestContext, least: Level = 'info', now = () => 0) {
  const lines: Record<string, unknown>[] = []
  const log = createLog((line) => void lines.push(JSON.parse(line)), now, least)
  t.after(log.close)
  return { lines, log }
}

test('an event is one JSON line that says when, how grave and what', (t) => {
  const { lines } = logged(t)
  tell('gap.opened', { coin: 'BTC/USDT', from: 0, to: 60_000, cause: 'silent' })
  assert.deepEqual(lines, [
    {
      at: '1970-01-01T00:00:00.000Z',
      level: 'warn',
      event: 'gap.opened',
      coin: 'BTC-USDT',
      from: '1970-01-01T00:00:00.000Z',
      to: '1970-01-01T00:01:00.000Z',
      cause: 'silent',
    },
  ])
})

test('coin, lane and incarnation have one id each', (t) => {
  const { lines } = logged(t)
  tell('version.quarantined', { coin: 'BTC/USDT', family: 'tst', version: 3, reason: 'poison' })
  const error = new Fault('store.unavailable', 'no', { cause: new Error('why') })
  tell('actor.crashed', { path: 'market/sink', epoch: 9, error, deadline: false })
  assert.partialDeepStrictEqual(lines[0], { coin: 'BTC-USDT', lane: 'BTC-USDT/tst' })
  assert.partialDeepStrictEqual(lines[1], {
    incarnation: 'market/sink#9',
    error: { code: 'store.unavailable', message: 'no', cause: { message: 'why' } },
  })
})

test('what happens at every candle is said only on request', (t) => {
  const quiet = logged(t)
  const chatty = logged(t, 'debug')
  const bar = { open: 1, high: 1, low: 1, close: 1, volume: 1, trades: 1 }
  const about = { state: 'final', revision: 0, waitMs: 1 }
  tell('candle.closed', { coin: 'BTC/USDT', openAt: 0, ...bar, ...about })
  assert.equal(quiet.lines.length, 0)
  assert.equal(chatty.lines.length, 1)
})

test('a dead letter is named, not printed', (t) => {
  const { lines } = logged(t)
  const message = { type: 'observe', trades: new Float64Array(5000) }
  tell('dead.letter', { path: 'x', reason: 'full', message })
  assert.equal(lines[0]?.message, 'observe')
})

test('a storm of one event becomes a number', (t) => {
  let at = 0
  const { lines } = logged(t, 'info', () => at)
  const drop = () => tell('queue.dropped', { queue: 'version', count: 1 })
  for (let i = 0; i < 1000; i++) drop()
  assert.equal(lines.length, 50)
  at = 1000
  drop()
  assert.partialDeepStrictEqual(lines[50], {
    event: 'log.suppressed',
    of: 'queue.dropped',
    count: 950,
  })
  assert.equal(lines.length, 52)
})
