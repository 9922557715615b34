import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { NEVER } from 'rxjs'
import { CoinLine } from '../../../actors/coin/coin-line.ts'
import { FeatureHistory } from '../../../actors/coin/feature-history.ts'
import type { Infer, InferenceCommand } from '../../../actors/inference/inference.ts'
import type { LedgerEntry } from '../../../actors/ledger.ts'
import type { SinkCommand } from '../../../actors/sink.ts'
import { type VersionMessage, type VersionPorts, version } from '../../../actors/version/version.ts'
import { openArtifact } from '../../../models/artifact.ts'
import type { Slot } from '../../../models/version.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { type Millis, minuteMs } from '../../../streams/time.ts'
import { MemoryLedger } from '../../support/actors/memory-ledger.ts'
import { inbox, probe } from '../../support/actors/probe.ts'
import { btc, madeCandles } from '../../support/candles.ts'
import { testFolder, writeVersion } from '../../support/models/artifacts.ts'

const set = featureSet(minuteMs)
const from = Date.UTC(2026, 0, 1)
const at = (i: number): Millis => from + i * minuteMs
const of = { coin: btc, family: 'linear', version: 2 }
/** In the ledger when the version starts; the ring has more, which has closed since. */
const committed = 400
const closed = 470

/** The row `nan` is answered with no number. */
type Answer = Partial<{ readonly ms: number; readonly value: number; readonly nan: number }>

async function stage(t: TestContext, more: Partial<VersionPorts> = {}) {
  const folder = testFolder(t)
  await writeVersion(folder, 1)
  const ledger = new MemoryLedger()
  await ledger.writeHistory(madeCandles({ from, count: closed }))
  ledger.answerUnanswered = () => []
  const features = new FeatureHistory({
    reader: ledger,
    set,
    dueAt: ({ openAt }) => openAt + minuteMs,
  })
  const line = new CoinLine(btc, minuteMs, set.columns.length, 512)
  line.committedTo = at(committed)
  line.ring = await features.ring(btc, from, at(closed))
  const pool = inbox<InferenceCommand>()
  const sink = inbox<SinkCommand>()
  const said: string[] = []
  const spec = version({
    version: of,
    artifact: await openArtifact(folder),
    source: 'tape',
    line,
    set,
    features,
    reader: ledger,
    pool,
    sink,
    slotsAt: (): readonly Slot[] => ['v2', 'v3'],
    reassigned$: NEVER,
    expiresAt: Number.POSITIVE_INFINITY,
    inferMsMax: 10,
    expired: (openAt) => void said.push(`expired ${(openAt - from) / minuteMs}`),
    entered: () => void said.push('entered'),
    loaded: () => void said.push('loaded'),
    answered: (to) => void said.push(`answered ${(to - from) / minuteMs}`),
    left: () => void said.push('left'),
    quarantine: async (reason) => void said.push(`quarantine: ${reason}`),
    ...more,
  })
  const { self, told, later, piped } = probe<VersionMessage>('lane/2')
  const leaving = { ...self, leave: () => void said.push('leaves') }
  let state = await spec.start(leaving)
  /** Until it has nothing more to say to itself; what it asks of others waits in their boxes. */
  const settle = async (...messages: readonly VersionMessage[]): Promise<void> => {
    told.push(...messages)
    do {
      await piped()
      for (let next = told.shift(); next; next = told.shift())
        state = await spec.receive(state, next, leaving)
      await piped()
    } while (told.length > 0)
  }
  const asked = (): Infer | undefined =>
    pool.taken.splice(0).find((it): it is Infer => it.type === 'infer')
  const reply = (infer: Infer, { ms = 1, value = 1 / 3, nan }: Answer = {}): Promise<void> => {
    const outputs = new Float32Array(infer.rows * 3).fill(value)
    if (nan !== undefined) outputs[nan * 3] = Number.NaN
    const { id, rows } = infer
    return settle({ type: 'inferred', id, version: of, outputs, inferMs: ms, inferRows: rows })
  }
  /** What was written is durable: the entries, in words. */
  const commit = async (): Promise<readonly string[]> => {
    const writes = sink.taken.splice(0)
    for (const { replyTo } of writes) replyTo?.({ predictions: [], stale: 0 })
    await settle()
    return writes.flatMap(({ entries }) => entries.map(inWords))
  }
  return {
    ...{ ledger, line, pool, said, later },
    settle,
    /** Its model is open. */
    load: (...then: readonly VersionMessage[]): Promise<void> =>
      settle({ type: 'loaded', version: of, sha256: '' }, ...then),
    /** Those candles are found to be without an answer. */
    again: (candles: readonly number[]): Promise<void> => {
      ledger.answerUnanswered = () => candles.map(at)
      return settle({ type: 'mended', from })
    },
    commit,
    asked,
    reply,
    /** Asks, answers and commits until it asks no more; everything that was written. */
    run: async (answer: Answer = {}): Promise<readonly string[]> => {
      const all: string[] = []
      for (let infer = asked(); infer; infer = asked()) {
        await reply(infer, answer)
        all.push(...(await commit()))
      }
      return all
    },
  }
}

