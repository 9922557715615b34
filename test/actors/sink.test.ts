import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { LedgerEntry } from '../../actors/ledger.ts'
import { type SinkCommand, sink, type WriteOutcome } from '../../actors/sink.ts'
import { Fault } from '../../streams/fault.ts'
import { madePrediction, manualWriter } from '../support/actors/answers.ts'
import { probe } from '../support/actors/probe.ts'
import { btc } from '../support/candles.ts'

const position = (at: number): LedgerEntry => ({ type: 'position', coin: btc, at })
const prediction = (path: string, epoch: number): LedgerEntry => ({
  type: 'prediction',
  prediction: madePrediction({ path, epoch }),
})

async function stand(current: Record<string, number> = {}) {
  const writer = manualWriter()
  const spec = sink({
    writer,
    marketNow: () => 0,
    isCurrent: (path, epoch) => (current[path] ?? epoch) === epoch,
    policy: { rowsMax: 3, lingerMs: 5, restMs: 0, restRowsMax: 1 },
  })
  type Message = Parameters<typeof spec.receive>[1]
  const { self, told, later, piped, crashes, clock } = probe<Message>('starling/sink')
  let state = await spec.start(self)
  const hear = async (message: Message): Promise<void> => {
    state = await spec.receive(state, message, self)
  }
  /** Lets what it piped and scheduled come back to it. */
  const settle = async (): Promise<void> => {
    await piped()
    while (told.length > 0) await hear(told.shift() as Message)
  }
  const write = (entries: readonly LedgerEntry[]): Promise<WriteOutcome[]> => {
    const outcomes: WriteOutcome[] = []
    const command: SinkCommand = {
      type: 'write',
      entries,
      replyTo: (outcome) => outcomes.push(outcome),
    }
    return hear(command).then(() => outcomes)
  }
  const elapse = async (): Promise<void> => {
    const due = later.shift()
    assert.ok(due, 'a timer was set')
    clock.advance(due.delayMs)
    await hear(due.message)
  }
  return { spec, writer, write, hear, settle, elapse, later, crashes, state: () => state, self }
}

test('rows wait for company no longer than the linger, and are answered after the commit', async () => {
  const { writer, write, elapse, settle } = await stand()
  const outcomes = await write([position(1)])
  assert.equal(writer.batches.length, 0)
  await elapse()
  assert.deepEqual(writer.batches, [[position(1)]])
  assert.equal(outcomes.length, 0)
  writer.succeed()
  await settle()
  assert.equal(outcomes.length, 1)
})

test('a full batch goes at once, in the order in which it came, and the next waits for it', async () => {
  const { writer, write, settle } = await stand()
  for (const at of [1, 2, 3, 4, 5, 6]) await write([position(at)])
  assert.deepEqual(writer.batches, [[position(1), position(2), position(3)]])
  writer.succeed()
  await settle()
  assert.deepEqual(writer.batches[1], [position(4), position(5), position(6)])
})

test('while the database refuses, the very same batch is tried again and nobody is answered', async () => {
  const { writer, write, settle, elapse, later } = await stand()
  const outcomes = await write([position(1), position(2), position(3)])
  writer.fail(new Fault('store.unavailable', 'no connection', { retryable: true }))
  await settle()
  assert.equal(outcomes.length, 0)
  await elapse()
  assert.deepEqual(writer.batches[1], writer.batches[0])
  writer.fail(new Fault('store.unavailable', 'no connection', { retryable: true }))
  await settle()
  assert.ok((later[0]?.delayMs ?? 0) > 100, 'it waits longer each time')
  await elapse()
  writer.succeed()
  await settle()
  assert.equal(outcomes.length, 1)
})

test('a fault that trying again cannot mend ends the incarnation', async () => {
  const { writer, write, settle, crashes } = await stand()
  await write([position(1), position(2), position(3)])
  writer.fail(new Fault('lease.lost', 'another daemon holds it'))
  await settle()
  assert.equal((crashes[0] as Fault).code, 'lease.lost')
})

test('rows of an incarnation that is no longer the current one are refused and counted', async () => {
  const { writer, write, settle } = await stand({ 'a/1': 7 })
  const outcomes = await write([prediction('a/1', 6), prediction('a/1', 7), prediction('b/1', 2)])
  assert.equal(writer.batches[0]?.length, 2)
  writer.succeed()
  await settle()
  assert.equal(outcomes[0]?.stale, 1)
  assert.equal(outcomes[0]?.predictions.length, 2)
})

test('each write is answered with what became of its own predictions', async () => {
  const { writer, write, settle } = await stand()
  const first = await write([prediction('a', 1)])
  const second = await write([position(1), prediction('b', 1)])
  writer.succeed({
    predictions: [
      { mode: 'live', fresh: true, waitMs: 1 },
      { mode: 'backfill', fresh: false, waitMs: 2 },
    ],
  })
  await settle()
  assert.deepEqual(
    first[0]?.predictions.map(({ mode }) => mode),
    ['live'],
  )
  assert.deepEqual(
    second[0]?.predictions.map(({ mode }) => mode),
    ['backfill'],
  )
})

test('a drain waits for the commit under way and writes what is left, once', async () => {
  const { spec, writer, write, state, self } = await stand()
  await write([position(1), position(2), position(3)])
  const outcomes = await write([position(4)])
  const drained = spec.drain?.(state(), self)
  writer.succeed()
  await new Promise((resolve) => setImmediate(resolve))
  writer.succeed()
  await drained
  assert.deepEqual(writer.batches.slice(1), [[position(4)]])
  assert.equal(outcomes.length, 1)
})

test('a write of nothing is answered at once: nobody else may come to wake the sink up', async () => {
  const { write, writer, later } = await stand()
  assert.deepEqual(await write([]), [{ predictions: [], stale: 0 }])
  assert.deepEqual([writer.batches.length, later.length], [0, 0])
})
