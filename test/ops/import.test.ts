import assert from 'node:assert/strict'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { loadConfig } from '../../ops/config/load.ts'
import type { Config } from '../../ops/config/schema.ts'
import { importFile } from '../../ops/import.ts'
import { databaseName } from '../../ops/store/connection.ts'
import { lockDataDirectory, openDataDirectory } from '../../ops/store/data-directory.ts'
import { exportTable, type OpenStoreWork, openStoreWork } from '../../ops/store-work.ts'
import type { Coin } from '../../streams/coin.ts'
import { minuteMs } from '../../streams/time.ts'
import {
  blank,
  btc,
  candle,
  dropDatabase,
  eth,
  prediction,
  testServer,
  urlOf,
  version,
} from '../support/store/database.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const start = Date.UTC(2026, 0, 1)
const header = 'open_time,open,high,low,close,volume'

/** A market of its own on the test's server: `source` names its database. */
async function stage(t: TestContext, source: string) {
  const folder = temporaryFolder()
  const address = await testServer()
  const { config: defaults } = loadConfig({})
  const config: Config = {
    ...defaults,
    market: { ...defaults.market, source },
    store: { ...defaults.store, url: urlOf(address) },
  }
  const dataPath = join(folder, 'data')
  t.after(async () => {
    await dropDatabase(address, databaseName(source))
    rmSync(folder, { recursive: true })
  })
  const bring = (name: string, content: string | Uint8Array) => {
    const file = join(folder, name)
    writeFileSync(file, content)
    return importFile({ config, dataPath, file, coin: btc, progress: () => {} })
  }
  const stored = async () => {
    const work = await openStoreWork(dataPath, config)
    try {
      return (await work.store.reads.candles(btc, minuteMs, { limit: 1_000 })).items.toReversed()
    } finally {
      await work.close()
    }
  }
  return { config, dataPath, bring, stored }
}

function row(i: number, price = 100): string {
  return `${start + i * minuteMs},${price},${price + 1},${price - 1},${price},3`
}

test('candles come in once, stretches without trades are counted and stored as empty', async (t) => {
  const { bring, stored } = await stage(t, 'importcandles')
  const rows = [0, 1, 4, 5].map((i) => row(i))
  const report = {
    rows: 4,
    gaps: 1,
    healed: 0,
    missing: 0,
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-01T00:06:00.000Z',
  }
  assert.deepEqual(await bring('a.csv', [header, ...rows].join('\n')), report)
  assert.deepEqual(
    (await stored()).map(({ state }) => state),
    ['final', 'final', 'empty', 'empty', 'final', 'final'],
  )
  await bring('b.csv.gz', gzipSync([header, row(0, 200), row(1, 200), row(6)].join('\n')))
  const prices = (await stored()).map(({ open }) => open)
  assert.deepEqual(prices, [100, 100, null, null, 100, 100, 100], 'what was there stays')
})

test('trades are folded into candles', async (t) => {
  const { bring, stored } = await stage(t, 'importtrades')
  const trades = [
    [start + 1_000, 10, 1],
    [start + 2_000, 12, 2],
    [start + 3 * minuteMs, 11, 1],
  ]
  const text = ['time,price,size', ...trades.map((trade) => trade.join(','))].join('\n')
  assert.deepEqual(await bring('t.csv', text), {
    rows: 2,
    ...{ gaps: 1, healed: 0, missing: 0 },
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-01T00:04:00.000Z',
  })
  const [first] = await stored()
  assert.deepEqual([first?.open, first?.high, first?.close, first?.volume], [10, 12, 12, 3])
})

/** Candles of which some are missing, with their gap, and a version that has left them open. */
async function withGap(work: OpenStoreWork, fate: 'open' | 'unhealable') {
  const { store } = work
  const writer = store.writer(await work.lease(), () => start)
  const at = (i: number) => ({ openAt: start + i * minuteMs })
  const gap = { coin: btc, from: start + 2.5 * minuteMs, to: start + 5 * minuteMs } as const
  const who = await version(store, { slot: 'v1', from: start })
  const told = [0, 1, 5, 6, 7].map((i) => candle(0, at(i)))
  const lost = [2, 3, 4].map((i) => blank(0, 'missing', at(i)))
  const answers = [0, 1, 5, 6, 7].map((i) => ({
    type: 'prediction' as const,
    prediction: prediction(who, 0, { ...at(i), closeAt: start + (i + 1) * minuteMs }),
  }))
  const holes = [2, 3, 4].map((i) => ({
    type: 'hole' as const,
    hole: { ...who, slot: 'v1' as const, ...at(i), reason: 'gap' as const },
  }))
  const caused = { ...gap, cause: 'disconnected' as const }
  const state = new Uint8Array(8)
  const kept = [1, 5].map((i) => ({
    ...{ type: 'snapshot' as const, coin: btc, hash: 'sha256:set', state, isOrigin: false },
    at: start + i * minuteMs,
  }))
  const now = start + 8 * minuteMs
  await writer.commit(
    [...told, ...lost].map((it) => ({ type: 'candle', candle: it })),
    () => now,
  )
  await writer.commit(
    [{ type: 'gap', gap: caused, fate: 'open' }, ...kept, ...answers, ...holes],
    () => now,
  )
  if (fate !== 'open') await writer.commit([{ type: 'gap', gap: caused, fate }], () => now)
  return who
}

