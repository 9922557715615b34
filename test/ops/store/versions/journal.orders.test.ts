/** Wishes for a version that serves, or is about to: nothing is moved to where it stands, and nothing to go back to is lost. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Version } from '../../../../models/version.ts'
import { openJournal } from '../../../../ops/store/versions/journal.ts'
import { minuteMs } from '../../../../streams/time.ts'
import { btc, held, noon, openTestStore, version } from '../../../support/store/database.ts'

const lane = { coin: btc, family: 'linear' }
const at = (i: number): number => noon + i * minuteMs
const operator = (to: Version) => ({ to, askedBy: 'operator', revision: 0 }) as const
const back = { lane, reason: 'a test', revision: 0 } as const

/** A lane that version 1 serves, and a way to more of them. */
async function stage() {
  const store = await openTestStore()
  await version(store, { slot: 'v1' })
  return { journal: openJournal(store), another: () => version(store) }
}

test('a second order of the version that is on its way is the first one again, and nothing is lost to go back to', async () => {
  const { journal, another } = await stage()
  const two = await another()
  const first = await journal.open(operator(two))
  await journal.begin(first.id, at(9))
  assert.equal((await journal.open({ ...operator(two), revision: 3 })).id, first.id)
  assert.equal((await journal.lane(lane)).handled, 3)
  // The registry's is a wish of its own: it waits, and finds the lane where it is to be.
  const wish = await journal.open({ to: two, askedBy: 'registry', revision: 4 })
  assert.equal(wish.state, 'waiting')
  await journal.cut(first.id, at(10))
  await journal.end(first.id, 'done', null)
  const begun = await journal.begin(wish.id, at(11))
  assert.deepEqual([begun.state, begun.reason], ['done', 'it serves already'])
  assert.deepEqual([begun.cutAt, begun.transitions], [null, []])
  assert.equal(held((await journal.lane(lane)).pointers), 'v1:1 v2:1 v3:2')
  assert.equal((await journal.goBack({ ...back, kind: 'rollback', at: at(20) })).to.version, 1)
})

test('what serves is wished for again while the lane is on its way from it: it is moved back, not left behind', async () => {
  const { journal, another } = await stage()
  const two = await another()
  const away = await journal.open(operator(two))
  await journal.begin(away.id, at(9))
  const stay = await journal.open({ to: { ...lane, version: 1 }, askedBy: 'registry', revision: 1 })
  assert.equal(stay.state, 'waiting')
  await journal.cut(away.id, at(10))
  await journal.end(away.id, 'done', null)
  assert.equal((await journal.begin(stay.id, at(11))).state, 'running')
})

test('no cut is made to what is the newest already', async () => {
  const { journal, another } = await stage()
  const [two, three] = [await another(), await another()]
  for (const [to, i] of [
    [two, 10],
    [three, 20],
  ] as const) {
    const { id } = await journal.open(operator(to))
    await journal.begin(id, at(i - 1))
    await journal.cut(id, at(i))
    await journal.end(id, 'done', null)
  }
  const again = await journal.open(operator(two))
  await journal.begin(again.id, at(29))
  await journal.goBack({ ...back, kind: 'fallback', at: at(30) })
  await assert.rejects(journal.cut(again.id, at(31)), { code: 'swap.serves' })
  assert.equal(held((await journal.lane(lane)).pointers), 'v1:1 v2:1 v3:2')
})
