import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { type CarryPorts, carryOut } from '../../../../actors/training/carry-out.ts'
import type { RunJournal } from '../../../../actors/training/journal.ts'
import { type Step, type StepWork, steps } from '../../../../actors/training/run.ts'
import {
  readRun,
  readRuns,
  readTrainedLanes,
  type TrainingRead,
} from '../../../../ops/store/training/read-training.ts'
import { dropRunsBefore, openRunJournal } from '../../../../ops/store/training/training-runs.ts'
import { Fault } from '../../../../streams/fault.ts'
import { dayMs, wallClock } from '../../../../streams/time.ts'
import {
  type Acts,
  carryToEnd,
  type MadeWorkshop,
  madeWorkshop,
  order,
  passed,
} from '../../../support/models/training.ts'
import {
  deadlocks,
  eth,
  manifest,
  noon,
  openTestStore,
  startOwnServer,
  version,
} from '../../../support/store/database.ts'
import { temporaryFolder } from '../../../support/temporary-folder.ts'
import { until } from '../../../support/until.ts'

const { socket } = await startOwnServer()
const store = await openTestStore({ type: 'socket', path: socket })
const journal = openRunJournal(store.sql, store.names)
let epoch = 0
const folders = temporaryFolder()
after(() => rmSync(folders, { recursive: true, force: true }))

const holder = (name = 'here') => ({ name, epoch: ++epoch })
const forEver = new AbortController().signal

interface Bench {
  readonly shop: MadeWorkshop
  readonly ports: (name?: string) => CarryPorts
  readonly ask: () => Promise<TrainingRead>
}

function bench(acts: Acts = {}, verdict = passed): Bench {
  const shop = madeWorkshop(folders, acts, verdict)
  return {
    shop,
    ports: (name) => ({
      journal,
      workshop: shop,
      clock: wallClock,
      holder: holder(name),
      timing: { beatMs: 20, silentMsMax: 60_000 },
    }),
    ask: async () => (await journal.ask(order())) as TrainingRead,
  }
}

const carry = (ports: CarryPorts, run: number, stop = forEver) =>
  carryToEnd(store, ports, run, stop)

const read = (run: number): Promise<TrainingRead> => readRun(store.sql, run)

test('a run goes through its steps once, in order, and ends as it was judged', async () => {
  const { shop, ports, ask } = bench()
  const { id } = await ask()
  await assert.rejects(ask(), { code: 'training.busy' })
  await carry(ports(), id)
  const run = await read(id)
  assert.equal(run.state, 'passed')
  assert.deepEqual(shop.worked, [...steps])
  assert.deepEqual(
    run.tries.map(({ step, state, attempt, inputHash }) => [step, state, attempt, inputHash]),
    steps.map((step) => [step, 'done', 1, `sha256:into-${step}`]),
  )
  assert.deepEqual([run.version, run.verdict, run.baseline], [2, passed, { logLoss: 1.1 }])
  assert.equal(await shop.product(run, 'dataset'), null, 'its folder is gone')
  await assert.rejects(journal.cancel(id), { code: 'training.state' })
})

test('a refused version has gone all the way, too', async () => {
  const { ports, ask } = bench({}, { ...passed, verdict: 'refused' })
  const { id } = await ask()
  await carry(ports(), id)
  assert.deepEqual([(await read(id)).state, (await read(id)).version], ['refused', 2])
})

