import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { minuteMs } from '../../../streams/time.ts'
import { btc, candle, noon, openTestStore } from '../../support/store/database.ts'

const folder = join(import.meta.dirname, '../../../ops/store/migrations')

test('holes that were healed at the end of time are healed at the newest close on record', async () => {
  const store = await openTestStore()
  await store.write.writeHistory([candle(0), candle(1), candle(2)])
  const hole = { coin: btc, family: 'linear', slot: 'v1', reason: 'gap' } as const
  const holes = [0, 1, 2].map((i) => ({ ...hole, openAt: noon + i * minuteMs }))
  await store.write.commit(
    holes.map((it) => ({ type: 'hole', hole: it })),
    () => noon,
  )
  const { sql } = store
  await sql`update hole set healed_at = 'infinity' where open_at = ${noon}`
  await sql`update hole set healed_at = ${noon} where open_at = ${noon + minuteMs}`
  await sql.unsafe(readFileSync(join(folder, '0015-end-of-time.sql'), 'utf8')).simple()
  const found = await sql<{ at: number | null }[]>`
    select healed_at as at from hole order by open_at`
  assert.deepEqual(
    found.map(({ at }) => at),
    [noon + 3 * minuteMs, noon, null],
  )
})
