import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backfill } from '../../ops/backfill.ts'
import { btc } from '../support/store/database.ts'
import { tapeWork } from '../support/store/tape-work.ts'

test('a tape that auto has fallen back to is a tape: what a version was trained on is in sample', async (t) => {
  const { config, dataPath } = await tapeWork(t, 'auto')
  const everything = { family: undefined, from: undefined, to: undefined }
  const report = await backfill({
    ...{ config, dataPath, coin: btc, ...everything },
    progress: () => {},
  })
  assert.ok(report.inSample > 100, JSON.stringify(report))
  assert.ok(report.rows > report.inSample)
})