for (const step of steps) {
  test(`a daemon killed while ${step} works: the next goes on there, and repeats nothing`, async () => {
    const hung = Promise.withResolvers<void>()
    const began = Promise.withResolvers<void>()
    let calls = 0
    const { shop, ports, ask } = bench({
      [step]: async () => {
        if (calls++ > 0) return
        writeFileSync(join(shop.folder.of(id, step), 'half'), 'written by half')
        began.resolve()
        await hung.promise
      },
    })
    const { id } = await ask()
    const dead = carry(ports(), id)
    await began.promise
    // Its lease is held by an earlier life of the same daemon.
    await carry(ports(), id)
    const run = await read(id)
    assert.equal(run.state, 'passed')
    assert.deepEqual(
      shop.worked.filter((it) => it !== step),
      steps.filter((it) => it !== step),
    )
    assert.equal(shop.worked.filter((it) => it === step).length, 2)
    const [first, second] = run.tries.filter((it) => it.step === step)
    assert.deepEqual([first?.state, first?.failure?.code], ['failed', 'training.interrupted'])
    assert.equal(second?.state, 'done')
    hung.resolve()
    assert.equal((await dead).type, 'lost', 'the dead one writes nothing any more')
    assert.deepEqual(await read(id), run)
  })

  test(`killed after ${step}, before or after it was written down: the run is whole all the same`, async () => {
    for (const when of ['before', 'after'] as const) {
      const { shop, ports, ask } = bench()
      const { id } = await ask()
      const killed = new Error('kill -9')
      const dying: RunJournal = {
        ...journal,
        finish: async (by, run, at, ...rest) => {
          if (at === step && when === 'before') throw killed
          await journal.finish(by, run, at, ...rest)
          if (at === step) throw killed
        },
        fail: async () => {
          throw killed
        },
      }
      const mine = ports()
      const claimed = await journal.claim(mine.holder, 1)
      assert.equal(claimed?.id, id)
      await assert.rejects(carryOut({ ...mine, journal: dying }, claimed, forEver), killed)
      await carry(ports(), id)
      assert.equal((await read(id)).state, 'passed')
      const again = shop.worked.filter((it) => it === step).length
      assert.equal(again, when === 'before' ? 2 : 1, `${step} ${when}`)
      assert.equal(shop.worked.length, steps.length + again - 1)
    }
  })

  test(`cancelled while ${step} works: it ends there, and nothing comes after it`, async () => {
    const { shop, ports, ask } = bench({
      [step]: async ({ run, signal }: StepWork) => {
        await journal.cancel(run.id)
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      },
    })
    const { id } = await ask()
    assert.deepEqual(await carry(ports(), id), { type: 'ended', state: 'cancelled', failure: null })
    assert.deepEqual(shop.worked, steps.slice(0, steps.indexOf(step) + 1))
    assert.equal(await shop.product(await read(id), 'dataset'), null, 'its folder is gone')
    assert.equal((await journal.cancel(id)).state, 'cancelled', 'said again, it is answered again')
  })
}

test('what was damaged on the disk is made again, with all that stood on it', async () => {
  const stop = new AbortController()
  const { shop, ports, ask } = bench({ verify: async () => stop.abort() })
  const { id } = await ask()
  await carry(ports(), id, stop.signal)
  assert.deepEqual([(await read(id)).state, shop.worked.at(-1)], ['queued', 'verify'])
  writeFileSync(join(shop.folder.of(id, 'fit'), 'made'), 'fat')
  await carry(ports(), id)
  const again: Step[] = ['fit', 'export', 'verify', 'evaluate', 'judge', 'publish']
  assert.deepEqual(shop.worked, ['dataset', 'fit', 'export', 'verify', ...again])
})

test('a daemon that stops in order leaves the run where it is, and costs it no try', async () => {
  const stop = new AbortController()
  const { ports, ask } = bench({
    fit: async () => {
      if (stop.signal.aborted) return
      stop.abort()
      await new Promise(() => {})
    },
  })
  const { id } = await ask()
  assert.deepEqual(await carry(ports(), id, stop.signal), { type: 'left' })
  const left = await read(id)
  assert.deepEqual([left.state, left.tries.at(-1)?.state], ['queued', 'stopped'])
  await carry(ports(), id)
  assert.equal((await read(id)).state, 'passed')
})

const troubles: readonly [what: string, error: unknown, code: string, tries: number][] = [
  [
    'a trainer that dies',
    new Fault('training.exit', 'SIGSEGV', { retryable: true }),
    'training.exit',
    3,
  ],
  ['rows that are too few', new Fault('data.too_few', '12 rows'), 'data.too_few', 1],
  ['a bug', new TypeError('x is not a function'), 'training.broke', 1],
  [
    'a full disk',
    Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC' }),
    'disk.full',
    3,
  ],
]
for (const [what, error, code, count] of troubles) {
  test(`${what}: ${count === 1 ? 'once' : `tried ${count} times`}, then failed with ${code} and a log`, async () => {
    const { shop, ports, ask } = bench({
      fit: async ({ log }) => {
        log('epoch 3')
        throw error
      },
    })
    const { id } = await ask()
    await carry(ports(), id)
    const run = await read(id)
    assert.deepEqual([run.state, run.code, run.version], ['failed', code, null])
    assert.equal(shop.worked.filter((it) => it === 'fit').length, count)
    assert.match(run.log, new RegExp(`epoch 3\nfit ${code}: `))
    assert.ok(run.message?.includes((error as Error).message) || code === 'disk.full')
    assert.ok((await shop.product(run, 'dataset')) !== null, 'its folder stays, to be looked at')
  })
}

test('a step that gives no sign of life is ended and tried again, one that works too long is not', async () => {
  let calls = 0
  const quiet = bench({
    fit: async () => {
      if (calls++ === 0) await new Promise(() => {})
    },
  })
  const first = await quiet.ask()
  await carry({ ...quiet.ports(), timing: { beatMs: 5, silentMsMax: 50 } }, first.id)
  const run = await read(first.id)
  const tries = run.tries.filter(({ step }) => step === 'fit')
  assert.deepEqual([run.state, tries[0]?.failure?.code], ['passed', 'training.silent'])

  const long = bench({ fit: async () => new Promise(() => {}) })
  const { id } = await journal.ask(order({ timeLimitMs: 80 }))
  await carry(long.ports(), id)
  assert.deepEqual(
    [(await read(id)).state, (await read(id)).code],
    ['failed', 'training.time_limit'],
  )
})

