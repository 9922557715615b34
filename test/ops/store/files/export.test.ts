import assert from 'node:assert/strict'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'
import { exportTable } from '../../../../ops/store/files/export.ts'
import { resolveOutcomes } from '../../../../ops/store/scores/outcomes.ts'
import { iso, minuteMs } from '../../../../streams/time.ts'
import {
  blank,
  btc,
  candle,
  entries,
  noon,
  openTestStore,
  prediction,
  version,
} from '../../../support/store/database.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

test('candles, predictions and outcomes leave as Parquet and CSV with the values they have', async () => {
  const folder = temporaryFolder()
  after(() => rmSync(folder, { recursive: true }))
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  await store.write.writeHistory([
    ...Array.from({ length: 30 }, (_, i) => candle(i)),
    blank(30, 'empty'),
  ])
  await store.write.commit(entries(...[0, 1, 2].map((i) => prediction(who, i))), () => noon)
  await resolveOutcomes(store, btc, 0.001)

  const file = join(folder, 'candles.parquet')
  assert.deepEqual(await exportTable(store.sql, { table: 'candles' }, file), { rows: 31 })
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file) })
  assert.equal(rows.length, 31)
  const { coin, openAt, close, takerBuyVolume } = rows[4] ?? {}
  assert.deepEqual(
    [coin, openAt, close, takerBuyVolume],
    [btc, new Date(noon + 4 * minuteMs), candle(4).close, null],
  )
  assert.equal(rows[30]?.state, 'empty')

  const text = join(folder, 'predictions.csv.gz')
  const done = await exportTable(store.sql, { table: 'predictions', from: noon + 1 }, text)
  const lines = gunzipSync(readFileSync(text)).toString().trim().split('\n')
  assert.deepEqual([done.rows, lines.length], [2, 3])
  assert.match(
    lines[1] ?? '',
    new RegExp(`^BTC/USDT,linear,1,${iso(noon + minuteMs)},live,buy,0.2,0.3,0.5,,`),
  )

  const outcomes = join(folder, 'outcomes.csv')
  assert.equal((await exportTable(store.sql, { table: 'outcomes' }, outcomes)).rows, 3)
  await assert.rejects(exportTable(store.sql, { table: 'outcomes' }, join(folder, 'x.xlsx')), {
    code: 'usage.format',
  })
  assert.equal(existsSync(join(folder, 'x.xlsx.part')), false)
})

test('an empty table is a file with its columns and no rows', async () => {
  const folder = temporaryFolder()
  after(() => rmSync(folder, { recursive: true }))
  const store = await openTestStore()
  const file = join(folder, 'none.parquet')
  assert.deepEqual(await exportTable(store.sql, { table: 'outcomes' }, file), { rows: 0 })
  assert.deepEqual(await parquetReadObjects({ file: await asyncBufferFromFile(file) }), [])
})
