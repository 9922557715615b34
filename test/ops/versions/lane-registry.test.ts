import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { artifactFiles } from '../../../ops/store/versions/artifact-files.ts'
import { LaneRegistry } from '../../../ops/versions/lane-registry.ts'
import { minuteMs } from '../../../streams/time.ts'
import { btc, eth } from '../../support/candles.ts'
import {
  entries,
  held,
  noon,
  openTestStore,
  prediction,
  type TestStore,
  version,
} from '../../support/store/database.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const shipped = fileURLToPath(new URL('../../../models', import.meta.url))

function registry(store: TestStore, families: readonly string[]): LaneRegistry {
  const artifacts = artifactFiles(join(temporaryFolder(), 'artifacts'))
  return new LaneRegistry({ store, reads: store.reads, artifacts, families, shipped })
}

test('a new lane gets the shipped version in slot v1, from the candle given, and keeps it', async () => {
  const store = await openTestStore()
  const first = registry(store, ['linear'])
  await first.open(btc, noon)
  const [pointer] = first.pointers({ coin: btc, family: 'linear' })
  assert.deepEqual(pointer, {
    coin: btc,
    family: 'linear',
    version: 1,
    slot: 'v1',
    from: noon,
    until: null,
  })
  assert.equal(first.lanes(btc)[0]?.versions[0]?.artifact.manifest.family, 'linear')
  const [model] = await store.reads.models({ coin: btc, family: 'linear' })
  const { verdict, profile, reasons } = model?.verdict ?? {}
  assert.deepEqual([verdict, profile, reasons?.[0]?.code], ['exempt', 'open', 'shipped'])
  const again = registry(store, ['linear'])
  await again.open(btc, noon + 10 * minuteMs)
  assert.deepEqual(again.pointers({ coin: btc, family: 'linear' }), [pointer])
})

test('a family or a coin that is not followed any longer holds no slot from there on, and comes back with its version', async () => {
  const store = await openTestStore()
  const both = registry(store, ['linear', 'volatility'])
  await both.open(btc, noon)
  await both.open(eth, noon)
  const later = noon + 10 * minuteMs
  // It did not come to answer the last two candles before: those are nobody's.
  const volatility = { coin: btc, family: 'volatility', version: 1 }
  await store.write.commit(entries(prediction(volatility, 7)), () => later)
  const fewer = registry(store, ['linear'])
  await fewer.closeOthers([btc], later)
  assert.deepEqual(await store.reads.pointers({ coin: eth, family: 'linear' }), [])
  const open = (await store.reads.pointers()).filter(({ until }) => until === null)
  assert.deepEqual(
    open.map(({ coin, family }) => `${coin} ${family}`),
    ['BTC/USDT linear'],
  )
  const back = registry(store, ['linear', 'volatility'])
  await back.open(btc, later + 5 * minuteMs)
  const ofVolatility = back.pointers({ coin: btc, family: 'volatility' })
  assert.deepEqual(
    ofVolatility
      .map(({ version, from, until }) => [version, from, until])
      .toSorted((a, b) => Number(a[1]) - Number(b[1])),
    [
      [1, noon, noon + 8 * minuteMs],
      [1, later + 5 * minuteMs, null],
    ],
  )
})

test('a coin that is removed and added has its newest version again, however far it had answered', async () => {
  const store = await openTestStore()
  const lanes = registry(store, ['linear'])
  await lanes.open(btc, noon)
  const lane = { coin: btc, family: 'linear' }
  const one = { ...lane, version: 1 }
  const two = await version(store, { slot: 'v3' })
  await store.write.commit(entries(prediction(one, 9), prediction(two, 8)), () => noon)
  await lanes.close(btc, noon + 10 * minuteMs)
  await lanes.open(btc, noon + 20 * minuteMs)
  assert.equal(held(lanes.pointers(lane)), 'v1:1 v3:2')
  // Nobody had written down what a lane had in stores of before: the slots that ended last tell.
  await lanes.close(btc, noon + 30 * minuteMs)
  await store.sql`update lane set left_with = null`
  await lanes.open(btc, noon + 40 * minuteMs)
  assert.equal(held(lanes.pointers(lane)), 'v1:1')
})