function inWords(entry: LedgerEntry): string {
  const i = (openAt: Millis): number => (openAt - from) / minuteMs
  if (entry.type === 'prediction') return `${i(entry.prediction.openAt)}`
  assert(entry.type === 'hole')
  return `${i(entry.hole.openAt)} ${entry.hole.slot} ${entry.hole.reason}`
}

const numbers = (first: number, until: number): string[] =>
  Array.from({ length: until - first }, (_, i) => String(first + i))

test('each closed candle is answered once, in bundles, and it is told how far it has come', async (t) => {
  const { load, run, said } = await stage(t)
  await load()
  assert.deepEqual(await run(), numbers(committed, closed))
  assert.deepEqual([said[0], said[1], said.at(-1)], ['entered', 'loaded', `answered ${closed}`])
})

test('told of a change from later on, it does not skip what it has yet to take up before that', async (t) => {
  const { ledger, line, load, asked, reply, commit, run, settle } = await stage(t)
  await load()
  const first = asked()
  assert.equal(first?.rows, 64)
  // Since then six more are durable, and its slots change from the fifth of them on.
  line.committedTo = at(closed)
  ledger.answerUnanswered = (_, since, to) =>
    Array.from({ length: (to - since) / minuteMs }, (_, i) => since + i * minuteMs)
  await settle({ type: 'mended', from: at(468) })
  await reply(first as Infer)
  const written = await commit()
  assert.deepEqual([...written, ...(await run())], numbers(committed, closed))
})

test('told to drain, it answers every candle up to the cut and no other, and leaves', async (t) => {
  const { load, run, said } = await stage(t)
  await load({ type: 'drain', to: at(450) })
  assert.deepEqual(await run(), numbers(committed, 450))
  assert.equal(said.filter((it) => it === 'leaves').length, 1)
})

test('one that is to stay after all does not leave', async (t) => {
  const { load, run, said } = await stage(t)
  await load({ type: 'drain', to: at(450) }, { type: 'drain', to: null })
  assert.deepEqual(await run(), numbers(committed, closed))
  assert.ok(!said.includes('leaves'))
})

test('a new life answers from the ledger what the one before it was killed over, then leaves', async (t) => {
  const { ledger, load, run, said } = await stage(t)
  ledger.answerUnanswered = () => [at(390), at(395)]
  await load({ type: 'drain', to: at(398) })
  assert.ok(!said.includes('leaves'))
  assert.deepEqual(await run(), ['390', '395'])
  assert.deepEqual(
    ledger.questions.map(([who, since, to]) => [who.version, since, to]),
    [[2, 0, at(committed)]],
  )
  assert.ok(said.includes('leaves'))
})

