import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import type { Version } from '../../../../models/version.ts'
import { pruneArchive } from '../../../../ops/store/versions/archive.ts'
import { openJournal } from '../../../../ops/store/versions/journal.ts'
import { assignSlot, registerVersion } from '../../../../ops/store/versions/versions.ts'
import { minuteMs } from '../../../../streams/time.ts'
import type { LaneJournal } from '../../../../supervisor/fleet/lane-journal.ts'
import {
  btc,
  eth,
  held,
  manifest,
  noon,
  openTestStore,
  type TestStore,
} from '../../../support/store/database.ts'
import { until } from '../../../support/until.ts'

const lane = { coin: btc, family: 'linear' }
const at = (i: number): number => noon + i * minuteMs

async function stage() {
  const store = await openTestStore()
  const first = await made(store)
  await assignSlot(store.sql, store.names, 'v1', first, noon)
  return { store, journal: openJournal(store) }
}

/** Each with an artifact of its own, unless one is named. */
async function made(store: TestStore, coin = btc, sha256 = randomBytes(32).toString('hex')) {
  const about = { manifest: manifest(), metrics: null, artifact: sha256 }
  const version = await registerVersion(store.sql, store.names, { ...lane, coin, sha256, ...about })
  await store.sql`
    insert into artifact_file (sha256, name, part, bytes) values (${sha256}, 'manifest.json', 0, '')
    on conflict do nothing`
  return version
}

async function order(journal: LaneJournal, to: Version): Promise<number> {
  return (await journal.open({ to, askedBy: 'operator', revision: 0 })).id
}

async function reject(store: TestStore, journal: LaneJournal): Promise<Version> {
  const version = await made(store)
  const swap = await order(journal, version)
  await journal.begin(swap, at(1))
  await journal.end(swap, 'rejected', 'not good enough')
  return version
}

async function serve(store: TestStore, journal: LaneJournal, i: number): Promise<Version> {
  const version = await made(store)
  const swap = await order(journal, version)
  await journal.begin(swap, at(i - 1))
  await journal.cut(swap, at(i))
  await journal.end(swap, 'done', null)
  return version
}

async function removed(store: TestStore): Promise<readonly number[]> {
  const rows = await store.sql<{ number: number }[]>`
    select number from version where removed_at is not null order by number`
  return rows.map(({ number }) => number)
}

test('ten archived versions are kept; the bytes of older ones go', async () => {
  const { store, journal } = await stage()
  const gone: string[] = []
  for (let i = 2; i <= 16; i++) {
    await serve(store, journal, i * 10)
    if (i > 3) await journal.archive({ ...lane, version: i - 2 }, null)
    gone.push(...(await journal.prune(lane)))
  }
  assert.deepEqual(await removed(store), [2, 3, 4])
  assert.equal(gone.length, 3)
  const kept = await store.sql`select from artifact_file`
  assert.equal(kept.length, 13)
  await assert.rejects(order(journal, { ...lane, version: 2 }), { code: 'swap.state' })
})

test('ten rejected versions are kept; one whose rejection has no date goes before them', async () => {
  const { store, journal } = await stage()
  for (let i = 2; i <= 11; i++) await reject(store, journal)
  assert.deepEqual(await journal.prune(lane), [])
  await store.sql`update version set archived_at = null where number in (7, 8)`
  await reject(store, journal)
  assert.equal((await journal.prune(lane)).length, 1)
  await reject(store, journal)
  await reject(store, journal)
  await journal.prune(lane)
  assert.deepEqual(await removed(store), [2, 7, 8])
})

test('what holds a slot, is wanted or is on its way is kept at any age', async () => {
  const { store, journal } = await stage()
  const [wanted, ordered] = [await reject(store, journal), await reject(store, journal)]
  await store.sql`
    insert into alias (lane_id, version_id, revision)
    values (${await store.names.lane(lane)}, ${await store.names.version(wanted)}, 1)`
  await store.sql`update version set state = 'rejected' where number = 1`
  for (let i = 4; i <= 15; i++) await reject(store, journal)
  await order(journal, ordered)
  await journal.prune(lane)
  assert.deepEqual(await removed(store), [4, 5])
})

test('whatever has been put away since, one step back stays possible', async () => {
  const { store, journal } = await stage()
  const two = await serve(store, journal, 10)
  await serve(store, journal, 20)
  await serve(store, journal, 30)
  await journal.archive(two, null)
  for (let i = 5; i <= 17; i++) await order(journal, await made(store))
  await journal.prune(lane)
  assert.deepEqual(await removed(store), [5, 6])
  const back = { lane, kind: 'rollback', at: at(40), reason: 'a test', revision: 0 } as const
  assert.equal((await journal.goBack(back)).to.version, 3)
  assert.equal(held((await journal.lane(lane)).pointers), 'v1:1 v2:2 v3:3')
})

test('two lanes let go of the same artifact at once: its bytes go, and are handed over once', async () => {
  const { store } = await stage()
  const { sql, names } = store
  const shared = randomBytes(32).toString('hex')
  const laneIds: number[] = []
  for (const coin of [btc, eth]) {
    await made(store, coin, shared)
    for (let i = 0; i < 10; i++) await made(store, coin)
    laneIds.push(await names.lane({ ...lane, coin }))
  }
  await sql`
    update version set state = 'archived', archived_at = clock_timestamp() + number * interval '1 second'
    where number > 1 or artifact = ${shared}`
  const [one, other] = laneIds as [number, number]
  const second: { gone?: readonly string[] } = {}
  const isWaiting = async (): Promise<boolean> => {
    const [found] = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
    return found !== undefined
  }
  const pruning = await sql.begin(async (tx) => {
    const first = await pruneArchive(tx, one)
    const after = sql.begin(async (its) => {
      second.gone = await pruneArchive(its, other)
    })
    await until('the other waits', async () => second.gone !== undefined || (await isWaiting()))
    return { first, after }
  })
  await pruning.after
  assert.deepEqual([pruning.first, second.gone], [[], [shared]])
  assert.equal((await sql`select from artifact_file where sha256 = ${shared}`).length, 0)
})
