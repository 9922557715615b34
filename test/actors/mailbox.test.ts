import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listen } from '../../streams/channels.ts'
import { deadLetters } from '../support/actors/dead-letters.ts'
import { stage } from '../support/actors/life.ts'
import { settled } from '../support/actors/settled.ts'

test('a full mailbox refuses, counts, and keeps the refused message as a dead letter', async (t) => {
  const dropped: unknown[] = []
  t.after(listen('queue.dropped', (what) => dropped.push(what)))
  const { live, mailbox } = stage<undefined, number>(() => ({}))
  const life = live()
  const before = deadLetters().length
  const taken = [1, 2, 3, 4, 5, 6].map((message) => mailbox.tell(message))
  assert.deepEqual(taken, [true, true, true, true, false, false])
  assert.equal(mailbox.dropped, 2)
  assert.equal(deadLetters().length - before, 2)
  assert.deepEqual(deadLetters()[0], { path: 'probe', reason: 'full', message: 6 })
  assert.deepEqual(dropped, [
    { queue: 'probe', count: 1 },
    { queue: 'probe', count: 1 },
  ])
  life.kill('over')
  await settled()
})

test('nobody at home refuses', () => {
  const { mailbox } = stage<undefined, number>(() => ({}))
  assert.equal(mailbox.tell(1), false)
  assert.deepEqual(deadLetters()[0], { path: 'probe', reason: 'absent', message: 1 })
})

test('messages that wait are taken in turns of 64, and others come between two turns', async () => {
  const { live, mailbox, said } = stage<undefined, number>((out) => ({
    mailboxMax: 1_000,
    receive: (_, message) => void out.push(`${message}`),
  }))
  const life = live()
  await settled()
  for (let i = 0; i < 100; i++) mailbox.tell(i)
  const seen: number[] = []
  for (let i = 0; i < 3; i++) {
    await new Promise((next) => setImmediate(next))
    seen.push(said.filter((it) => it !== 'started' && it !== 'start').length)
  }
  assert.deepEqual(seen, [64, 100, 100])
  life.kill('over')
  await settled()
})
