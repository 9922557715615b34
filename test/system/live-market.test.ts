/**
 * The whole daemon on a stand-in exchange that speaks Binance's or Kraken's language to the real ccxt and misbehaves, in
 * real time; an hour of outage is an hour on both clocks and a few seconds of ours. Whatever happens, every candle comes
 * to be what was traded, every gap is on record and healed, and the audit holds.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { RestFault } from '../exchange/exchange.ts'
import { assertContinuity, type RunningDaemon, startDaemon } from '../support/daemon/daemon.ts'
import { assertKept, seen } from '../support/daemon/ledger-view.ts'
import {
  assertTrue,
  following,
  gaps,
  healed,
  type LiveStage,
  liveStage,
} from '../support/daemon/live-market.ts'
import type { Venue } from '../support/daemon/stand-in.ts'
import { startStepped } from '../support/daemon/wall-clock.ts'
import { until } from '../support/until.ts'

const hourMs = 3_600_000
const minuteMs = 60_000

/** A few each: a question to Kraken may be asked once a second, and its answer is waited for. */
const refusals: Readonly<Record<Venue, readonly RestFault[]>> = {
  binance: [
    { status: 429, retryAfter: '1', times: 2 },
    { status: 503, retryAfter: '1', times: 1 },
    { status: 503, times: 3 },
  ],
  kraken: [{ status: 429, times: 2 }],
}

/** The exchange goes away and an hour passes, for it and for the daemon, until candles have been closed without it. */
async function hourAway(
  { exchange, coins }: LiveStage,
  daemon: RunningDaemon,
  step: (offsetMs: number) => void,
): Promise<void> {
  const since = (await exchange.state()).now
  await exchange.tell({ do: 'faults', set: { outage: true } })
  await exchange.tell({ do: 'drop' })
  await exchange.tell({ do: 'pass', coins, ms: hourMs, everyMs: 2_000 })
  step(hourMs)
  const isLong = async (coin: string): Promise<boolean> =>
    (await gaps(daemon, coin)).some(
      (gap) => gap.healedAt === null && Date.parse(gap.to) > since + hourMs / 2,
    )
  await until(
    'the hour is on record as a gap',
    async () => (await Promise.all(coins.map(isLong))).every(Boolean),
    30_000,
    50,
  )
}

/** No candle is left out because of a gap any more, and each coin has so many predictions at least. */
async function answered(daemon: RunningDaemon, candles: number): Promise<void> {
  type Audit = { lanes: { predicted: number; byReason: Record<string, number> }[] }
  const look = (): Promise<Audit> => daemon.get<Audit>('/api/v1/continuity')
  const isWhole = ({ lanes }: Audit): boolean =>
    lanes.length > 0 &&
    lanes.every(({ predicted, byReason }) => predicted >= candles && !byReason.gap)
  await until(
    'what the outage had left out is answered',
    async () => isWhole(await look()),
    60_000,
    100,
  ).catch(async (error) => {
    throw new Error(`${error.message}: ${JSON.stringify(await look())}`)
  })
}

