import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, test } from 'node:test'
import { datasetHash } from '../../../models/dataset/build.ts'
import { flaws } from '../../../models/dataset/manifest.ts'
import type { Profile } from '../../../models/dataset/profile.ts'
import { openDataset, verifyDataset } from '../../../models/dataset/read.ts'
import type { Candle } from '../../../streams/candles/candle.ts'
import { FeatureEngine } from '../../../streams/features/engine.ts'
import { dayMs, hourMs, minuteMs } from '../../../streams/time.ts'
import { madeCandles } from '../../support/candles.ts'
import { datasetOf, marketCandles } from '../../support/models/datasets.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const columns = ['log_return_1', 'rsi_14', 'realised_volatility_60']
const from = Date.UTC(2026, 0, 1)
let candles: readonly Candle[]

before(async () => {
  candles = await marketCandles({ seed: 5, signal: 0.3, days: 5 })
})

const plain = (count: number, states = {}) => madeCandles({ from, count, states })

test('rows are those of the engine, one for every candle, and read back as they were written', async () => {
  const { folder, manifest } = await datasetOf(candles, temporaryFolder(), { columns })
  assert.equal(manifest.rows, 4 * 1_440)
  const engine = new FeatureEngine(minuteMs)
  const { set } = engine
  const values = new Float64Array(set.columns.length)
  const expected = candles.map((candle) => {
    engine.step(candle, values)
    return columns.map((name) => Math.fround(values[set.indexOf(name)] as number))
  })
  const { rows } = await openDataset(folder)
  let i = 1_440
  for await (const block of rows(columns).blocks) {
    for (let r = 0; r < block.length; r++, i++) {
      assert.equal(block.openAt[r], candles[i]?.openAt)
      assert.deepEqual([...block.values.subarray(r * 3, r * 3 + 3)], expected[i])
    }
  }
  assert.equal(i, candles.length)
})

test('the same candles give the same bytes, and another label another hash', async () => {
  const first = await datasetOf(candles, temporaryFolder(), { columns })
  const second = await datasetOf(candles, temporaryFolder(), { columns })
  const other = await datasetOf(candles, temporaryFolder(), {
    columns,
    label: { kind: 'threshold', up: 0.002, down: -0.002 },
  })
  assert.equal(datasetHash(first.manifest), datasetHash(second.manifest))
  assert.notEqual(datasetHash(first.manifest), datasetHash(other.manifest))
  await verifyDataset(await openDataset(first.folder))
})

test('a range that is not of whole candles is refused', async () => {
  for (const order of [{ from: from + dayMs + 30_000 }, { to: from + 2 * dayMs + 1 }])
    await assert.rejects(datasetOf(plain(3 * 1_440), temporaryFolder(), { columns, ...order }), {
      message: /whole candles/,
    })
})

test('what is no example is flagged with its reason and counted: quiet, missing, over a gap, corrected, past the end', async () => {
  const made = plain(5 * 1_440, { 2000: 'empty', 3000: 'missing', 4000: 'corrected' }).map((it) =>
    it.state === 'corrected' ? { ...it, revision: 1 } : it,
  )
  // A stretch of an hour that was never stored at all.
  const holed = made.filter(
    ({ openAt }) => openAt < from + 5_000 * minuteMs || openAt >= from + 5_060 * minuteMs,
  )
  const { folder, manifest } = await datasetOf(holed, temporaryFolder(), { columns })
  const dataset = await openDataset(folder)
  const found = new Map<number, string>()
  for await (const block of dataset.rows(columns).blocks)
    for (let r = 0; r < block.length; r++)
      found.set(
        ((block.openAt[r] as number) - from) / minuteMs,
        flaws[block.flaw[r] as number] as string,
      )
  assert.equal(found.get(1_999), 'none')
  assert.equal(found.get(2_000), 'no_trades')
  assert.equal(found.get(3_000), 'gap')
  assert.equal(found.get(3_010), 'gap', 'its features reach over the gap')
  assert.equal(found.get(3_900), 'none')
  assert.equal(found.get(4_000), 'corrected')
  assert.equal(found.get(5_030), 'gap')
  assert.equal(found.get(7_190), 'unlabelled')
  assert.equal(found.get(2_985), 'unlabelled', 'its label would reach over the gap')
  assert.equal(manifest.rows, 4 * 1_440, 'none is left out')
  assert.deepEqual(manifest.gaps.at(-1), {
    from: new Date(from + 5_000 * minuteMs).toISOString(),
    to: new Date(from + 5_060 * minuteMs).toISOString(),
  })
  const total = Object.values(manifest.flaws).reduce((sum, n) => sum + n, 0)
  assert.equal(total, manifest.rows)
  const { days } = JSON.parse(readFileSync(join(folder, 'profile.json'), 'utf8')) as Profile
  const missing = days.reduce((sum, it) => sum + it.missing, 0)
  assert.equal(missing, 61, 'a row whose features reach over a gap is not a missing minute')
  const page = readFileSync(join(folder, 'profile.html'), 'utf8')
  assert.match(page, /2 gaps \(UTC\): 2026-01-03 02:00 to 2026-01-03 02:01; 2026-01-04 11:20 to/)
})

test('nothing after its end is looked at', async () => {
  const to = from + 4 * dayMs
  const short = await datasetOf(plain(4 * 1_440), temporaryFolder(), { columns })
  const cut = await datasetOf(plain(5 * 1_440), temporaryFolder(), { columns, to, now: to })
  assert.equal(datasetHash(short.manifest), datasetHash(cut.manifest))
})

