import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { VersionControls } from '../../../../ops/api/deps.ts'
import type { World } from '../../../../ops/cli/world.ts'
import { Fault } from '../../../../streams/fault.ts'
import { btc, stubDeps, stubReads, swap } from '../../api/stub.ts'
import { starling } from '../stub.ts'

const absent: Partial<World> = { holder: () => undefined }
const next = /^no daemon is running: the next start goes on with it\n$/

/** A data directory without a daemon; what is asked of its versions is written down. */
function atRest(more: Partial<VersionControls> = {}) {
  const asked: unknown[] = []
  const { versions } = stubDeps()
  const written: VersionControls = {
    ...versions,
    swap: async (version) => {
      asked.push(version)
      return { ...swap, state: 'waiting', cutAt: null }
    },
    rollback: async (lane, reason) => {
      asked.push([lane, reason])
      return { ...swap, kind: 'rollback' }
    },
    publish: async (files, how) => {
      asked.push([[...files.keys()], how])
      return versions.publish(files, how)
    },
    ...more,
  }
  const openMarket: World['openMarket'] = async () => ({
    source: 'tape',
    reads: stubReads,
    versions: written,
    close: async () => void asked.push('closed'),
  })
  return { asked, world: { ...absent, openMarket } }
}

const lines: readonly [string, RegExp, object][] = [
  ['publish folder --activate', /^BTC\/USDT linear 1: serving\n$/, { version: 1, also: [] }],
  ['swap BTC/USDT linear 1', /^swap 4: 1 → 2, (running|waiting)\n$/, { swap: '4', from: 1, to: 2 }],
  ['rollback btc-usdt linear', /^rollback 4: 1 → 2, running\n$/, { swap: '4', state: 'running' }],
]
for (const [line, shown, told] of lines) {
  test(`with a daemon and without one, the same is said: starling ${line}`, async () => {
    for (const [world, said] of [
      [{}, /^$/],
      [atRest().world, next],
    ] as const) {
      const { code, out, err } = await starling(line, world)
      assert.match(out, shown)
      assert.match(err, said)
      assert.equal(code, 0)
      const { out: json } = await starling(`${line} --json`, world)
      assert.partialDeepStrictEqual(JSON.parse(json), told)
    }
  })
}

test('without a daemon what is asked reaches the data directory, which is closed again', async () => {
  const { asked, world } = atRest()
  await starling('publish folder --coin BTC/USDT --activate', world)
  await starling('swap BTC/USDT linear 1', world)
  await starling('rollback BTC/USDT linear --reason no', world)
  await starling('rollback BTC/USDT linear', world)
  const lane = { coin: btc, family: 'linear' }
  assert.deepEqual(asked, [
    [['manifest.json'], { coin: btc, activate: true }],
    'closed',
    { ...lane, version: 1 },
    'closed',
    [lane, 'no'],
    'closed',
    [lane, 'asked for at the command line'],
    'closed',
  ])
})

test('what enters the lanes of several coins is told for each', async () => {
  const { versions } = stubDeps()
  const [one] = await versions.publish(new Map(), { coin: null, activate: false })
  assert(one)
  const { world } = atRest({ publish: async () => [one, one] })
  assert.equal(
    (await starling('publish folder', world)).out,
    'BTC/USDT linear 1: serving\n'.repeat(2),
  )
})

test('a folder of several artifacts is refused, and none is picked; a folder around one is that one', async () => {
  const folderWith = (...names: readonly string[]): Partial<World> => ({
    readFolder: async () => new Map(names.map((name) => [name, new Uint8Array()])),
  })
  const { asked, world } = atRest()
  const several = folderWith('linear/v1/manifest.json', 'tst/v1/manifest.json', 'README.md')
  const { code, out, err } = await starling('publish models', { ...world, ...several })
  assert.deepEqual([code, out, asked], [1, '', ['closed']])
  assert.match(err, /there are 2 artifacts in it, send one: linear\/v1\/, tst\/v1\//)
  const around = folderWith('v1/manifest.json', 'v1/of/manifest.json', 'README.md')
  assert.equal((await starling('publish linear', { ...world, ...around })).code, 0)
  assert.deepEqual(asked[1], [
    ['manifest.json', 'of/manifest.json'],
    { coin: null, activate: false },
  ])
})

test('a refusal of the data directory is a refusal of the command', async () => {
  const nothing = new Fault('rollback.state', 'BTC-USDT/linear has nothing to go back to')
  const { world } = atRest({ rollback: () => Promise.reject(nothing) })
  const { code, err } = await starling('rollback BTC/USDT linear', world)
  assert.equal(code, 1)
  assert.match(err, /nothing to go back to/)
})

test('models refresh asks the daemon; without one there is nobody to look', async () => {
  const { code, out } = await starling('models refresh')
  assert.deepEqual([code, out], [0, '1 lanes have news\n'])
  const alone = await starling('models refresh', absent)
  assert.equal(alone.code, 3)
  assert.match(alone.err, /no daemon is running/)
})

test('nobody waits for an end that only a daemon brings', async () => {
  const { asked, world } = atRest()
  const { code, err } = await starling('swap BTC/USDT linear 1 --wait', world)
  assert.equal(code, 3)
  assert.match(err, /no daemon is running/)
  assert.deepEqual(asked, [])
})

test('swaps, models and lanes are listed with a daemon and without one', async () => {
  for (const list of ['swaps', 'models', 'lanes']) {
    const beside = await starling(list)
    const alone = await starling(list, absent)
    assert.equal(alone.code, 0)
    if (list !== 'lanes') assert.equal(alone.out, beside.out)
  }
})

test('a swap is listed with who it went from and to, its verdict, its times and what it missed', async () => {
  const at = Date.UTC(2026, 5, 2, 12)
  const to = { coin: btc, family: 'linear', version: 2 }
  const stages = ['announced', 'fetched', 'judged', 'serving'] as const
  const verdict = { profile: 'open', reasons: [], candles: 9, from: '', to: '' } as const
  const done = {
    ...swap,
    state: 'done',
    verdict: { ...verdict, verdict: 'passed' },
    cutAt: at + 60_000,
    missed: 0,
    twice: 0,
    transitions: [
      ...stages.map((stage, i) => ({ version: to, stage, at: at + i * 1_500 })),
      { version: { ...to, version: 1 }, stage: 'draining', at: at + 4_500 } as const,
    ].map((it) => ({ ...it, candleAt: at, reason: null })),
  } as const
  const reads = { ...stubReads, swaps: async () => ({ items: [done], next: null }) }
  const { world } = atRest()
  const openMarket: World['openMarket'] = async (...of) => ({
    ...(await world.openMarket(...of)),
    reads,
  })
  const { out } = await starling('swaps', { ...absent, openMarket })
  const [head = '', row = ''] = out.split('\n')
  assert.match(
    head,
    /^id +coin +family +from +to +kind +state +verdict +cut +missed +twice +transitions/,
  )
  assert.match(row, /BTC\/USDT +linear +1 +2 +swap +done +passed +2026-06-02 12:01 +0 +0 /)
  assert.match(
    row,
    /announced 12:00:00 · fetched \+1\.5 s · judged \+3\.0 s · serving \+4\.5 s · 1 draining \+4\.5 s/,
  )
})
