import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { configSchema } from '../../../ops/config/schema.ts'
import { openJournal } from '../../../ops/store/versions/journal.ts'
import { versionsAtRest } from '../../../ops/versions/versions-at-rest.ts'
import { minuteMs } from '../../../streams/time.ts'
import { testFolder, writeVersion } from '../../support/models/artifacts.ts'
import { btc, held, noon, openTestStore, version } from '../../support/store/database.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

const lane = { coin: btc, family: 'linear' }
const config = configSchema.parse({
  market: { coins: [btc] },
  fleet: { families: { linear: {}, lightgbm: {} } },
})
const scaled = { kind: 'scaled_threshold', up: 0.5, down: -0.5, lookback: 240 }

/** A store in which `linear` has run, up to the candle of noon. */
async function stage() {
  const store = await openTestStore()
  const artifacts = temporaryFolder()
  const one = await version(store, {
    slot: 'v1',
    from: noon - minuteMs,
    manifest: { task: 'classify', interval: '1m', horizonCandles: 15, label: scaled } as never,
  })
  await store.write.commit([{ type: 'position', coin: btc, at: noon }], () => noon)
  const journal = openJournal(store)
  const rest = { store, artifacts, lease: async () => store.lease }
  const slots = async (): Promise<string> => held((await journal.lane(lane)).pointers)
  return { store, artifacts, journal, one, slots, versions: versionsAtRest(rest, config) }
}

async function artifact(t: TestContext, mark: number, change: object = {}) {
  const folder = testFolder(t)
  await writeVersion(folder, mark, { ...change })
  return new Map(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name))]))
}

const quietly = { coin: null, activate: false }
const wanted = { coin: null, activate: true }

test('what is published while nobody runs is verified, registered and kept, and wanted where that is said', async (t) => {
  const { store, artifacts, journal, versions } = await stage()
  const files = await artifact(t, 1)
  const [made] = await versions.publish(files, quietly)
  assert.deepEqual(made, { ...lane, version: 2 })
  assert.deepEqual(await versions.publish(files, quietly), [made])
  const [model] = await store.reads.models({ ...lane, version: 2 })
  assert.equal(model?.state, 'announced')
  assert.deepEqual(readdirSync(artifacts), [model?.sha256])
  const [kept] = await store.sql`select from artifact_file where sha256 = ${model?.sha256 ?? ''}`
  assert.ok(kept, 'and its bytes are in the store')
  assert.equal((await store.sql`select from alias`).length, 0)
  await versions.publish(files, wanted)
  const [alias] = await store.sql<{ revision: number }[]>`select revision from alias`
  assert.equal(alias?.revision, 1)
  assert.deepEqual((await journal.lane(lane)).swaps, [], 'a lane is moved by a daemon alone')
})

test('what is no artifact, or has no lane to be in, is refused and leaves nothing', async (t) => {
  const { artifacts, versions } = await stage()
  const files = await artifact(t, 1)
  const broken = new Map(files).set('model.onnx', Buffer.from('changed'))
  await assert.rejects(versions.publish(broken, quietly), { code: /^artifact\./ })
  const otherHorizon = await artifact(t, 2, { horizonCandles: 30 })
  await assert.rejects(versions.publish(otherHorizon, quietly), { code: 'artifact.lane' })
  const early = await artifact(t, 3, { family: 'lightgbm' })
  await assert.rejects(versions.publish(early, quietly), { code: 'lane.unknown', message: /start/ })
  const foreign = await artifact(t, 4, { coin: 'SOL/USDT' })
  await assert.rejects(versions.publish(foreign, quietly), { code: 'coin.unknown' })
  const partial = readdirSync(artifacts).filter((name) => /upload|partial/.test(name))
  assert.deepEqual(partial, [])
})

test('an order waits for the next start, in a family that was never heard of too', async (t) => {
  const { journal, versions } = await stage()
  await versions.publish(await artifact(t, 1), quietly)
  const swap = await versions.swap({ ...lane, version: 2 })
  assert.deepEqual([swap.state, swap.askedBy], ['waiting', 'operator'])
  assert.deepEqual(
    (await journal.lane(lane)).swaps.map(({ id }) => id),
    [swap.id],
  )
  const mine = { ...lane, family: 'mine' }
  await assert.rejects(versions.swap({ ...mine, version: 1 }), { code: 'lane.unknown' })
  await versions.publish(await artifact(t, 2, { family: 'mine' }), quietly)
  assert.equal((await versions.swap({ ...mine, version: 1 })).state, 'waiting')
})

test('a rollback moves the slots from the candle on with which the market will go on', async (t) => {
  const { store, journal, versions, slots } = await stage()
  const before = await slots()
  await versions.publish(await artifact(t, 1), quietly)
  const { id } = await journal.open({
    to: { ...lane, version: 2 },
    askedBy: 'operator',
    revision: 0,
  })
  await journal.begin(id, noon)
  await journal.cut(id, noon)
  await journal.end(id, 'done', null)
  await store.write.commit([{ type: 'position', coin: btc, at: noon + 5 * minuteMs }], () => noon)
  const back = await versions.rollback(lane, 'it was worse')
  assert.deepEqual([back.kind, back.reason], ['rollback', 'it was worse'])
  assert.equal(back.cutAt, noon + 5 * minuteMs)
  assert.equal(await slots(), before)
  await assert.rejects(versions.rollback(lane, 'again'), { code: 'rollback.state' })
  await assert.rejects(versions.refresh(), { code: 'daemon.absent' })
})