test('an answer with NaN is a hole in every slot, and the third bundle in a row sets the version aside', async (t) => {
  const { load, run, again, said } = await stage(t)
  await load()
  await run()
  const bad = async (i: number): Promise<readonly string[]> => {
    await again([i])
    return run({ value: Number.NaN })
  }
  assert.deepEqual(await bad(300), ['300 v2 refused_answer', '300 v3 refused_answer'])
  await bad(301)
  await again([302])
  assert.deepEqual(await run(), ['302'], 'a good answer forgets the bad ones')
  await bad(303)
  await bad(304)
  assert.equal(asideFor(said), undefined)
  await bad(305)
  assert.equal(asideFor(said), 'its model answers what is no answer')
})

test('of a bundle only the row that is answered with NaN is a hole', async (t) => {
  const { load, run, again } = await stage(t)
  await load()
  await run()
  await again(numbers(300, 364).map(Number))
  const written = await run({ nan: 5 })
  assert.deepEqual(written.toSorted(), [
    ...numbers(300, 305),
    ...['305 v2 refused_answer', '305 v3 refused_answer'],
    ...numbers(306, 364),
  ])
})

test('64 rows that take 64 times as long as one are in time; five bundles too long for their rows are not', async (t) => {
  const { load, run, again, said } = await stage(t, { inferMsMax: 10 })
  await load()
  await run()
  const bundle = numbers(300, 364).map(Number)
  for (let i = 0; i < 6; i++) {
    await again(bundle)
    assert.equal((await run({ ms: 64 * 9 })).length, 64)
  }
  assert.equal(asideFor(said), undefined, 'each row took 9 ms')
  for (const ms of [11, 11, 11, 11, 9, 11, 11, 11, 11]) {
    await again([300])
    await run({ ms })
  }
  assert.equal(asideFor(said), undefined, 'one in time begins the count anew')
  await again(bundle)
  await run({ ms: 64 * 11 })
  assert.equal(asideFor(said), 'its model takes longer than 10 ms for a row')
})

test('past its age it asks nobody: every candle is a hole in every slot, and that is told', async (t) => {
  const { load, asked, reply, commit, said } = await stage(t, { expiresAt: at(402) })
  await load({ type: 'drain', to: at(404) })
  const infer = asked() as Infer
  assert.equal(infer.rows, 2)
  await reply(infer)
  assert.deepEqual(await commit(), [
    '400',
    '401',
    '402 v2 expired',
    '402 v3 expired',
    '403 v2 expired',
    '403 v3 expired',
  ])
  assert.deepEqual(
    said.filter((it) => it.startsWith('expired')),
    ['expired 402'],
  )
})

test('a pool without room is asked the same again; one that has set the version aside ends it', async (t) => {
  const { load, pool, asked, reply, commit, settle, later, said } = await stage(t)
  pool.isFull = true
  await load({ type: 'drain', to: at(402) })
  pool.isFull = false
  assert.deepEqual(
    later.map(({ message }) => message.type),
    ['again'],
  )
  await settle({ type: 'again' })
  const infer = asked() as Infer
  const about = { id: infer.id, version: of, reason: 'it kills' }
  await settle({ type: 'inferFailed', ...about, code: 'inference.stopped', retryable: true })
  await settle({ type: 'again' })
  const once = asked() as Infer
  assert.equal(once.rows, infer.rows)
  await reply(infer)
  assert.deepEqual(await commit(), [], 'an answer to an earlier question is none')
  await reply(once)
  assert.deepEqual(await commit(), ['400', '401'])
  const other = await stage(t)
  await other.load()
  const { id } = other.asked() as Infer
  const dead = { ...about, id, code: 'inference.quarantined', retryable: false } as const
  await other.settle({ type: 'inferFailed', ...dead })
  assert.equal(asideFor(other.said), 'it kills')
  assert.equal(asideFor(said), undefined)
})

/** Why it has been set aside, if it has. */
function asideFor(said: readonly string[]): string | undefined {
  return said.find((it) => it.startsWith('quarantine'))?.slice('quarantine: '.length)
}
