import assert from 'node:assert/strict'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig } from '../../ops/config/load.ts'
import type { Config } from '../../ops/config/schema.ts'
import { openStoreServer } from '../../ops/open-store.ts'
import { databaseName } from '../../ops/store/connection.ts'
import { lockDataDirectory, openDataDirectory } from '../../ops/store/data-directory.ts'
import { startServer } from '../../ops/store/embedded/server.ts'
import { acquireLease } from '../../ops/store/lease.ts'
import { isAlive } from '../../ops/store/process-identity.ts'
import { openStore } from '../../ops/store/store.ts'
import { backup, exportTable, openMarket, openStoreWork, restore } from '../../ops/store-work.ts'
import { minuteMs } from '../../streams/time.ts'
import { clusterFolder } from '../support/store/cluster-folder.ts'
import { btc, candle, dropDatabase, testServer, urlOf } from '../support/store/database.ts'
import { until } from '../support/until.ts'

function config(source: string, url: string | null): Config {
  const { config: defaults } = loadConfig({})
  return {
    ...defaults,
    market: { ...defaults.market, source },
    store: { ...defaults.store, url },
  }
}

async function sharedUrl(t: TestContext, ...markets: readonly string[]): Promise<string> {
  const address = await testServer()
  t.after(async () => {
    for (const market of markets) await dropDatabase(address, databaseName(market))
  })
  return urlOf(address)
}

test('what only reads makes nothing: no folder, no market', async (t) => {
  const dataPath = join(clusterFolder(), 'data')
  await assert.rejects(openMarket(dataPath, config('never', null)), { code: 'store.absent' })
  assert.equal(existsSync(dataPath), false)
  const url = await sharedUrl(t)
  await assert.rejects(openMarket(dataPath, config('never', url)), {
    code: 'store.absent',
    message: /never/,
  })
})

test('a server that is not there is told, and no bug: with auto too, which asks it for its markets', async () => {
  const url = 'postgres://starling@127.0.0.1:1/postgres'
  for (const source of ['auto', 'never'])
    await assert.rejects(openMarket(clusterFolder(), config(source, url)), {
      code: 'store.unavailable',
      message: /^PostgreSQL is not to be had now: .*ECONNREFUSED/,
    })
})

test('with auto the only market that is stored is meant; of several one must be named', async (t) => {
  const dataPath = clusterFolder()
  const own = await startServer(dataPath)
  t.after(() => own.stop())
  const auto = config('auto', null)
  await assert.rejects(openMarket(dataPath, auto), { code: 'store.absent' })
  const release = lockDataDirectory(openDataDirectory(dataPath)).release
  t.after(release)
  for (const [market, outcome] of [
    ['alpha', undefined],
    ['beta', 'store.ambiguous'],
  ] as const) {
    const made = await openStoreWork(dataPath, config(market, null), { mayMake: true })
    await made.close()
    const opened = openMarket(dataPath, auto)
    if (outcome) await assert.rejects(opened, { code: outcome, message: /alpha, beta|beta, alpha/ })
    else await (await opened).close()
  }
  assert.ok(isAlive(own.pid() as number), 'a server that a daemon holds is left running')
})

test('a command that ends leaves the database to another that still works', async () => {
  const dataPath = clusterFolder()
  const settings = config('workshared', null)
  const long = await openStoreWork(dataPath, settings, { mayMake: true })
  const writer = long.store.writer(await long.lease(), () => 0)
  assert.equal(await writer.writeHistory([candle(0)]), 1)
  const short = await openStoreWork(dataPath, settings)
  await short.close()
  assert.equal(await writer.writeHistory([candle(1)]), 1)
  await long.close()
  assert.equal(existsSync(join(dataPath, 'postgres', 'postmaster.pid')), false)
})