const refusals: readonly [string, () => readonly Candle[], object, string][] = [
  ['too few rows', () => plain(1_440 + 300), {}, 'data.too_few'],
  [
    'a hole of a week and little besides',
    () => [...plain(1_440), ...madeCandles({ from: from + 8 * dayMs, count: 1_000 })],
    {},
    'data.too_few',
  ],
  [
    'a market in which nothing ever happens',
    () => plain(5_000),
    { label: { kind: 'threshold', up: 10, down: -0.9 } },
    'data.one_class',
  ],
  [
    'a value that never changes',
    () => plain(5_000).map((it) => ({ ...it, open: 1, high: 1, low: 1, close: 1 })),
    { label: { kind: 'return', up: 0.001, down: -0.001 } },
    'data.one_class',
  ],
  [
    'a column that there is not',
    () => plain(5_000),
    { columns: ['no_such_column', ...columns] },
    'data.schema',
  ],
  [
    'a column that this source does not tell',
    () => plain(5_000).map((it) => ({ ...it, takerBuyVolume: Number.NaN })),
    { columns: ['taker_share', ...columns] },
    'data.nulls',
  ],
  [
    'a decimal point that was lost',
    () =>
      plain(5_000).map((it, i) =>
        i > 4_000 && i < 4_100 ? { ...it, close: it.close * 100, high: it.high * 100 } : it,
      ),
    {},
    'data.outliers',
  ],
  [
    'candles that came twice',
    () => plain(5_000).flatMap((it, i) => (i % 50 === 0 ? [it, it] : [it])),
    {},
    'data.duplicates',
  ],
  [
    'a market that ended long ago',
    () => plain(5_000),
    { now: from + 5_000 * minuteMs + 30 * hourMs },
    'data.freshness',
  ],
]

for (const [what, make, order, code] of refusals) {
  test(`refused as ${code}, with a report and without a dataset: ${what}`, async () => {
    const folder = temporaryFolder()
    const given = make()
    const to = (given.at(-1)?.openAt ?? 0) + minuteMs
    await assert.rejects(
      datasetOf(given, folder, { columns, to, now: to, ...order }),
      (fault: { code: string; message: string }) => {
        assert.ok(
          fault.code === code || fault.message.includes(`${code.slice(5)}:`),
          `${fault.code}: ${fault.message}`,
        )
        return true
      },
    )
    assert.deepEqual(readdirSync(folder), ['dataset'])
    assert.deepEqual(readdirSync(join(folder, 'dataset')), ['report.json'])
    const report = JSON.parse(readFileSync(join(folder, 'dataset', 'report.json'), 'utf8'))
    assert.equal(report.checks.length, 7)
    await assert.rejects(openDataset(join(folder, 'dataset')), { code: 'dataset.refused' })
  })
}

test('a folder that holds something else is left alone; an older dataset is replaced', async () => {
  const folder = temporaryFolder()
  mkdirSync(join(folder, 'dataset'))
  writeFileSync(join(folder, 'dataset', 'thesis.txt'), 'years of work')
  await assert.rejects(datasetOf(candles, folder, { columns }), { code: 'dataset.foreign' })
  assert.equal(readFileSync(join(folder, 'dataset', 'thesis.txt'), 'utf8'), 'years of work')
  const other = temporaryFolder()
  await datasetOf(candles, other, { columns })
  const { manifest } = await datasetOf(candles, other, { columns: columns.slice(1) })
  assert.deepEqual(manifest.columns, columns.slice(1))
})

test('a refused build leaves nothing behind that could be taken for it, and a sound one takes its place', async () => {
  const folder = temporaryFolder()
  await datasetOf(candles, folder, { columns })
  await assert.rejects(datasetOf(candles.slice(0, 2_000), folder, { columns }))
  assert.deepEqual(readdirSync(join(folder, 'dataset')), ['report.json'])
  await datasetOf(candles, folder, { columns })
  await verifyDataset(await openDataset(join(folder, 'dataset')))
})

test('a file that was changed afterwards, or is gone, is found', async () => {
  const { folder } = await datasetOf(candles, temporaryFolder(), { columns })
  const dataset = await openDataset(folder)
  writeFileSync(join(folder, 'profile.json'), '{}')
  await assert.rejects(verifyDataset(dataset), { code: 'dataset.hash' })
  rmSync(join(folder, 'profile.json'))
  await assert.rejects(verifyDataset(dataset), { code: 'dataset.missing' })
})

test('examples are those of the ranges, the newest where there are more than are wanted', async () => {
  const { folder, manifest } = await datasetOf(candles, temporaryFolder(), { columns })
  const dataset = await openDataset(folder)
  const start = Date.parse(manifest.from)
  const ranges = [
    [start, start + dayMs],
    [start + 2 * dayMs, start + 3 * dayMs],
  ] as const
  const all = await dataset.examples(columns, ranges)
  const some = await dataset.examples(columns, ranges, 100)
  assert.equal(some.rows, 100)
  assert.deepEqual(some.values, all.values.slice(-300))
  assert.deepEqual(some.openAt, all.openAt.slice(-100))
  assert.ok(all.openAt.every((at) => at < start + dayMs || at >= start + 2 * dayMs))
  await assert.rejects(dataset.examples(['nothing'], ranges), { code: 'dataset.column' })
})

test('the page stands by itself: no script, nothing fetched, every column in it', async () => {
  const { folder } = await datasetOf(candles, temporaryFolder(), { columns })
  const page = readFileSync(join(folder, 'profile.html'), 'utf8')
  assert.ok(!/<script|src=|href=|url\(/.test(page))
  for (const name of columns) assert.ok(page.includes(`<td>${name}`))
})
