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
    'ready · tape · 12,345 new predictions · wait 41 ms · candle 1970-01-01 00:00 · 2 coins, 1 lane',
  ],
  [
    { mode: 'live', source: 'kraken', predictions: 0, lastCandleAt: null, waitMs: null, holes: 1 },
    'ready · live kraken · 0 new predictions · 1 hole · no close yet · 2 coins, 1 lane',
  ],
  [
    { history: { days: 54.9, of: 180 }, waitMs: null },
    'ready · history ███░░░░░░░ 54 of 180 days · tape · 12,345 new predictions · candle 1970-01-01 00:00 · 2 coins, 1 lane',
  ],
  [
    { health: 'degraded', degraded: ['store waits'], waitMs: null },
    'degraded · store waits · tape · 12,345 new predictions · candle 1970-01-01 00:00 · 2 coins, 1 lane',
  ],
]
for (const [change, expected] of cases) {
  test(`it reads: ${expected}`, () => assert.equal(statusLine({ ...vitals, ...change }), expected))
}

test('of 80 columns the bar of the history and the trouble are seen, the waits and the newest candle without them', () => {
  const seen = (change: Partial<Vitals>): string => {
    const out = outputOf(true, 80)
    startStatusLine(() => ({ ...vitals, ...change }), out, new VirtualTimeScheduler()).say('')
    return out.texts.at(-1) as string
  }
  const history = { days: 54.9, of: 180 }
  const degraded = ['starling/coins/BTC-USDT is in quarantine: it gave up']
  assert.match(
    seen({ health: 'degraded', history, degraded }),
    /54 of 180 days · starling\/coins\/BTC/,
  )
  assert.match(seen({ lanes: 10 }), /wait 41 ms · candle 1970-01-01 00:00/)
})

function outputOf(isTerminal: boolean, columns = 30): Output & { readonly texts: string[] } {
  const texts: string[] = []
  return { texts, isTerminal, columns: () => columns, write: (text) => void texts.push(text) }
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
