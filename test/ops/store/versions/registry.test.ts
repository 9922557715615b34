import assert from 'node:assert/strict'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { artifactFiles } from '../../../../ops/store/versions/artifact-files.ts'
import { openRegistry } from '../../../../ops/store/versions/registry.ts'
import { softmaxModel, testFolder, writeArtifact } from '../../../support/artifacts.ts'
import { btc, openTestStore } from '../../../support/database.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const lane = { coin: btc, family: 'linear' }
const plain = { verdict: null, run: null, activate: false }

async function stage() {
  const store = await openTestStore()
  const folder = temporaryFolder()
  const registry = await openRegistry({ store, files: artifactFiles(folder), folder })
  return { store, folder, registry }
}

test('the same bytes are the same version, announced each time and wanted where that is said', async (t) => {
  const { registry } = await stage()
  t.after(() => registry.close())
  const from = testFolder(t)
  await writeArtifact(from, softmaxModel(1))
  const told = new Promise((resolve) => t.after(registry.watch(resolve)))
  const made = await registry.publish(lane, from, plain)
  assert.deepEqual(await told, lane)
  assert.equal(await registry.desired(lane), undefined)
  assert.deepEqual(await registry.publish(lane, from, { ...plain, activate: true }), made)
  assert.deepEqual(await registry.desired(lane), { version: made, generation: 1 })
  await registry.publish(lane, from, { ...plain, activate: true })
  assert.equal((await registry.desired(lane))?.generation, 1)
  const other = testFolder(t)
  await writeArtifact(other, softmaxModel(2))
  await registry.publish(lane, other, { ...plain, activate: true })
  assert.equal((await registry.desired(lane))?.generation, 2)
})

test('an artifact is fetched from the store where its files are not on this machine', async (t) => {
  const { registry, folder } = await stage()
  t.after(() => registry.close())
  const from = testFolder(t)
  const sha256 = await writeArtifact(from, softmaxModel(1))
  const made = await registry.publish(lane, from, plain)
  await rm(join(folder, sha256), { recursive: true })
  const elsewhere = await stage()
  t.after(() => elsewhere.registry.close())
  assert.equal(await registry.fetch(made), join(folder, sha256))
})

test('what does not belong into the lane is refused', async (t) => {
  const { registry } = await stage()
  t.after(() => registry.close())
  const from = testFolder(t)
  await writeArtifact(from, softmaxModel(1))
  await registry.publish(lane, from, plain)
  const refusals: [object, string][] = [
    [{ horizonCandles: 30 }, 'artifact.lane'],
    [{ coin: 'ETH/USDT' }, 'artifact.coin'],
    [{ family: 'lightgbm' }, 'artifact.family'],
    [{ interval: '5m' }, 'artifact.interval'],
  ]
  for (const [change, code] of refusals) {
    const folder = testFolder(t)
    await writeArtifact(folder, softmaxModel(2), (it) => ({ ...it, ...change }))
    await assert.rejects(registry.publish(lane, folder, plain), { code })
  }
})
