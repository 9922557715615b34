import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backfill } from '../../ops/backfill.ts'
import { openStoreWork } from '../../ops/store-work.ts'
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

test('one whose lease another daemon has taken half-way ends with what was lost', async (t) => {
  const { config, dataPath } = await tapeWork(t, 'tape')
  const work = await openStoreWork(dataPath, config)
  t.after(work.close)
  await work.store.sql.unsafe(`
    create function take() returns trigger language plpgsql as $$
    begin update lease set term = term + 1, holder = 'another'; return null; end $$;
    create trigger take after insert on prediction execute function take()`)
  const everything = { family: undefined, from: undefined, to: undefined }
  await assert.rejects(
    backfill({ ...{ config, dataPath, coin: btc, ...everything }, progress: () => {} }),
    { code: 'lease.lost', message: /lost to another daemon/ },
  )
})
