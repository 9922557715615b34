import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Due, due, type LaneFacts, phaseOf } from '../../../actors/training/due.ts'
import type { Coin } from '../../../streams/coin.ts'
import { dayMs, hourMs } from '../../../streams/time.ts'

const lane = { coin: 'BTC/USDT' as Coin, family: 'linear' }
const now = 10_000 * dayMs

const facts: LaneFacts = {
  lane,
  retrainMs: 5 * dayMs,
  obstacle: null,
  isUnderWay: false,
  hasOnlyShipped: true,
  past: [],
  history: {
    candles: 43_200,
    isFetched: true,
    fetchingMs: 0,
    candlesMin: 2_000,
    candlesMax: 100_000,
  },
  isPastItsAge: false,
}

function told(it: Due): string {
  if (it.type === 'now') return `now ${it.cause}`
  if (it.type === 'later') return `in ${((it.at - now) / hourMs).toFixed(0)} h`
  return it.type
}

/** States of past runs, newest first, the newest so many hours ago. */
const past = (hours: number, ...states: readonly string[]): LaneFacts['past'] =>
  states.map((state, i) => ({ state, marketAt: now - (hours + i) * hourMs }))

const history = (candles: number, isFetched: boolean): LaneFacts['history'] => ({
  ...facts.history,
  candles,
  isFetched,
})

const cases: readonly [name: string, change: Partial<LaneFacts>, is: string][] = [
  ['only the shipped version: at once', {}, 'now first'],
  ['a run is under way: never two', { isUnderWay: true, isPastItsAge: true }, 'underWay'],
  ['no Python: said, not tried', { obstacle: 'install Python', isPastItsAge: true }, 'obstructed'],
  ['history is still coming', { history: history(50_000, false) }, 'waiting'],
  ['deep enough before all of it has come', { history: history(100_000, false) }, 'now first'],
  [
    'it comes too slowly to be waited for',
    { history: { ...history(50_000, false), fetchingMs: hourMs } },
    'now first',
  ],
  ['all there is, and too few', { history: history(720, true) }, 'waiting'],
  ['its version is past its age', { isPastItsAge: true, past: past(1, 'passed') }, 'now drift'],
  ['a failure waits an hour', { past: past(0, 'failed') }, 'in 1 h'],
  ['the second four', { past: past(0, 'failed', 'failed') }, 'in 4 h'],
  ['the third sixteen', { past: past(0, 'failed', 'failed', 'failed') }, 'in 16 h'],
  ['never longer than the regular turn', { past: past(0, ...Array(9).fill('failed')) }, 'in 120 h'],
  ['failures before a success are forgotten', { past: past(0, 'failed', 'passed') }, 'in 1 h'],
  ['a refusal with nothing of its own waits a day', { past: past(0, 'refused') }, 'in 24 h'],
  ['then two', { past: past(0, 'refused', 'refused') }, 'in 48 h'],
  ['at most twenty', { past: past(0, ...Array(9).fill('refused')) }, 'in 480 h'],
  [
    'a refusal beside a version of its own waits a turn',
    { hasOnlyShipped: false, past: past(0, 'refused', 'passed') },
    'in 120 h',
  ],
  ['then two', { hasOnlyShipped: false, past: past(0, 'refused', 'refused') }, 'in 240 h'],
  ['the wait is over', { past: past(2, 'failed') }, 'now first'],
]

for (const [name, change, expected] of cases) {
  test(name, () => assert.equal(told(due({ ...facts, ...change }, now)), expected))
}

test('a lane comes at its own moment of every turn, whenever the last run was', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 20 * 24 }),
      fc.constantFrom('tst', 'lstm', 'linear'),
      (hours, family) => {
        const own = { ...facts, lane: { ...lane, family }, hasOnlyShipped: false }
        const last = now - hours * hourMs
        const decision = due({ ...own, past: [{ state: 'passed', marketAt: last }] }, 0)
        assert.equal(decision.type, 'later')
        if (decision.type !== 'later') return
        const wait = decision.at - last
        assert.ok(wait >= 2.5 * dayMs && wait < 7.5 * dayMs)
        const phase = (decision.at / (5 * dayMs)) % 1
        assert.ok(Math.abs(phase - phaseOf(own.lane)) < 1e-6)
        const again = due({ ...own, past: [{ state: 'passed', marketAt: decision.at }] }, 0)
        assert.ok(again.type === 'later' && Math.abs(again.at - decision.at - 5 * dayMs) < 1)
      },
    ),
  )
})

test('a hundred lanes are spread over their turn', () => {
  const tenths = Array<number>(10).fill(0)
  for (let coin = 0; coin < 20; coin++) {
    for (const family of ['linear', 'lightgbm', 'tst', 'lstm', 'volatility']) {
      const phase = phaseOf({ coin: `C${coin}/USDT` as Coin, family })
      assert.ok(phase >= 0 && phase < 1)
      tenths[Math.floor(phase * 10)] = (tenths[Math.floor(phase * 10)] as number) + 1
    }
  }
  assert.ok(Math.max(...tenths) <= 20 && Math.min(...tenths) >= 3, tenths.join(' '))
})
