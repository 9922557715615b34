/**
 * Server-Sent Events of a running daemon over a real socket: one snapshot, then numbered deltas without a gap; who was away
 * for a moment goes on where it was, who was away for longer or knew another life gets a fresh snapshot; who does not
 * read is cut off, and nobody waits for it.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { describe, type TestContext, test } from 'node:test'
import {
  assertContinuity,
  house,
  type RunningDaemon,
  startDaemon,
} from '../support/daemon/daemon.ts'
import { listen, type Told } from '../support/daemon/events.ts'
import { progress } from '../support/daemon/ledger-view.ts'
import { until } from '../support/until.ts'

/** The daemon's own 4 MiB for a reader, and all that the system's sockets hold on both sides. */
const bytesHeldMax = 9 * 1024 * 1024

const numberOf = ({ id }: Told): number => Number(id.split('-')[1])

function assertUnbroken(told: readonly Told[]): void {
  const numbers = told.map(numberOf)
  const first = numbers[0] as number
  assert.deepEqual(
    numbers,
    numbers.map((_, i) => first + i),
  )
}

describe('events', { concurrency: true }, () => {
  test('a snapshot, then numbered deltas; who comes back goes on where it was', async (t) => {
    const daemon = await startDaemon(t, house(t))
    const first = await listen(t, daemon)
    await until(
      'there are candles and predictions',
      () => first.told.filter(({ type }) => type === 'prediction').length >= 12,
      30_000,
    )
    first.close()
    const [snapshot, ...deltas] = first.told
    assert.equal(snapshot?.type, 'snapshot')
    assert.deepEqual(Object.keys(snapshot?.data ?? {}), ['status', 'coins', 'signals', 'tree'])
    assertUnbroken(deltas)

    const last = deltas.at(-1) as Told
    await progress(daemon, 12)
    const again = await listen(t, daemon, last.id)
    await until('it was told what it missed', () => again.told.length > 20, 30_000)
    again.close()
    assert.ok(again.told.every(({ type }) => type !== 'snapshot'))
    assertUnbroken([last, ...again.told])

    for (const stale of [`${last.id.split('-')[0]}-999999999`, 'anotherlife-5', 'nonsense']) {
      const fresh = await listen(t, daemon, stale)
      await until('it is told something', () => fresh.told.length > 0)
      assert.equal(fresh.told[0]?.type, 'snapshot', stale)
      fresh.close()
    }
    await assertCandles(daemon, [...deltas, ...again.told])

    const open = await listen(t, daemon)
    await until('it listens', () => open.told.length > 0)
    const { code, ms } = await daemon.end('SIGTERM')
    assert.equal(code, 0)
    assert.ok(ms < 25_000, 'nobody who listens holds up the end')
  })

  test('who was away too long gets a fresh snapshot, and who does not read is cut off', async (t) => {
    // As fast as it goes: the 2,000 deltas that are kept are a second or two, and what the system itself holds for a
    // reader that sleeps, some megabytes beside the daemon's four, is soon full.
    const coins = Array.from({ length: 12 }, (_, i) => `C${i}/USDT`)
    const config = `
market: { source: tape, coins: [${coins}], historyDays: 0, tape: { speed: 1e9 } }
fleet: { families: { linear: {} } }
api: { port: 0 }
`
    const daemon = await startDaemon(t, house(t, config))
    const early = await listen(t, daemon)
    await until('it has heard a delta', () => early.told.length > 1, 30_000)
    const old = early.told[1] as Told
    const lazy = await sleeper(t, daemon)
    await until(
      'what it heard is no longer kept',
      () => numberOf(early.told.at(-1) as Told) - numberOf(old) > 4_100,
      120_000,
      50,
    )
    const late = await listen(t, daemon, old.id)
    await until('it is told something', () => late.told.length > 0)
    assert.equal(late.told[0]?.type, 'snapshot')
    late.close()

    const from = performance.now()
    await until('so much has happened', () => early.bytes() > bytesHeldMax, 120_000, 50)
    const rate = Math.round((1000 * early.told.length) / (performance.now() - from))
    t.diagnostic(`${early.told.length} deltas, ${rate} a second`)
    assertUnbroken(early.told.slice(1))
    lazy.resume()
    await until('the one that did not read finds its end', () => lazy.destroyed)
    await assertContinuity(daemon)
    assert.equal((await daemon.end('SIGTERM')).code, 0)
  })
})

/** Every final candle among the deltas is what the route says of it. */
async function assertCandles(daemon: RunningDaemon, deltas: readonly Told[]): Promise<void> {
  const candles = deltas.filter(({ type, data }) => type === 'candle' && data.coin === 'BTC/USDT')
  assert.ok(candles.length > 0)
  type Page = { items: Readonly<Record<string, unknown>>[] }
  const { items } = await daemon.get<Page>('/api/v1/coins/BTC-USDT/candles?limit=1000')
  for (const { data } of candles) {
    const stored = items.find(({ openAt }) => openAt === data.openAt)
    const { coin: _, ...told } = data
    const { flags: __, ...same } = stored ?? {}
    assert.deepEqual(told, same)
  }
}

/** Asks for the events and reads nothing of them. */
async function sleeper(t: TestContext, daemon: RunningDaemon): Promise<Socket> {
  const { hostname, port, host } = new URL(daemon.address)
  const socket = connect(Number(port), hostname)
  t.after(() => socket.destroy())
  await once(socket, 'connect')
  socket.pause()
  socket.on('error', () => {})
  socket.write(`GET /api/v1/events HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  return socket
}
