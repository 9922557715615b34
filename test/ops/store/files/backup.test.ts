import assert from 'node:assert/strict'
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Tx } from '../../../../ops/store/connection.ts'
import { backup, restore } from '../../../../ops/store/files/backup.ts'
import { openBackup } from '../../../../ops/store/files/backup-frames.ts'
import { acquireLease } from '../../../../ops/store/lease.ts'
import { resolveOutcomes } from '../../../../ops/store/scores/outcomes.ts'
import type { Store } from '../../../../ops/store/store.ts'
import { inScratch } from '../../../../ops/store/versions/scratch.ts'
import { dayMs, minuteMs } from '../../../../streams/time.ts'
import {
  btc,
  candle,
  emptied,
  entries,
  noon,
  openTestStore,
  prediction,
  type TestStore,
  version,
} from '../../../support/store/database.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'

/** A store with a row in most tables. */
async function filledStore(): Promise<TestStore> {
  const store = await openTestStore()
  const who = await version(store, { slot: 'v1' })
  const candles = Array.from({ length: 60 }, (_, i) => candle(i))
  const predictions = candles.map((_, i) => prediction(who, i, { flags: ['tab\t', 'line\n'] }))
  await store.write.commit(
    [
      ...candles.map((it) => ({ type: 'candle', candle: it }) as const),
      ...entries(...predictions),
      {
        type: 'hole',
        hole: {
          coin: btc,
          family: 'linear',
          slot: 'v1',
          openAt: noon + 70 * minuteMs,
          reason: 'gap',
        },
      },
      {
        type: 'features',
        coin: btc,
        hash: 'sha256:set',
        row: {
          openAt: noon,
          state: 'final',
          whole: 3,
          after: 'gap',
          values: Float64Array.of(1, Number.NaN),
        },
      },
      {
        type: 'snapshot',
        coin: btc,
        hash: 'sha256:set',
        at: noon,
        state: Uint8Array.of(0, 1, 255),
        isOrigin: false,
      },
      {
        type: 'gap',
        gap: { coin: btc, from: noon, to: noon + dayMs, cause: 'silent' },
        fate: 'open',
      },
      { type: 'position', coin: btc, at: noon },
    ],
    () => noon + 60 * minuteMs,
  )
  await resolveOutcomes(store, btc, 0.001)
  for (let i = 0; i < 4; i++) await acquireLease(store.sql, 'fleet', 'test')
  return store
}

