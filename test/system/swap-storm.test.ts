/**
 * The storm of `test/support/daemon/swap-storm.ts`. Afterwards every slot and candle is explained, and every swap says that it
 * missed none and answered none twice. STORM=full is 30 coins, 500 swaps and 100 rollbacks; a failure prints its seed.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertContinuity } from '../support/daemon/daemon.ts'
import { wellAgain } from '../support/daemon/ledger-view.ts'
import { smallStorm, swapStorm } from '../support/daemon/swap-storm.ts'

const size = process.env.STORM === 'full' ? { coins: 30, swaps: 500, rollbacks: 100 } : smallStorm
const seed = process.env.SEED ?? '1'

test(`${size.swaps} swaps and ${size.rollbacks} rollbacks in ${size.coins * 3} lanes, with kills in between`, async (t) => {
  const { daemon, asked, refused, swaps } = await swapStorm(t, { ...size, seed })
  const done = swaps.filter(({ state }) => state === 'done')
  const bad = done.filter(({ missed, twice }) => (missed ?? 0) > 0 || (twice ?? 0) > 0)
  assert.deepEqual(bad, [], `SEED=${seed}`)
  const waits = done.flatMap(({ longestWaitMs }) => (longestWaitMs === null ? [] : [longestWaitMs]))
  const longest = waits.toSorted((a, b) => a - b)[waits.length >> 1]?.toFixed(0)
  t.diagnostic(
    `${asked} asked, ${refused} refused at once, ${swaps.length} written, ${done.length} done`,
  )
  t.diagnostic(`longest wait of a candle at a cut: median ${longest} ms`)
  assert.ok(done.length > asked / 4, `${done.length} done`)
  await wellAgain(daemon)
  await assertContinuity(daemon)
  await daemon.end('SIGTERM')
})