test('a database that a daemon has come to use meanwhile is left to it', async (t) => {
  const dataPath = clusterFolder()
  const settings = config('workadopted', null)
  const command = await openStoreWork(dataPath, settings, { mayMake: true })
  const directory = openDataDirectory(dataPath)
  const { release } = lockDataDirectory(directory)
  t.after(release)
  const server = await openStoreServer(settings, directory, () => {})
  const daemon = await openStore({
    address: server.address,
    market: 'workadopted',
    intervalMs: minuteMs,
    holder: directory.id,
  })
  const { term } = await acquireLease(daemon.sql, 'fleet', directory.id)
  assert.equal((await command.lease()).term, term, 'the lease of the daemon is not taken from it')
  await command.close()
  assert.equal((await daemon.sql`select 1`).length, 1)
  await daemon.close()
  await server.stop()
  assert.equal(existsSync(join(dataPath, 'postgres', 'postmaster.pid')), false)
})

test('of two commands that write without a daemon the second is refused, until the first has ended', async (t) => {
  const url = await sharedUrl(t, 'workbusy')
  const dataPath = clusterFolder()
  const first = await openStoreWork(dataPath, config('workbusy', url), { mayMake: true })
  const writer = first.store.writer(await first.lease(), () => 0)
  const second = await openStoreWork(dataPath, config('workbusy', url))
  await assert.rejects(second.lease(), { code: 'store.busy', message: /another command/ })
  assert.equal(await writer.writeHistory([candle(0)]), 1)
  await first.close()
  assert.ok((await second.lease()).term > 1)
  await second.close()
})

test('beside a daemon its lease is shared, without one it is taken and given back', async (t) => {
  const url = await sharedUrl(t, 'workalone', 'workbeside')
  const dataPath = clusterFolder()
  const alone = await openStoreWork(dataPath, config('workalone', url), { mayMake: true })
  const own = await alone.lease()
  await alone.close()
  const again = await openStoreWork(dataPath, config('workalone', url))
  assert.equal((await again.lease()).term, own.term + 1)
  await again.close()

  const made = await openStoreWork(dataPath, config('workbeside', url), { mayMake: true })
  const held = await acquireLease(made.store.sql, 'fleet', 'the daemon')
  const release = lockDataDirectory(openDataDirectory(dataPath)).release
  const beside = await openStoreWork(dataPath, config('workbeside', url))
  assert.equal((await beside.lease()).term, held.term)
  await beside.close()
  await held.renew()
  release()
  await made.close()
})

test('a lease that a command has taken is renewed for as long as it works', async (t) => {
  const url = await sharedUrl(t, 'workrenewed')
  const work = await openStoreWork(clusterFolder(), config('workrenewed', url), { mayMake: true })
  await work.lease()
  const { sql } = work.store
  await sql`update lease set expires_at = clock_timestamp()`
  await until('it is renewed', async () => {
    const [held] = await sql`select expires_at > clock_timestamp() as is_held from lease`
    return held?.is_held as boolean
  })
  await work.close()
})

test('a market is exported, backed up, and restored elsewhere under its name', async (t) => {
  const url = await sharedUrl(t, 'workcopy')
  const folder = clusterFolder()
  const options = { config: config('workcopy', url), dataPath: folder, progress: () => {} }
  const work = await openStoreWork(folder, options.config, { mayMake: true })
  const writer = work.store.writer(await work.lease(), () => 0)
  await writer.writeHistory([0, 1, 2].map((i) => candle(i)))
  await work.close()

  const csv = join(folder, 'candles.csv')
  const all = { coin: undefined, from: undefined, to: undefined }
  const told = await exportTable({ ...options, ...all, table: 'candles', file: csv })
  assert.deepEqual(told, { rows: 3 })
  const file = join(folder, 'market.backup')
  const { bytes } = await backup({ ...options, file })
  assert.ok(bytes > 0)
  await dropDatabase(await testServer(), databaseName('workcopy'))
  assert.deepEqual(await restore({ ...options, file }), { market: 'workcopy', bytes })
  const back = await openMarket(folder, options.config)
  assert.equal((await back.reads.candles(btc, minuteMs, { limit: 10 })).items.length, 3)
  await back.close()
  writeFileSync(file, 'no backup')
  await assert.rejects(restore({ ...options, file }), { code: /^backup\./ })
})