function folder(): string {
  const made = temporaryFolder()
  after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** A store, and beside it an artifact of one file. */
async function oneArtifact(name: string) {
  const home = folder()
  const [file, artifacts] = [join(home, 'a.backup'), join(home, 'artifacts')]
  mkdirSync(join(artifacts, 'ab'), { recursive: true })
  writeFileSync(join(artifacts, 'ab', name), '{}')
  return { store: await openTestStore(), home, file, artifacts }
}

async function contents(store: Store) {
  const tables = [
    'coin',
    'version',
    'pointer',
    'candle',
    'feature',
    'engine_snapshot',
    'gap',
    'prediction',
  ]
  const more = [
    'prediction_total',
    'hole',
    'outcome',
    'score_day',
    'stream_position',
    'artifact_file',
  ]
  const all = []
  for (const table of [...tables, ...more])
    all.push(
      await store.sql`select md5(string_agg(t::text, '|' order by t::text)) from ${store.sql(table)} t`,
    )
  return all
}

test('a backup taken while rows are written comes back whole, in an empty store', async () => {
  const store = await filledStore()
  const before = await contents(store)
  const home = folder()
  const file = join(home, 'all.backup')
  mkdirSync(join(home, 'artifacts', 'ab'), { recursive: true })
  writeFileSync(join(home, 'artifacts', 'ab', 'model.onnx'), 'a model')
  let wrote = false
  let during: Promise<unknown> | undefined
  const late = store.writer(await acquireLease(store.sql, 'fleet', 'test'), () => noon)
  const { bytes } = await backup(file, {
    store,
    artifacts: join(home, 'artifacts'),
    now: () => noon,
    progress: () => {
      // What comes after the first section is not part of the moment.
      if (!wrote) during = late.commit([{ type: 'candle', candle: candle(999) }], () => noon)
      wrote = true
    },
  })
  await during
  assert.ok(bytes > 1000 && wrote)
  const { manifest } = await openBackup(file)
  assert.equal(manifest.market, store.market)
  const again = await emptied(store)
  await restore(file, { store: again, artifacts: join(home, 'restored') })
  assert.deepEqual(await contents(again), before)
  assert.equal(readFileSync(join(home, 'restored', 'ab', 'model.onnx'), 'utf8'), 'a model')
  assert.equal((await version(again)).version, 2)
  assert.equal((await acquireLease(again.sql, 'fleet', 'another')).term, 7)
  await assert.rejects(restore(file, { store: again, artifacts: join(home, 'elsewhere') }), {
    code: 'backup.not_empty',
  })
})

test('rows as wide as parts of artifacts come back, however many there are', async () => {
  const store = await openTestStore()
  await store.sql`
    insert into artifact_file (sha256, name, part, bytes)
    select 'aa', 'model.onnx', i, convert_to(repeat(chr(64 + i), 4194304), 'UTF8') from generate_series(1, 9) i`
  const parts = (from: Store) =>
    from.sql`select part, sha256(bytes), length(bytes) from artifact_file`
  const before = await parts(store)
  const home = folder()
  const file = join(home, 'wide.backup')
  await backup(file, { store, artifacts: join(home, 'none'), now: () => noon })
  const again = await emptied(store)
  await restore(file, { store: again, artifacts: join(home, 'restored') })
  assert.equal(before.length, 9)
  assert.deepEqual(await parts(again), before)
})

test('while artifacts are copied, both ways, the database does not end the idle transaction', async () => {
  const store = await filledStore()
  const home = folder()
  const file = join(home, 'slow.backup')
  const artifacts = join(home, 'artifacts')
  mkdirSync(artifacts)
  writeFileSync(join(artifacts, 'model.onnx'), 'a model')
  const whole = overheard(store)
  await backup(file, {
    store: whole.store,
    artifacts,
    now: () => noon,
    progress: whole.look('model.onnx'),
  })
  assert.deepEqual(await whole.limits(), ['0'])
  const empty = overheard(await emptied(store))
  await restore(file, {
    store: empty.store,
    artifacts: join(home, 'restored'),
    progress: empty.look('model.onnx'),
  })
  assert.deepEqual(await empty.limits(), ['0'])
})

test('of artifacts all files are copied, whatever they are called; what is still being put together is not', async () => {
  const { store, home, file, artifacts } = await oneArtifact('from.scratch.json')
  await inScratch(artifacts, async (scratch) => {
    writeFileSync(join(scratch, 'half'), '')
    await backup(file, { store, artifacts, now: () => noon })
  })
  const restored = join(home, 'restored')
  await restore(file, { store: await emptied(store), artifacts: restored })
  const names = readdirSync(restored, { recursive: true }).map(String)
  assert.deepEqual(names.sort(), ['ab', join('ab', 'from.scratch.json')])
})

test('an artifact that is let go of meanwhile is in a backup with every file or with none', async () => {
  const store = await openTestStore()
  const home = folder()
  const [file, artifacts] = [join(home, 'moving.backup'), join(home, 'artifacts')]
  const paths = ['aa', 'bb', 'cc'].flatMap((name) => [join(name, 'manifest'), join(name, 'model')])
  for (const path of paths) {
    mkdirSync(dirname(join(artifacts, path)), { recursive: true })
    writeFileSync(join(artifacts, path), path)
  }
  const copied: string[] = []
  await backup(file, {
    ...{ store, artifacts, now: () => noon },
    progress: (path) => {
      if (path === join('aa', 'manifest')) renameSync(join(artifacts, 'aa'), join(home, 'aa'))
      if (path === join('bb', 'model')) renameSync(join(artifacts, 'cc'), join(home, 'cc'))
      if (paths.includes(path)) copied.push(path)
    },
  })
  assert.deepEqual(copied, paths.slice(0, 4))
})

test('a file that would lie outside of the folder is refused, and nothing of the backup stays', async () => {
  const { store, home, file, artifacts } = await oneArtifact('outside')
  await backup(file, { store, artifacts, now: () => noon })
  const text = gunzipSync(readFileSync(file)).toString('latin1')
  writeFileSync(file, gzipSync(Buffer.from(text.replace('"ab/outside"', '"../outside"'), 'latin1')))
  const into = { store: await emptied(store), artifacts: join(home, 'restored') }
  await assert.rejects(restore(file, into), {
    code: 'backup.damaged',
    message: /outside its folder/,
  })
  assert.equal(existsSync(join(home, 'outside')), false)
})

/** How long its transactions may stand idle, asked in them when a section is done. */
function overheard(store: Store) {
  const asked: Promise<string>[] = []
  let within: Tx | undefined
  const begin = (...args: unknown[]): unknown => {
    const body = args.pop() as (tx: Tx) => unknown
    return Reflect.apply(store.sql.begin as never, store.sql, [
      ...args,
      (tx: Tx) => {
        within = tx
        return body(tx)
      },
    ])
  }
  const sql = new Proxy(store.sql, {
    get: (target, key) => (key === 'begin' ? begin : Reflect.get(target, key)),
  })
  const limit = async (tx: Tx): Promise<string> => {
    const [row] = await tx<{ limit: string }[]>`
      select current_setting('idle_in_transaction_session_timeout') as limit`
    return row?.limit as string
  }
  return {
    store: { ...store, sql },
    look: (at: string) => (section: string) => {
      if (section === at) asked.push(limit(within as Tx))
    },
    limits: () => Promise.all(asked),
  }
}

test('a damaged backup is refused, and nothing of it stays', async () => {
  const store = await filledStore()
  const home = folder()
  const file = join(home, 'half.backup')
  const { bytes } = await backup(file, { store, artifacts: join(home, 'none'), now: () => noon })
  truncateSync(file, bytes - 40)
  const again = await emptied(store)
  await assert.rejects(restore(file, { store: again, artifacts: join(home, 'restored') }), {
    code: 'backup.damaged',
  })
  assert.deepEqual(await again.reads.candleCounts(), [])
  assert.deepEqual([...(await again.sql`select from coin`)], [])
})
