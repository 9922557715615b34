import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Fault } from '../../../../streams/fault.ts'
import { asker } from '../../../../streams/feeds/live/ask.ts'
import { Limited } from '../../../../streams/feeds/live/venue.ts'
import { reconnectBackoff } from '../../../../streams/feeds/reconnect.ts'
import { settled } from '../../../support/actors/settled.ts'
import { SimulatedClock } from '../../../support/simulated-clock.ts'

function stage() {
  const clock = new SimulatedClock()
  const { signal } = new AbortController()
  const questions = asker(clock, () => 0.5, reconnectBackoff)
  const pass = async (ms: number): Promise<void> => {
    for (let passed = 0; passed < ms; passed += 10) {
      await settled()
      clock.advance(10)
    }
    await settled()
  }
  return { clock, signal, questions, pass }
}

test('a question is repeated until it is answered, and not when it is refused for good', async () => {
  const { questions, signal, pass } = stage()
  let asked = 0
  const answer = questions.ask(async () => {
    asked++
    if (asked < 4) throw new Fault('feed.unavailable', 'not now', { retryable: true })
    return 42
  }, signal)
  await pass(5_000)
  assert.equal(await answer, 42)
  const refused = questions.ask(() => Promise.reject(new Fault('feed.no_market', 'no')), signal)
  await assert.rejects(refused, { code: 'feed.no_market' })
})

test('when the exchange says when to come back, all questions wait', async () => {
  const { questions, signal, pass } = stage()
  let asked = 0
  const first = questions.ask(async () => {
    asked++
    if (asked === 1) throw new Limited('slow down', 2_000)
  }, signal)
  await settled()
  let second = false
  const other = questions.ask(async () => {
    second = true
  }, signal)
  await pass(1_900)
  assert.deepEqual([asked, second], [1, false])
  await pass(1_000)
  await Promise.all([first, other])
  assert.deepEqual([asked, second], [2, true])
})

test('an exchange that asked for a rest is asked after it, though the clock was set back meanwhile', async () => {
  const { clock, questions, signal, pass } = stage()
  const simulated = clock.now.bind(clock)
  let offsetMs = 0
  clock.now = () => simulated() + offsetMs
  let asked = 0
  const first = questions.ask(async () => {
    asked++
    if (asked === 1) throw new Limited('slow down', 2_000)
  }, signal)
  await settled()
  offsetMs = -3_600_000
  let isOtherAnswered = false
  const other = questions.ask(async () => {
    isOtherAnswered = true
  }, signal)
  await pass(1_900)
  assert.deepEqual([asked, isOtherAnswered], [1, false])
  await pass(1_000)
  await Promise.all([first, other])
})

test('a question about the past ends when nobody answers, and one about the present goes on', async () => {
  const { questions, signal, pass } = stage()
  const away = () => Promise.reject(new Fault('feed.unavailable', 'no', { retryable: true }))
  let isOver = false
  void questions.ask(away, signal).catch(() => {
    isOver = true
  })
  const past = assert.rejects(questions.askAside(away, signal), (error) => {
    assert(error instanceof Fault)
    assert.deepEqual([error.code, error.retryable], ['feed.away', true])
    return true
  })
  await pass(20_000)
  await past
  assert.equal(isOver, false)
})

test('a question about the past gives way to those under way, but not for ever', async () => {
  const { questions, signal, pass } = stage()
  const said: string[] = []
  const present = Promise.withResolvers<void>()
  const live = questions.ask(() => present.promise, signal)
  const past = questions.askAside(async () => void said.push('past'), signal)
  await pass(1_000)
  assert.equal(said.length, 0)
  present.resolve()
  await live
  await pass(100)
  await past
  assert.deepEqual(said, ['past'])

  void questions.ask(() => new Promise(() => {}), signal)
  const patient = questions.askAside(async () => void said.push('in the end'), signal)
  await pass(6_000)
  await patient
  assert.deepEqual(said, ['past', 'in the end'])
})
