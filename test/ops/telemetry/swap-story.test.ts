import assert from 'node:assert/strict'
import { test } from 'node:test'
import { tellSwaps } from '../../../ops/telemetry/swap-story.ts'
import { type Happenings, tell } from '../../../streams/channels.ts'

const swap: Happenings['swap.changed'] = {
  swap: 3,
  coin: 'BTC/USDT',
  family: 'linear',
  kind: 'swap',
  fromVersion: 1,
  toVersion: 2,
  state: 'waiting',
  reason: null,
  cutAt: null,
  missed: null,
  twice: null,
  longestWaitMs: null,
  seconds: null,
}
const cutAt = Date.UTC(2026, 5, 2, 12, 1)
const stories: readonly [Partial<typeof swap>, string][] = [
  [{}, 'BTC-USDT/linear is to move from version 1 to 2 (swap 3)'],
  [
    { state: 'done', cutAt, missed: 0, twice: 0, seconds: 12.4 },
    'BTC-USDT/linear has moved from version 1 to 2 (swap 3) with the candle of 2026-06-02 12:01: ' +
      '0 candles missed, 0 answered twice, 12 s',
  ],
  [
    { state: 'done', fromVersion: 2, reason: 'it serves already' },
    'BTC-USDT/linear stays with version 2 (swap 3): it serves already',
  ],
  [
    {
      ...{ kind: 'rollback', state: 'done', fromVersion: 2, cutAt, missed: 0, twice: 0 },
      reason: 'asked for at the command line',
    },
    'BTC-USDT/linear stays with version 2 (swap 3): asked for at the command line',
  ],
  [
    { kind: 'rollback', state: 'running', fromVersion: 2, cutAt, reason: 'a change of mind' },
    'BTC-USDT/linear is to stay with version 2 (swap 3): a change of mind',
  ],
  [
    { state: 'rejected', reason: 'no better than no skill' },
    'BTC-USDT/linear has not moved from version 1 to 2 (swap 3): rejected: no better than no skill',
  ],
  [
    { state: 'overtaken', reason: 'swap 4 came after it' },
    'BTC-USDT/linear has not moved from version 1 to 2 (swap 3): overtaken: swap 4 came after it',
  ],
  [
    { kind: 'fallback', state: 'running', cutAt, reason: 'version 2 is in quarantine' },
    'BTC-USDT/linear: fallback from version 1 to 2 (swap 3), with the candle of 2026-06-02 12:01: version 2 is in quarantine',
  ],
]

for (const [change, story] of stories)
  test(`the terminal is told: ${story}`, (t) => {
    const said: string[] = []
    t.after(tellSwaps((text) => said.push(text)))
    tell('swap.changed', { ...swap, ...change })
    assert.deepEqual(said, [story])
  })

test('the terminal is told when signals end', (t) => {
  const said: string[] = []
  t.after(tellSwaps((text) => said.push(text)))
  tell('version.expired', { coin: 'BTC/USDT', family: 'linear', version: 2, openAt: cutAt })
  assert.deepEqual(said, [
    'BTC-USDT/linear: version 2 is past its age, and its signals are withheld from the candle of 2026-06-02 12:01 on',
  ])
})
