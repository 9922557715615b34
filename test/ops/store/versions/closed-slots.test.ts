import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type { Version } from '../../../../models/version.ts'
import { backup, restore } from '../../../../ops/store/files/backup.ts'
import type { Store } from '../../../../ops/store/store.ts'
import { closeSlots, reopenSlots } from '../../../../ops/store/versions/closed-slots.ts'
import { openJournal } from '../../../../ops/store/versions/journal.ts'
import { minuteMs } from '../../../../streams/time.ts'
import {
  btc,
  emptied,
  entries,
  held,
  named,
  noon,
  openTestStore,
  prediction,
  type TestStore,
  version,
} from '../../../support/store/database.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const lane = { coin: btc, family: 'linear' }
const at = (i: number): number => noon + i * minuteMs

/** v1:1 v2:2 v3:3, each with its first candles answered up to the one named. */
async function stage(...answered: readonly [number, number, number]) {
  const store = await openTestStore()
  const made: Version[] = []
  for (const slot of ['v1', 'v2', 'v3'] as const) made.push(await version(store, { slot }))
  await store.write.commit(
    made.flatMap((it, nth) =>
      entries(...Array.from({ length: answered[nth] as number }, (_, i) => prediction(it, i))),
    ),
    () => at(10),
  )
  return store
}

const close = (store: TestStore, i: number) => closeSlots(store.sql, store.names, lane, at(i))
const reopen = (store: Store, i: number) => reopenSlots(store.sql, store.names, lane, at(i))

async function slotsNow(store: Store): Promise<string> {
  return held(await store.reads.pointers(lane))
}

test('a lane comes back with all that it left with, answered to the end, behind, or not at all', async () => {
  for (const behind of [10, 9, 0]) {
    const store = await stage(10, 10, behind)
    await close(store, 10)
    const closed = await store.reads.pointers(lane)
    assert.equal(named(closed), behind === 0 ? 'v1:1 v2:2' : 'v1:1 v2:2 v3:3')
    assert.equal(closed.find(({ slot }) => slot === 'v3')?.until, behind ? at(behind) : undefined)
    assert.equal(await reopen(store, 60), 'given')
    assert.equal(await slotsNow(store), 'v1:1 v2:2 v3:3')
    assert.equal(await reopen(store, 61), 'unknown', 'what it left with counts once')
  }
})

test('closed once more before it came back, it still has what it had', async () => {
  const store = await stage(10, 10, 9)
  await close(store, 10)
  await close(store, 20)
  assert.equal(await reopen(store, 60), 'given')
  assert.equal(await slotsNow(store), 'v1:1 v2:2 v3:3')
})

test('a cut for a candle that it did not come to leaves the new one to come back, and owes nothing of the old', async () => {
  const store = await stage(10, 10, 10)
  const journal = openJournal(store)
  const four = await version(store)
  const { id } = await journal.open({ to: four, askedBy: 'operator', revision: 0 })
  await journal.begin(id, at(10))
  await journal.cut(id, at(14))
  await close(store, 12)
  const closed = await store.reads.pointers(lane)
  assert.equal(named(closed), 'v1:1 v2:2 v3:3')
  assert.deepEqual(new Set(closed.map(({ until }) => until)), new Set([at(10)]))
  await reopen(store, 60)
  assert.equal(await slotsNow(store), 'v1:1 v2:3 v3:4')
})

test('what is quarantined or has no artifact any more stays away, and the pinned slot is never empty', async () => {
  const cases: readonly [string, readonly number[], string, string][] = [
    ["state = 'quarantined'", [3], 'given', 'v1:1 v2:2'],
    ['removed_at = clock_timestamp()', [2], 'given', 'v1:1 v3:3'],
    ["state = 'quarantined'", [1], 'given', 'v1:2 v2:2 v3:3'],
    ["state = 'quarantined'", [1, 2, 3], 'none', ''],
  ]
  for (const [change, numbers, answer, slots] of cases) {
    const store = await stage(10, 10, 10)
    await close(store, 10)
    await store.sql`
      update version set ${store.sql.unsafe(change)} where number in ${store.sql([...numbers])}`
    assert.equal(await reopen(store, 60), answer)
    assert.equal(await slotsNow(store), slots)
    const away = await store.sql`select from version where state = 'quarantined'`
    assert.equal(away.length, change.startsWith('state') ? numbers.length : 0)
  }
})

test('what a lane left with is kept in the archive, and goes with a backup', async () => {
  const store = await stage(10, 10, 9)
  await close(store, 10)
  await store.sql`update version set state = 'archived', archived_at = 'epoch' where number = 3`
  for (let i = 0; i < 12; i++) await version(store)
  await store.sql`
    update version set state = 'archived', archived_at = clock_timestamp() where number > 3`
  await openJournal(store).prune(lane)
  const folder = temporaryFolder()
  after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'backup')
  await backup(file, { store, artifacts: join(folder, 'none'), now: () => at(20) })
  const again = await emptied(store)
  await restore(file, { store: again, artifacts: join(folder, 'artifacts') })
  assert.equal(await reopen(again, 60), 'given')
  assert.equal(await slotsNow(again), 'v1:1 v2:2 v3:3')
})
