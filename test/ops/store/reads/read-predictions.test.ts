import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assignSlot } from '../../../../ops/store/versions/versions.ts'
import { minuteMs } from '../../../../streams/time.ts'
import {
  entries,
  noon,
  openTestStore,
  prediction,
  version,
} from '../../../support/store/database.ts'

test('predictions page newest first over every version, and signals are the newest of each slot', async () => {
  const store = await openTestStore()
  const one = await version(store, { slot: 'v1' })
  const two = await version(store, { family: 'tst', slot: 'v1' })
  await store.write.commit(
    entries(
      ...[0, 1, 2].flatMap((i) => [prediction(one, i), prediction(two, i, { signal: 'sell' })]),
    ),
    () => noon + minuteMs,
  )
  const seen: string[] = []
  let cursor: string | undefined
  for (;;) {
    const page = await store.reads.predictions({ limit: 4, cursor })
    for (const it of page.items) seen.push(`${it.family} ${(it.openAt - noon) / minuteMs}`)
    if (page.next === null) break
    cursor = page.next
  }
  assert.deepEqual(seen, ['tst 2', 'linear 2', 'tst 1', 'linear 1', 'tst 0', 'linear 0'])
  const signals = await store.reads.signals()
  assert.deepEqual(
    signals.map(({ family, slot, newest }) => [family, slot, newest?.openAt, newest?.signal]),
    [
      ['linear', 'v1', noon + 2 * minuteMs, 'buy'],
      ['tst', 'v1', noon + 2 * minuteMs, 'sell'],
    ],
  )
  const filtered = await store.reads.predictions({
    limit: 9,
    family: 'tst',
    mode: 'live',
    from: noon + 1,
  })
  assert.equal(filtered.items.length, 2)
  const other = await store.reads.predictions({ limit: 9, slot: 'v2' })
  assert.equal(other.items.length, 0)
})

test('between a cut and its first candle a slot shows the newest of its version, or that it has said nothing', async () => {
  const store = await openTestStore()
  const one = await version(store, { slot: 'v1' })
  const [two, three] = [await version(store), await version(store)]
  const said = entries(prediction(one, 0), prediction(two, 0, { signal: 'sell' }))
  await store.write.commit(said, () => noon + minuteMs)
  await assignSlot(store.sql, store.names, 'v2', three, noon + minuteMs)
  await assignSlot(store.sql, store.names, 'v3', two, noon + minuteMs)
  const signals = await store.reads.signals()
  assert.deepEqual(
    signals.map((it) => [it.slot, it.version, it.newest?.mode, it.newest?.signal]),
    [
      ['v1', 1, 'live', 'buy'],
      ['v2', 3, undefined, undefined],
      ['v3', 2, 'shadow', 'sell'],
    ],
  )
})

test('a question about last week’s v3 gets last week’s answer, whoever holds v3 now', async () => {
  const store = await openTestStore()
  const [one, two] = [await version(store), await version(store)]
  const give = (slot: 'v2' | 'v3', to: typeof one, i: number): Promise<void> =>
    assignSlot(store.sql, store.names, slot, to, noon + i * minuteMs)
  await give('v3', one, 0)
  await give('v3', two, 2)
  await give('v2', one, 2)
  const all = [0, 1, 2, 3].flatMap((i) => [prediction(one, i), prediction(two, i)])
  await store.write.commit(entries(...all), () => noon + minuteMs)
  const said = async (slot: 'v2' | 'v3'): Promise<string[]> =>
    (await store.reads.predictions({ limit: 9, slot })).items.map(
      (it) => `${(it.openAt - noon) / minuteMs} by ${it.version} in ${it.slot}`,
    )
  assert.deepEqual(await said('v3'), [
    '3 by 2 in v3',
    '2 by 2 in v3',
    '1 by 1 in v3',
    '0 by 1 in v3',
  ])
  assert.deepEqual(await said('v2'), ['3 by 1 in v2', '2 by 1 in v2'])
  const first = await store.reads.prediction(one, noon)
  const shadowed = await store.reads.prediction(two, noon)
  assert.deepEqual([first?.slot, shadowed?.slot, shadowed?.mode], ['v3', null, 'shadow'])
})