test('the oldest run comes first, one at a time, and a dead stranger is waited for', async () => {
  const lane = { coin: eth, family: 'linear' }
  const a = await journal.ask(order())
  const b = await journal.ask(order({ lane }))
  const there = holder('there')
  assert.equal((await journal.claim(there, 1))?.id, a.id)
  const mine = holder()
  assert.equal(await journal.claim(mine, 1), undefined, 'one at a time')
  assert.equal((await journal.claim(mine, 2))?.id, b.id, 'two where two may')
  assert.equal(await journal.claim(mine, 3), undefined, 'both are taken')
  await store.sql`update training_run set lease_until = clock_timestamp()`
  assert.equal((await journal.claim(mine, 3))?.id, a.id, 'its lease has run out')
  assert.equal(await journal.claim(mine, 3), undefined, 'who has slept works on its own still')
  await assert.rejects(journal.begin(there, a.id, 'dataset', 1), { code: 'training.lost' })
  for (const { id } of [a, b]) await journal.end(mine, id, 'failed', null)
})

test('a beat of the life before and the claim of the next do not wait for each other in a circle', async () => {
  const { id } = await journal.ask(order())
  const before = holder()
  await journal.claim(before, 1, id)
  await journal.begin(before, id, 'dataset', 1)
  const next = holder()
  const { claiming } = await store.sql.begin(async (tx) => {
    // What a beat does: the run is locked, and then its step is written.
    await tx`select from training_run where id = ${id} for no key update`
    const claiming = journal.claim(next, 1, id)
    await until('the claim waits', async () => {
      const waiting = await store.sql`
        select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      return waiting.length > 0
    })
    await tx`update training_step set worked_ms = 1 where run_id = ${id}`
    return { claiming }
  })
  assert.equal((await claiming)?.id, id)
  assert.equal(await deadlocks(store), 0)
  await journal.end(next, id, 'failed', null)
})

test('a queued run is cancelled at once; runs are listed newest first, in pages, as they are', async () => {
  const lane = { coin: eth, family: 'tst' }
  const made = await journal.ask(order({ lane, rowsMax: 5_000, trials: 3, warmStart: true }))
  assert.equal((await journal.cancel(made.id)).state, 'cancelled')
  const { items } = await readRuns(store.sql, { coin: eth, family: 'tst', limit: 5 })
  assert.deepEqual(
    items.map(({ id, rowsMax, trials, warmStart }) => [id, rowsMax, trials, warmStart]),
    [[made.id, 5_000, 3, true]],
  )
  const page = await readRuns(store.sql, { limit: 2 })
  assert.equal(page.items[0]?.id, made.id)
  const rest = await readRuns(store.sql, { limit: 2, cursor: page.next as string })
  assert.equal(rest.items[0]?.id, (page.items[1]?.id as number) - 1)
  await assert.rejects(readRuns(store.sql, { limit: 2, cursor: '7' }), { code: 'query.cursor' })
  await assert.rejects(readRun(store.sql, 1_000_000), { code: 'training.unknown' })
})

test('runs that are old in market time are forgotten, with all that they have said', async () => {
  const lane = { coin: eth, family: 'lstm' }
  const old = await journal.ask(order({ lane, marketAt: noon - 400 * dayMs }))
  await dropRunsBefore(store.sql, noon - 365 * dayMs)
  assert.equal((await read(old.id)).state, 'queued', 'not before it is over')
  const mine = holder()
  await journal.claim(mine, 5, old.id)
  await journal.begin(mine, old.id, 'dataset', 1)
  await journal.end(mine, old.id, 'failed', null)
  await dropRunsBefore(store.sql, noon - 365 * dayMs)
  await assert.rejects(read(old.id), { code: 'training.unknown' })
  const left = await store.sql`select from training_step where run_id = ${old.id}`
  assert.equal(left.length, 0)
})

test('what is known of a lane says until when its newest version was trained', async () => {
  const lane = { coin: eth, family: 'aged' }
  const known = async () => (await readTrainedLanes(store.sql)).get('ETH-USDT/aged')
  const trained = (at: number) => manifest({ trained: { to: new Date(at).toISOString() } as never })
  await version(store, { ...lane, slot: 'v1', manifest: trained(noon - 9 * dayMs) })
  assert.equal((await known())?.trainedTo, noon - 9 * dayMs)
  await version(store, { ...lane, slot: 'v3', manifest: trained(noon - 2 * dayMs) })
  await version(store, { ...lane, manifest: trained(noon) })
  assert.deepEqual([(await known())?.versions, (await known())?.trainedTo], [3, noon - 2 * dayMs])
})
