import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualTimeScheduler } from 'rxjs'
import { startStatusLine, statusLine, type Vitals } from '../../../ops/telemetry/status-line.ts'
import type { Output } from '../../../ops/telemetry/terminal.ts'

const vitals: Vitals = {
  health: 'ready',
  mode: 'tape',
  source: 'tape',
  coins: 2,
  lanes: 1,
  predictions: 12345,
  lastCandleAt: 0,
  waitMs: 41.4,
  holes: 0,
  history: null,
  degraded: [],
}

const cases: readonly [Partial<Vitals>, string][] = [
  [
    {},
    'ready · tape · 2 coins, 1 lane · 12,345 predictions · candle 1970-01-01 00:00 · wait 41 ms',
  ],
  [
    { mode: 'live', source: 'kraken', lastCandleAt: null, waitMs: null, holes: 1 },
    'ready · live kraken · 2 coins, 1 lane · 12,345 predictions · no candle yet · 1 hole',
  ],
  [
    { history: { days: 54.9, of: 180 }, waitMs: null },
    'ready · tape · 2 coins, 1 lane · 12,345 predictions · candle 1970-01-01 00:00 · history ███░░░░░░░ 54 of 180 days',
  ],
  [
    { health: 'degraded', degraded: ['store waits'], waitMs: null },
    'degraded · tape · 2 coins, 1 lane · 12,345 predictions · candle 1970-01-01 00:00 · store waits',
  ],
]
for (const [change, expected] of cases) {
  test(`it reads: ${expected}`, () => assert.equal(statusLine({ ...vitals, ...change }), expected))
}

function outputOf(isTerminal: boolean): Output & { readonly texts: string[] } {
  const texts: string[] = []
  return { texts, isTerminal, columns: () => 30, write: (text) => void texts.push(text) }
}

test('in a file it is a line a minute, and one more when health changes', () => {
  const clock = new VirtualTimeScheduler()
  const out = outputOf(false)
  let health: Vitals['health'] = 'ready'
  startStatusLine(() => ({ ...vitals, health }), out, clock)
  clock.maxFrames = 119_000
  clock.flush()
  assert.equal(out.texts.length, 2)
  health = 'degraded'
  clock.maxFrames = 121_000
  clock.flush()
  assert.equal(out.texts.length, 3)
  assert.match(out.texts[2] as string, /^degraded .*\n$/)
})

test('on a terminal it is rewritten in place and never wider than the window', () => {
  const clock = new VirtualTimeScheduler()
  const out = outputOf(true)
  const line = startStatusLine(() => vitals, out, clock)
  clock.maxFrames = 3000
  clock.flush()
  assert.equal(out.texts.length, 4)
  assert.equal(out.texts[0], `\r\u001b[2K${statusLine(vitals).slice(0, 29)}`)
  line.say('gap')
  assert.deepEqual(out.texts[4], '\r\u001b[2Kgap\n')
  line.stop()
  clock.maxFrames = 9000
  clock.flush()
  assert.equal(out.texts.length, 7)
})
