import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ask } from '../../actors/ask.ts'
import type { Address } from '../../actors/protocol.ts'
import { stage } from '../support/actors/life.ts'
import { pass, settled } from '../support/actors/settled.ts'

interface Question {
  readonly replyTo: Address<number>
  readonly signal?: AbortSignal
}

test('an answer settles the question and leaves no timer', async () => {
  const { clock, live, mailbox } = stage<undefined, Question>(() => ({
    receive: (state, { replyTo }) => {
      assert.equal(replyTo.tell(42), true)
      assert.equal(replyTo.tell(43), false, 'only the first answer counts')
      return state
    },
  }))
  live()
  assert.equal(await ask(mailbox, (replyTo: Address<number>) => ({ replyTo }), 100, clock), 42)
  assert.equal(clock.timers, 0)
})

test('a refused question and a late answer are faults that may be tried again', async () => {
  const asked: Question[] = []
  const { clock, live, mailbox } = stage<undefined, Question>(() => ({
    receive: (state, question) => {
      asked.push(question)
      return state
    },
  }))
  const question = (replyTo: Address<number>, signal: AbortSignal): Question => ({
    replyTo,
    signal,
  })
  await assert.rejects(ask(mailbox, question, 100, clock), { code: 'ask.refused', retryable: true })
  live()
  const late = assert.rejects(ask(mailbox, question, 100, clock), { code: 'ask.late' })
  await settled()
  assert.equal(asked[0]?.signal?.aborted, false)
  await pass(clock, 100)
  await late
  assert.equal(asked[0]?.signal?.aborted, true, 'nobody waits')
  assert.equal(asked[0]?.replyTo.tell(42), false)
})
