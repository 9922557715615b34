import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Verdict } from '../../../../models/judging/verdict.ts'
import type { Version } from '../../../../models/version.ts'
import { artifactFiles } from '../../../../ops/store/versions/artifact-files.ts'
import { openJournal } from '../../../../ops/store/versions/journal.ts'
import { readJournal } from '../../../../ops/store/versions/journal-reads.ts'
import { openRegistry } from '../../../../ops/store/versions/registry.ts'
import { assignSlot } from '../../../../ops/store/versions/versions.ts'
import type { Coin } from '../../../../streams/coin.ts'
import { minuteMs } from '../../../../streams/time.ts'
import { softmaxModel, testFolder, writeArtifact } from '../../../support/models/artifacts.ts'
import { btc, noon, openTestStore } from '../../../support/store/database.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

const lane = { coin: btc, family: 'linear' }
const why = 'It is no better than no skill.'
const noSkill = { code: 'no_skill', passed: false, found: null, limit: null, detail: why }
const refused: Verdict = {
  ...{ verdict: 'refused', profile: 'open', reasons: [noSkill], candles: 9, from: '', to: '' },
}
const plain = { verdict: null, run: null, activate: false }

async function stage() {
  const store = await openTestStore()
  const folder = temporaryFolder()
  const files = artifactFiles(folder)
  const registry = await openRegistry({ store, files, folder })
  return { store, folder, files, registry }
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

test('a name that leads out of its folder is refused, however it is written', async (t) => {
  const { store, registry, folder } = await stage()
  t.after(() => registry.close())
  const from = testFolder(t)
  const sha256 = await writeArtifact(from, softmaxModel(1))
  const made = await registry.publish(lane, from, plain)
  await rm(join(folder, sha256), { recursive: true })
  for (const name of ['x/../../escaped', 'x/..//../escaped', '../escaped', '/escaped']) {
    await store.sql`
      insert into artifact_file (sha256, name, part, bytes) values (${sha256}, ${name}, 0, '')`
    await assert.rejects(registry.fetch(made), { code: 'artifact.manifest' }, name)
    await store.sql`delete from artifact_file where name = ${name}`
  }
  assert.deepEqual(readdirSync(folder), [])
})

test('lanes that want the same artifact at once all get it, by one daemon or beside another on the same folder', async (t) => {
  const { store, registry } = await stage()
  t.after(() => registry.close())
  const from = testFolder(t)
  const sha256 = await writeArtifact(from, softmaxModel(1))
  const made: Version[] = []
  for (const coin of ['A/USDT', 'B/USDT', 'C/USDT', 'D/USDT'] as Coin[])
    made.push(await registry.publish({ ...lane, coin }, from, plain))
  const empty = temporaryFolder()
  const open = async () => {
    const opened = await openRegistry({ store, files: artifactFiles(empty), folder: empty })
    t.after(() => opened.close())
    return opened
  }
  const [one, other] = [await open(), await open()]
  const folders = await Promise.all([one, other].flatMap((it) => made.map(it.fetch)))
  assert.deepEqual(new Set(folders), new Set([join(empty, sha256)]))
  assert.deepEqual(readdirSync(empty), [sha256])
})

test('of eleven archived versions ten keep their artifacts, and the bytes of the eleventh go', async (t) => {
  const { store, registry, folder, files } = await stage()
  t.after(() => registry.close())
  const journal = openJournal(store)
  const made: Version[] = []
  const sha256s: string[] = []
  for (let i = 0; i < 14; i++) {
    const from = testFolder(t)
    sha256s.push(await writeArtifact(from, softmaxModel(i)))
    const version = await registry.publish(lane, from, plain)
    made.push(version)
    const { id } = await journal.open({ to: version, askedBy: 'operator', revision: 0 })
    const at = noon + i * minuteMs
    await journal.begin(id, at)
    await journal.cut(id, at)
    await journal.end(id, 'done', null)
    // Two cuts later it is out of v3 and v2; the first is pinned.
    if (i < 3) continue
    await journal.archive(made[i - 2] as Version, null)
    for (const sha256 of await journal.prune(lane)) await files.remove(sha256)
  }
  const [first, eleventh, tenth] = made as [Version, Version, Version]
  const kept = await store.sql<{ sha256: string }[]>`select distinct sha256 from artifact_file`
  const others = sha256s.filter((_, i) => i !== 1).sort()
  assert.deepEqual(kept.map((it) => it.sha256).sort(), others)
  assert.deepEqual(readdirSync(folder).sort(), others)
  for (const version of [first, tenth]) assert.ok(await registry.fetch(version))
  await assert.rejects(registry.fetch(eleventh), { code: 'artifact.missing' })
  const swap = journal.open({ to: eleventh, askedBy: 'operator', revision: 0 })
  await assert.rejects(swap, { code: 'swap.state', message: /not kept any more/ })
})

test('ten refused versions keep their artifacts, and the bytes of older ones go as another comes in', async (t) => {
  const { store, registry, folder } = await stage()
  t.after(() => registry.close())
  const sha256s: string[] = []
  const publish = async (i: number, by: object): Promise<Version> => {
    const from = testFolder(t)
    sha256s.push(await writeArtifact(from, softmaxModel(i)))
    return registry.publish(lane, from, { ...plain, ...by })
  }
  const first = await publish(0, {})
  await assignSlot(store.sql, store.names, 'v1', first, noon)
  for (let i = 1; i <= 12; i++) await publish(i, { verdict: refused })
  const told = async (version: number) =>
    (await readJournal(store.sql, { ...lane, version })).map(({ stage, reason }) => [stage, reason])
  assert.deepEqual(await told(2), [
    ['announced', null],
    ['rejected', why],
  ])
  const kept = [sha256s[0] as string, ...sha256s.slice(3)].sort()
  assert.deepEqual(readdirSync(folder).sort(), kept)
  const stored = await store.sql<{ sha256: string }[]>`select distinct sha256 from artifact_file`
  assert.deepEqual(stored.map((it) => it.sha256).sort(), kept)
  const states = await store.sql<{ state: string; dated: number; removed: number }[]>`
    select state, count(archived_at)::int as dated, count(removed_at)::int as removed from version
    group by state order by state`
  assert.deepEqual(
    states.map(({ state, dated, removed }) => [state, dated, removed]),
    [
      ['rejected', 12, 2],
      ['serving', 0, 0],
    ],
  )
  // A run that made the bytes that serve takes nothing from them, and bytes that were given up may come back.
  assert.deepEqual(await publish(0, { verdict: refused }), first)
  assert.deepEqual(await told(1), [['announced', null]])
  const back = await publish(1, { activate: true })
  const [serving] = await store.reads.models(first)
  assert.equal(serving?.state, 'serving')
  assert.equal(await registry.fetch(back), join(folder, sha256s[1] as string))
  const { state } = await openJournal(store).open({ to: back, askedBy: 'registry', revision: 1 })
  assert.equal(state, 'waiting')
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
