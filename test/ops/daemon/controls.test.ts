import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Assembly } from '../../../ops/assemble.ts'
import {
  followedCoins,
  holdAgain,
  lastClosed,
  operatorControls,
} from '../../../ops/daemon/controls.ts'
import { standingActions } from '../../../ops/store/operator.ts'
import type { LaneRegistry } from '../../../ops/versions/lane-registry.ts'
import type { Coin } from '../../../streams/coin.ts'
import { minuteMs } from '../../../streams/time.ts'
import { btc, eth, noon, openTestStore } from '../../support/store/database.ts'

const sol = 'SOL/USDT' as Coin

/** A tree of two coins with a lane each, which writes down what it is told to do. */
function stage() {
  const did: string[] = []
  const states = new Map([
    ['market/BTC-USDT/lanes', 'running'],
    ['market/BTC-USDT/lanes/linear', 'quarantined'],
    ['market/ETH-USDT/lanes', 'running'],
  ])
  const followed = new Map<Coin, { path: string }>([
    [btc, { path: 'market/BTC-USDT' }],
    [eth, { path: 'market/ETH-USDT' }],
  ])
  const note =
    (what: string, state?: string) =>
    async (path: string, reason?: string): Promise<void> => {
      did.push([what, path, reason].filter(Boolean).join(' '))
      if (state) states.set(path, state)
    }
  const find = (path: string): object => ({
    path,
    state: states.get(path),
    children: [...states.keys()]
      .filter((it) => it.startsWith(`${path}/`) && !it.slice(path.length + 1).includes('/'))
      .map((it) => ({ path: it })),
  })
  const tree = {
    look: (path: string) => (states.has(path) ? { state: states.get(path) } : undefined),
    find,
    pause: note('pause', 'paused'),
    resume: note('resume', 'running'),
    restart: note('restart'),
    release: note('release', 'running'),
  }
  const fleet = {
    coin: (coin: Coin) => followed.get(coin),
    lanePath: ({ coin, family }: { coin: Coin; family: string }) =>
      `${followed.get(coin)?.path}/lanes/${family}`,
    add: async (coin: Coin) => void did.push(`add ${coin}`),
    remove: async (coin: Coin) => void did.push(`remove ${coin}`),
  }
  const registry = {
    open: async (coin: Coin, from: number) => void did.push(`open ${coin} ${from}`),
    close: async (coin: Coin, from: number) => void did.push(`close ${coin} ${from}`),
  }
  return {
    did,
    assembly: { tree, fleet } as unknown as Assembly,
    registry: registry as unknown as LaneRegistry,
  }
}

test('an action is recorded with its reason, then carried out, and its state is the answer', async () => {
  const { sql } = await openTestStore()
  const { did, assembly, registry } = stage()
  const isListed = async (): Promise<boolean> => true
  const controls = operatorControls({ assembly, registry, sql, firstCandle: () => noon, isListed })
  assert.deepEqual(await controls.act({ coin: btc }, 'pause', 'too wild'), { state: 'paused' })
  assert.deepEqual(await controls.act({ coin: btc, family: 'linear' }, 'release', 'mended'), {
    state: 'running',
  })
  await controls.act({ coin: eth }, 'restart', 'why not')
  assert.deepEqual(did, [
    'pause market/BTC-USDT/lanes too wild',
    'release market/BTC-USDT/lanes/linear',
    'restart market/ETH-USDT/lanes why not',
  ])
  const standing = await standingActions(sql, ['pause', 'release', 'restart'])
  assert.deepEqual(standing.get('BTC-USDT'), { action: 'pause', reason: 'too wild' })
  await assert.rejects(controls.act({ coin: sol }, 'pause', ''), { code: 'coin.unknown' })
  await assert.rejects(controls.act({ coin: btc, family: 'tst' }, 'pause', ''), {
    code: 'lane.unknown',
  })
})

test('a release reaches whatever is in quarantine below', async () => {
  const { sql } = await openTestStore()
  const { did, assembly, registry } = stage()
  const ports = { assembly, registry, sql, firstCandle: () => noon, isListed: async () => true }
  await operatorControls(ports).act({ coin: btc }, 'release', 'mended')
  assert.deepEqual(did, ['release market/BTC-USDT/lanes/linear'])
})

test('a coin that is added or removed stays so, and what nobody lists is refused', async () => {
  const { sql } = await openTestStore()
  const { did, assembly, registry } = stage()
  const isListed = async (coin: Coin): Promise<boolean> => coin === sol
  const controls = operatorControls({ assembly, registry, sql, firstCandle: () => noon, isListed })
  await controls.addCoin(sol, 'new')
  await controls.removeCoin(eth, 'dull')
  assert.deepEqual(did, [
    `open ${sol} ${noon}`,
    `add ${sol}`,
    `remove ${eth}`,
    `close ${eth} ${noon}`,
  ])
  assert.deepEqual(await followedCoins(sql, [btc, eth]), [btc, sol])
  await assert.rejects(controls.addCoin(btc, ''), { code: 'coin.exists' })
  await assert.rejects(controls.addCoin('XYZ/USDT' as Coin, ''), { code: 'coin.unlisted' })
  await assert.rejects(controls.removeCoin(sol, ''), { code: 'coin.unknown' })
  assert.deepEqual(await followedCoins(sql, [btc, eth]), [btc, sol], 'a refusal leaves no trace')
})

test('what was paused is paused again after a restart, unless it was let go on since', async () => {
  const { sql } = await openTestStore()
  const before = stage()
  const ports = {
    registry: before.registry,
    sql,
    firstCandle: () => noon,
    isListed: async () => true,
  }
  const controls = operatorControls({ ...ports, assembly: before.assembly })
  await controls.act({ coin: btc, family: 'linear' }, 'pause', 'first')
  await controls.act({ coin: eth }, 'pause', 'second')
  await controls.act({ coin: eth }, 'resume', 'third')
  const after = stage()
  await holdAgain(after.assembly, sql)
  assert.deepEqual(after.did, ['pause market/BTC-USDT/lanes/linear first'])
})

test('the last closed candle is the one before the one whose grace has not passed', () => {
  const cases: [number, number][] = [
    [noon, noon - 2 * minuteMs],
    [noon + 1_999, noon - 2 * minuteMs],
    [noon + 2_000, noon - minuteMs],
    [noon + minuteMs + 2_000, noon],
  ]
  for (const [now, openAt] of cases) assert.equal(lastClosed(now, 2_000, minuteMs), openAt)
})