/** From and to in minutes; and when they healed. */
async function gapsOf({ store }: OpenStoreWork) {
  const { items } = await store.reads.gaps({ limit: 9 })
  const minutes = (at: number): number => (at - start) / minuteMs
  return items.map(({ from, to, healedAt }) => [minutes(from), minutes(to), healedAt])
}

for (const fate of ['open', 'unhealable'] as const) {
  test(`candles heal what is on record as missing and ${fate}, and its versions are asked again`, async (t) => {
    const source = `importheal${fate}`
    const { bring, stored, config, dataPath } = await stage(t, source)
    const work = await openStoreWork(dataPath, config, { mayMake: true })
    const who = await withGap(work, fate)
    await work.close()
    const text = [header, ...[1, 2, 4, 5].map((i) => row(i, 200))].join('\n')
    assert.partialDeepStrictEqual(await bring('a.csv', text), { rows: 4, healed: 3, missing: 0 })
    assert.deepEqual(
      (await stored()).slice(1, 6).map(({ state, open, revision }) => [state, open, revision]),
      [
        ['final', 100, 0],
        ['corrected', 200, 1],
        ['empty', null, 1],
        ['corrected', 200, 1],
        ['final', 100, 0],
      ],
    )
    const after = await openStoreWork(dataPath, config)
    t.after(after.close)
    const { reader, reads } = after.store
    const now = start + 8 * minuteMs
    const [gap, ...others] = (await reads.gaps({ limit: 9 })).items
    assert.deepEqual([gap?.healedAt, gap?.unhealableAt, others], [now, null, []])
    assert.equal((await reader.snapshot(btc, 'sha256:set', now))?.at, start + minuteMs)
    const open = [2, 3, 4].map((i) => start + i * minuteMs)
    assert.deepEqual(await reader.unanswered(who, 0, now, 9), open)
    const { unexplained, duplicates } = await reads.continuity(start, now)
    assert.deepEqual([unexplained, duplicates], [0, 0])
  })
}

test('of a gap that a file reaches into, that part is healed', async (t) => {
  const { bring, config, dataPath } = await stage(t, 'importpart')
  const work = await openStoreWork(dataPath, config, { mayMake: true })
  await withGap(work, 'open')
  await work.close()
  const text = [header, row(3, 200), row(4, 200)].join('\n')
  assert.partialDeepStrictEqual(await bring('a.csv', text), { healed: 2 })
  const after = await openStoreWork(dataPath, config)
  t.after(after.close)
  assert.deepEqual(await gapsOf(after), [
    [3, 5, start + 8 * minuteMs],
    [2.5, 5, null],
  ])
})

test('beside a daemon, which would go on without them, missing candles are counted and stay', async (t) => {
  const { bring, stored, config, dataPath } = await stage(t, 'importbeside')
  const work = await openStoreWork(dataPath, config, { mayMake: true })
  await withGap(work, 'open')
  await work.close()
  const { release } = lockDataDirectory(openDataDirectory(dataPath))
  t.after(release)
  const text = [header, row(2, 200), row(3, 200)].join('\n')
  assert.partialDeepStrictEqual(await bring('a.csv', text), { healed: 0, missing: 2 })
  assert.deepEqual((await stored()).filter(({ state }) => state === 'missing').length, 3)
})

test('rows in another order come in as if they were in order', async (t) => {
  const { bring, stored } = await stage(t, 'importorder')
  const candles = [9, 8, 7, 6, 2, 1, 0].map((i) => row(i, 100 + i))
  assert.deepEqual(await bring('newest-first.csv', [header, ...candles].join('\n')), {
    rows: 7,
    ...{ gaps: 1, healed: 0, missing: 0 },
    from: '2026-01-01T00:00:00.000Z',
    to: '2026-01-01T00:10:00.000Z',
  })
  assert.deepEqual(
    (await stored()).map(({ open }) => open),
    [100, 101, 102, null, null, null, 106, 107, 108, 109],
  )
})

