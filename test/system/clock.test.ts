/**
 * The wall clock and the machine under the daemon: the clock is set forward and back while it runs, and the machine
 * sleeps for a minute. Nothing that depends on it breaks: nobody is taken for hung, candles close in the market's time,
 * the audit holds. The clock is stepped inside of the daemon's process (test/support/daemon/stepped-clock.ts), which sees what
 * it would see if the machine's were: `Date` jumps, timers go on; PostgreSQL's own clock, which the lease counts by, stays.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as elapse } from 'node:timers/promises'
import { assertContinuity, house, startDaemon } from '../support/daemon/daemon.ts'
import { assertKept, progress, seen, wellAgain } from '../support/daemon/ledger-view.ts'
import { assertTrue, following, gaps, liveStage } from '../support/daemon/live-market.ts'
import { startStepped } from '../support/daemon/wall-clock.ts'
import { until } from '../support/until.ts'

const minuteMs = 60_000
const hourMs = 3_600_000

describe('the clock', { concurrency: true }, () => {
  test('the machine sleeps for a minute: nobody is taken for hung, and the fleet goes on', async (t) => {
    const daemon = await startDaemon(t, house(t))
    await progress(daemon, 6)
    const before = await seen(daemon)
    daemon.process.kill('SIGSTOP')
    await elapse(minuteMs)
    daemon.process.kill('SIGCONT')
    await progress(daemon, 12)
    assertKept(before, await seen(daemon))
    await wellAgain(daemon)
    await assertContinuity(daemon)
    // PostgreSQL has not slept, and gives up a statement whose second half did not come: whoever asked asks again.
    const crashed = daemon
      .output()
      .split('\n')
      .filter((line) => line.includes('"event":"actor.crashed"'))
      .filter((line) => !line.includes('canceling statement due to statement timeout'))
    assert.deepEqual(crashed, [])
    assert.equal((await daemon.end('SIGTERM')).code, 0)
  })

  test('the clock is set forward and back under a tape: it goes on, and no wait is negative or a day long', async (t) => {
    const { daemon, step } = await startStepped(t, house(t))
    await progress(daemon, 6)
    const before = await seen(daemon)
    for (const offsetMs of [hourMs, -hourMs, 24 * hourMs, 0]) {
      step(offsetMs)
      await progress(daemon, 12)
    }
    assertKept(before, await seen(daemon))
    await wellAgain(daemon)
    await assertContinuity(daemon)
    assert.doesNotMatch(daemon.output(), /"event":"actor.crashed"/)
    type Page = { items: { waitMs: number }[] }
    const { items } = await daemon.get<Page>('/api/v1/predictions?limit=10000&mode=live')
    assert.deepEqual(
      items.filter(({ waitMs }) => waitMs < 0),
      [],
    )
    assert.equal((await daemon.end('SIGTERM')).code, 0)
  })

  test('the clock is set under a live market: candles close in the exchange’s time, and what was doubted heals', async (t) => {
    const stage = await liveStage(t, 'binance')
    const { exchange, coins } = stage
    const { daemon, step } = await startStepped(t, stage.house)
    const now = async (): Promise<number> => (await exchange.state()).now
    const from = Math.ceil((await now()) / minuteMs) * minuteMs - 3 * minuteMs
    const before = await seen(daemon)
    for (const offsetMs of [5 * minuteMs, -5 * minuteMs, 0]) {
      step(offsetMs)
      await following(daemon, coins[0], (await now()) + 2_000)
    }
    // Asked to wait, and the clock set back while it does: it waits for no longer than that.
    await exchange.tell({
      do: 'faults',
      set: { rest: { status: 429, retryAfter: '3', times: 1 } },
    })
    await exchange.tell({ do: 'drop' })
    await until('it waits', async () => /"feed.reconnecting"/.test(daemon.output()))
    step(-hourMs)
    await following(daemon, coins[0], (await now()) + 5_000)
    step(0)
    // The exchange's own clock is the one that is set this time.
    await exchange.tell({ do: 'clock', offsetMs: 3 * minuteMs })
    await following(daemon, coins[0], (await now()) + 2_000)
    await until(
      'the minute has closed',
      async () => {
        const path = `/api/v1/coins/BTC-USDT/candles?limit=1&from=${from + 4 * minuteMs}`
        return (await daemon.get<{ items: unknown[] }>(path)).items.length > 0
      },
      90_000,
    )
    await until(
      'every gap has healed',
      async () => (await gaps(daemon)).every(({ healedAt }) => healedAt !== null),
      30_000,
    )
    assertKept(before, await seen(daemon))
    for (const coin of coins) await assertTrue(stage, daemon, coin, from)
    await assertContinuity(daemon)
    assert.doesNotMatch(daemon.output(), /"event":"actor.crashed"/)
    assert.equal((await daemon.end('SIGTERM')).code, 0)
  })
})