// They wait for minutes to pass more than they compute.
describe('a live market', { concurrency: true }, () => {
  for (const venue of ['binance', 'kraken'] as const) {
    test(`${venue}: one fault after another, then an hour of outage, and the ledger says what was traded`, async (t) => {
      const stage = await liveStage(t, venue)
      const { exchange, coins } = stage
      const [coin] = coins
      const { daemon, step } = await startStepped(t, stage.house)
      const now = async (): Promise<number> => (await exchange.state()).now
      const from = Math.ceil((await now()) / minuteMs) * minuteMs - 3 * minuteMs
      let since = await now()
      await following(daemon, coin, since)
      await exchange.tell({ do: 'drop' })
      await healed(daemon, 'disconnected', since)

      // What is usual for a coin, and silence with it, is known after a few seconds of its trades.
      since = await now()
      await following(daemon, coin, since + 5_000)
      await exchange.tell({ do: 'mute' })
      await healed(daemon, 'silent', since)

      await exchange.tell({ do: 'faults', set: { repeats: 2, shuffle: 7 } })
      await exchange.tell({ do: 'say', text: '{"e":' })
      await exchange.tell({ do: 'say', text: '[]' })
      await exchange.tell({ do: 'past', coin, ms: 30_000 })
      since = await now()
      await exchange.tell({ do: 'untold', coin })
      await healed(daemon, 'sequence', since)
      await exchange.tell({ do: 'faults', set: { repeats: 0, shuffle: 0, delayMs: 1_500 } })
      await exchange.tell({ do: 'shuffled' })
      await following(daemon, coin, await now())
      await exchange.tell({ do: 'faults', set: { delayMs: 0 } })

      for (const rest of refusals[venue]) {
        since = await now()
        await exchange.tell({ do: 'faults', set: { rest } })
        await exchange.tell({ do: 'drop' })
        await healed(daemon, 'disconnected', since)
      }

      const before = await seen(daemon)
      since = await now()
      await hourAway(stage, daemon, step)
      await exchange.tell({ do: 'faults', set: { outage: false } })
      await healed(daemon, 'disconnected', since + hourMs / 2)
      await answered(daemon, 60)
      assertKept(before, await seen(daemon))
      for (const each of coins) {
        const looked = await assertTrue(stage, daemon, each, from)
        assert.ok(looked >= 60, `${each}: ${looked} candles`)
      }
      await assertContinuity(daemon)
      if (venue === 'kraken') {
        type Coin = { candles: number }
        await until(
          'history goes on where its candles end',
          async () =>
            (await daemon.get<Coin[]>('/api/v1/coins')).every(({ candles }) => candles > 14 * 60),
          30_000,
        )
      }
      assert.equal((await daemon.end('SIGTERM')).code, 0)
    })
  }

  test('binance: while it does not answer the daemon serves what it has and says so, and follows once it does', async (t) => {
    const stage = await liveStage(t, 'binance')
    const { exchange, coins } = stage
    const away = (outage: boolean): Promise<void> =>
      exchange.tell({ do: 'faults', set: { outage } })
    await away(true)
    type Status = { health: string; degraded: string[]; predictions: number; source: string }
    const told = async (daemon: RunningDaemon, why: RegExp): Promise<Status> => {
      const isSaid = async (): Promise<Status | undefined> => {
        const status = await daemon.get<Status>('/api/v1/status').catch(() => undefined)
        return status?.degraded.some((it) => why.test(it)) ? status : undefined
      }
      const status = await until(`it says ${why}`, isSaid, 30_000)
      assert.equal((await daemon.get<{ live: boolean }>('/health/live')).live, true)
      assert.equal(status.source, 'binance')
      assert.notEqual(status.health, 'ready')
      return status
    }
    const first = await startDaemon(t, stage.house, 60_000, { early: true })
    assert.equal((await told(first, /candles is down: feed\.away/)).predictions, 0)
    await away(false)
    await following(first, coins[0], (await exchange.state()).now)
    const isReady = async (): Promise<boolean> => (await fetch(`${first.address}/health/ready`)).ok
    await until('it is ready', isReady, 60_000)
    await until('it predicts', async () => (await seen(first)).size > 0, 60_000)
    const before = await seen(first)
    await first.end('SIGKILL')

    await away(true)
    const daemon = await startDaemon(t, stage.house, 60_000, { early: true })
    await told(daemon, /BTC\/USDT waits for binance to answer/)
    assertKept(before, await seen(daemon))
    await away(false)
    await following(daemon, coins[0], (await exchange.state()).now)
    type Audit = { lanes: unknown[]; unexplained: number }
    await until(
      'a minute has passed and is answered',
      async () => {
        const { lanes, unexplained } = await daemon.get<Audit>('/api/v1/continuity')
        return lanes.length > 0 && unexplained === 0
      },
      90_000,
    )
    await assertContinuity(daemon)
    assert.equal((await daemon.end('SIGTERM')).code, 0)
  })

  test('binance: what it has forgotten of an outage heals by its candles', async (t) => {
    const stage = await liveStage(t, 'binance')
    const { exchange, coins } = stage
    const now = async (): Promise<number> => (await exchange.state()).now
    const { daemon, step } = await startStepped(t, stage.house)
    const from = Math.ceil((await now()) / minuteMs) * minuteMs - 3 * minuteMs
    for (const each of coins) await following(daemon, each, await now())
    await hourAway(stage, daemon, step)
    await exchange.tell({ do: 'forget', coins })
    await exchange.tell({ do: 'pass', coins, ms: 5 * minuteMs, everyMs: 2_000 })
    step(hourMs + 5 * minuteMs)
    await exchange.tell({ do: 'faults', set: { outage: false } })
    await following(daemon, coins[0], await now())
    // A gap is left to the connection for two minutes.
    await exchange.tell({ do: 'pass', coins, ms: 4 * minuteMs, everyMs: 2_000 })
    step(hourMs + 9 * minuteMs)
    await until(
      'every gap has healed',
      async () => (await gaps(daemon)).every(({ healedAt }) => healedAt !== null),
      90_000,
    )
    await answered(daemon, 60)
    for (const each of coins) await assertTrue(stage, daemon, each, from)
    await assertContinuity(daemon)
    assert.equal((await daemon.end('SIGTERM')).code, 0)
  })

  test('binance: the daemon is killed in the middle of an outage, the next one mends what is left, and a coin is delisted', async (t) => {
    const stage = await liveStage(t, 'binance')
    const { exchange, coins } = stage
    const [coin, other] = coins
    const now = async (): Promise<number> => (await exchange.state()).now
    const { daemon: first, step } = await startStepped(t, stage.house)
    const from = Math.ceil((await now()) / minuteMs) * minuteMs - 3 * minuteMs
    for (const each of coins) await following(first, each, await now())
    await hourAway(stage, first, step)
    const before = await seen(first)
    await first.end('SIGKILL')
    await exchange.tell({ do: 'pass', coins, ms: 5 * minuteMs, everyMs: 2_000 })
    const { daemon } = await startStepped(t, stage.house, hourMs + 5 * minuteMs)
    assertKept(before, await seen(daemon))
    await exchange.tell({ do: 'faults', set: { outage: false } })
    await until(
      'what the first one left open is healed',
      async () => (await gaps(daemon)).every(({ healedAt }) => healedAt !== null),
      60_000,
    )
    await answered(daemon, 60)
    for (const each of coins) await assertTrue(stage, daemon, each, from)
    await assertContinuity(daemon)

    await following(daemon, other, (await now()) + 3_000)
    await exchange.tell({ do: 'delist', coin: other })
    type Coin = { coin: string; state: string }
    await until(
      `${other} has ended`,
      async () =>
        (await daemon.get<Coin[]>('/api/v1/coins')).some(
          (it) => it.coin === other && it.state === 'ended',
        ),
      60_000,
    )
    await following(daemon, coin, await now())
    await assertContinuity(daemon)
    assert.equal((await daemon.end('SIGTERM')).code, 0)
  })
})