test('trades newest first are folded as those oldest first, each once', async (t) => {
  const { bring, stored } = await stage(t, 'importnewest')
  const hour = Array.from({ length: 3_600 }, (_, i) => `${i},${start + i * 1_000},${100 + i},1`)
  const text = ['id,time,price,size', ...hour.toReversed(), hour[1_800]].join('\n')
  const { rows, from, to, gaps } = await bring('t.csv', text)
  assert.deepEqual([rows, gaps], [60, 0])
  assert.deepEqual([from, to], ['2026-01-01T00:00:00.000Z', '2026-01-01T01:00:00.000Z'])
  const told = (await stored()).map(({ open, close, volume }) => [open, close, volume])
  assert.deepEqual(
    told,
    Array.from({ length: 60 }, (_, i) => [100 + 60 * i, 159 + 60 * i, 60]),
  )
})

test('candles of another interval are refused, and nothing is stored', async (t) => {
  const { bring, stored } = await stage(t, 'importstep')
  const hours = Array.from({ length: 24 }, (_, i) => row(60 * i))
  await assert.rejects(bring('hours.csv', [header, ...hours].join('\n')), {
    code: 'file.interval',
    message: /found candles that lie 1h .*, expected candles of 1m/,
  })
  const ends = [1, 2].map((i) => row(i - 1 / minuteMs))
  await assert.rejects(bring('ends.csv', [header, ...ends].join('\n')), {
    code: 'file.interval',
    message: /line 2, column "open_time": found "1767225659999", expected the opening/,
  })
  await assert.rejects(bring('twice.csv', [header, row(0), row(1), row(0)].join('\n')), {
    code: 'file.repeated',
  })
  await assert.rejects(stored(), { code: 'store.absent' })
})

for (const name of ['out.csv.gz', 'out.parquet']) {
  test(`what was exported to ${name} comes in as it was, empty, missing and corrected candles too`, async (t) => {
    const [from, to] = ['a', 'b'].map((it) => `import${it}${name.replaceAll('.', '')}`)
    const first = await stage(t, from as string)
    const work = await openStoreWork(first.dataPath, first.config, { mayMake: true })
    const at = (i: number) => ({ openAt: start + i * minuteMs })
    await withGap(work, 'open')
    const writer = work.store.writer(await work.lease(), () => start)
    const more = [
      blank(0, 'empty', at(-1)),
      candle(0, { ...at(8), state: 'corrected', revision: 2, takerBuyVolume: 1.5 }),
      blank(0, 'empty', at(9)),
    ]
    await writer.commit(
      more.map((it) => ({ type: 'candle', candle: it })),
      () => start + 10 * minuteMs,
    )
    await work.close()
    const exported = async (coin?: Coin): Promise<Uint8Array> => {
      const file = join(dirname(first.dataPath), `made-${name}`)
      const order = { table: 'candles', coin, from: undefined, to: undefined } as const
      await exportTable({ ...first, ...order, file, progress: () => {} })
      return readFileSync(file)
    }
    const before = await first.stored()
    assert.deepEqual(before.map(({ state }) => state.slice(0, 1)).join(''), 'effmmmfffce')

    const second = await stage(t, to as string)
    const content = await exported(btc)
    assert.partialDeepStrictEqual(await second.bring(name, content), { rows: 6, gaps: 2 })
    assert.deepEqual(await second.stored(), before)

    assert.partialDeepStrictEqual(await first.bring(name, content), { healed: 0 })
    assert.deepEqual(await first.stored(), before, 'what is missing in the file heals nothing')
    const again = await openStoreWork(first.dataPath, first.config)
    assert.deepEqual(await gapsOf(again), [[2.5, 5, null]])
    const others = again.store.writer(await again.lease(), () => start)
    await others.writeHistory([candle(0, { ...at(9), coin: eth })])
    await again.close()
    await assert.rejects(second.bring(name, await exported(eth)), {
      code: 'file.value',
      message: /column "coin": found "ETH\/USDT", expected BTC\/USDT, whose candles they are to be/,
    })
    await assert.rejects(second.bring(name, await exported()), {
      code: 'file.value',
      message: /column "coin": found "ETH\/USDT", expected BTC\/USDT as in the rows before/,
    })
  })
}

test('a file that is wrong far down leaves nothing behind', async (t) => {
  const { bring, stored } = await stage(t, 'importwrong')
  const rows = Array.from({ length: 20_000 }, (_, i) => row(i))
  const text = [header, ...rows, row(20_000).replace('101', 'NaN')].join('\n')
  await assert.rejects(bring('w.csv', text), { code: 'file.value', message: /line 20002/ })
  await assert.rejects(stored(), { code: 'store.absent' })
})
