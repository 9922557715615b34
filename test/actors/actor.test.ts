import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Observable, Subject } from 'rxjs'
import { population } from '../../actors/actor.ts'
import type { Self } from '../../actors/protocol.ts'
import { listen } from '../../streams/channels.ts'
import { Fault } from '../../streams/fault.ts'
import { deadLetters } from '../support/actors/dead-letters.ts'
import { stage } from '../support/actors/life.ts'
import { pass, settled } from '../support/actors/settled.ts'

const never = (): Promise<never> => new Promise(() => {})

test('an actor starts, handles messages in order, drains behind what waits, and ends', async () => {
  const { said, ends, live, mailbox } = stage<number, string>((out) => ({
    start: () => 0,
    receive: (count, message) => {
      out.push(`${message} ${count}`)
      return count + 1
    },
    drain: (count) => void out.push(`drain ${count}`),
    end: (count) => void out.push(`end ${count}`),
  }))
  const life = live()
  mailbox.tell('a')
  mailbox.tell('b')
  life.drain()
  assert.equal(mailbox.tell('c'), false)
  await settled()
  assert.deepEqual(said, ['started', 'a 0', 'b 1', 'drain 2', 'end 2'])
  assert.deepEqual(ends, [{ type: 'drained' }])
})

test('two handlers of one actor never run at once, however slow they are', async () => {
  let inside = 0
  let most = 0
  const gates: (() => void)[] = []
  const { live, mailbox } = stage<undefined, number>(() => ({
    receive: async () => {
      inside += 1
      most = Math.max(most, inside)
      await new Promise<void>((open) => gates.push(open))
      inside -= 1
    },
  }))
  const life = live()
  for (let i = 0; i < 4; i++) mailbox.tell(i)
  for (let i = 0; i < 4; i++) {
    await settled()
    assert.equal(gates.length, i + 1)
    gates[i]?.()
  }
  await settled()
  assert.equal(most, 1)
  life.kill('over')
  await settled()
})

test('a crash ends the incarnation with its error; what had not begun waits for the next', async () => {
  const boom = new Error('boom')
  const { said, ends, live, mailbox } = stage<undefined, string>((out) => ({
    receive: (state, message) => {
      if (message === 'boom') throw boom
      out.push(message)
      return state
    },
  }))
  live()
  for (const message of ['a', 'boom', 'b']) mailbox.tell(message)
  await settled()
  assert.deepEqual(ends, [{ type: 'crashed', error: boom, deadline: false }])
  assert.equal(mailbox.tell('c'), true, 'a mailbox stays open between two lives')
  live()
  await settled()
  assert.deepEqual(said, ['start', 'started', 'a', 'end', 'start', 'started', 'b', 'c'])
  assert.deepEqual(deadLetters()[0], { path: 'probe', reason: 'crashed', message: 'boom' })
})

test('a message that is retold and kills three lives in a row is poison and refused', async () => {
  const poison = { name: 'poison' }
  const { clock, live, mailbox } = stage<undefined, object>(() => ({
    receive: () => {
      throw new Error('boom')
    },
  }))
  const reasons: (string | undefined)[] = []
  for (let i = 0; i < 3; i++) {
    live()
    assert.equal(mailbox.tell(poison), true)
    await settled()
    reasons.push(deadLetters()[0]?.reason)
  }
  assert.deepEqual(reasons, ['crashed', 'crashed', 'poison'])
  assert.equal(mailbox.tell(poison), false)
  assert.equal(deadLetters()[0]?.reason, 'poison')
  const life = live()
  clock.advance(60_000)
  assert.equal(mailbox.tell(poison), true, 'after a minute it is tried once more')
  await settled()
  life.kill('over')
  assert.equal(mailbox.tell(poison), false)
})

test('a start that throws is a crash, and there is nothing to end', async () => {
  const { said, ends, live } = stage<undefined, string>(() => ({
    start: async () => {
      throw new Error('the database is down')
    },
  }))
  live()
  await settled()
  assert.equal(ends[0]?.type, 'crashed')
  assert.deepEqual(said, [])
})

test('a handler past its deadline is given up, its late result ignored, and `end` called once', async () => {
  let answer: (state: string) => void = () => {}
  const { clock, said, ends, live, mailbox } = stage<string, string>((out) => ({
    start: () => 'first',
    receive: () => new Promise<string>((resolve) => (answer = resolve)),
    end: (state) => void out.push(`end ${state}`),
  }))
  live()
  mailbox.tell('hang')
  await pass(clock, 999)
  assert.equal(ends.length, 0)
  await pass(clock, 1)
  const [end] = ends
  assert(end?.type === 'crashed' && end.deadline && end.error instanceof Fault)
  assert.equal(end.error.code, 'actor.deadline')
  answer('late')
  await settled()
  assert.deepEqual(said, ['started', 'end first'])
  assert.equal(clock.timers, 0)
})

test('each handler has the whole deadline to itself', async () => {
  const { clock, ends, live, mailbox } = stage<undefined, number>(() => ({
    receive: (_, __, self) =>
      new Promise((done) => self.clock.schedule(() => done(undefined), 900)),
  }))
  const life = live()
  for (let i = 0; i < 4; i++) mailbox.tell(i)
  await pass(clock, 3_600)
  assert.equal(mailbox.begun, 4)
  assert.deepEqual(ends, [])
  life.drain()
  await settled()
  assert.deepEqual(ends, [{ type: 'drained' }])
})

test('a start past its deadline is a crash; what it opens later is let go of', async () => {
  let opened: (state: string) => void = () => {}
  const { clock, said, ends, live } = stage<string, string>((out) => ({
    start: () => new Promise<string>((resolve) => (opened = resolve)),
    end: (state) => void out.push(`end ${state}`),
  }))
  live()
  await pass(clock, 1_000)
  assert.equal(ends.length, 1)
  opened('connection')
  await settled()
  assert.deepEqual(said, ['end connection'])
  assert.equal(ends.length, 1)
})

test('a drain past its deadline is a crash', async () => {
  const { clock, ends, live } = stage<undefined, string>(() => ({ drain: never }))
  live().drain()
  await pass(clock, 1_250)
  assert.equal(ends[0]?.type, 'crashed')
})

test('a suspended machine costs a handler one quarter of its deadline, not all of it', async () => {
  const { clock, ends, live, mailbox } = stage<undefined, string>(() => ({ receive: never }))
  live()
  mailbox.tell('hang')
  await settled()
  clock.suspend(60_000)
  await pass(clock, 749)
  assert.equal(ends.length, 0, 'only one quarter of the deadline counted the minute that was slept')
  await pass(clock, 1)
  assert.equal(ends.length, 1)
})

test('a kill gives up the handler under way at once', async () => {
  let signal: AbortSignal | undefined
  const { said, ends, live, mailbox } = stage<undefined, string>(() => ({
    receive: (_, __, self) => {
      signal = self.signal
      return never()
    },
  }))
  const life = live()
  mailbox.tell('hang')
  await settled()
  life.kill('it is time')
  assert.equal(signal?.aborted, true)
  await settled()
  assert.deepEqual(ends, [{ type: 'killed', reason: 'it is time' }])
  assert.deepEqual(said, ['start', 'started', 'end'])
  life.kill('again')
  life.drain()
  await settled()
  assert.equal(ends.length, 1)
})

test('a kill before the start leaves nothing behind', async () => {
  const before = population()
  const { said, ends, live } = stage<undefined, string>(() => ({}))
  live().kill('too early')
  await settled()
  assert.deepEqual(said, [])
  assert.equal(ends.length, 1)
  assert.deepEqual(population(), before)
})

test('timers, promises and streams reach their own incarnation only', async () => {
  const ticks = new Subject<string>()
  let answer: (word: string) => void = () => {}
  const { clock, said, live, mailbox } = stage<undefined, string>(() => ({
    start: (self: Self<string>) => {
      self.after(100, `timer of ${self.epoch}`)
      self.pipe(
        new Promise<string>((resolve) => (answer = resolve)),
        (word) => `${word} of ${self.epoch}`,
      )
      self.follow(ticks)
      return undefined
    },
  }))
  const first = live()
  await settled()
  const answerFirst = answer
  ticks.next('tick')
  await pass(clock, 50)
  first.kill('over')
  await settled()
  live()
  await settled()
  answerFirst('promise')
  answer('promise')
  ticks.next('tock')
  await pass(clock, 100)
  assert.deepEqual(
    said.filter((line) => line.startsWith('got')),
    ['got tick', 'got tock', 'got promise of 2', 'got timer of 2'],
  )
  assert.equal(mailbox.dropped, 0)
})

test('a follower of a fast stream drops the newest hint, but hears its own promises over the bound', async () => {
  const { said, live, mailbox } = stage<undefined, string>(() => ({
    start: (self: Self<string>) => {
      self.follow(
        new Observable((hearer) => {
          for (const word of ['1', '2', '3', '4', '5', '6']) hearer.next(word)
        }),
      )
      self.pipe(Promise.resolve('fact'), (word) => word)
      return undefined
    },
  }))
  live()
  await settled()
  assert.deepEqual(said.slice(1), ['got 1', 'got 2', 'got 3', 'got 4', 'got fact'])
  assert.equal(mailbox.dropped, 2)
})

test('what it asked for comes back over the bound, and to no later life', async () => {
  let answers: Self<string>['answers'] | undefined
  const { said, live, mailbox } = stage<undefined, string>(() => ({
    start: (self: Self<string>) => {
      answers ??= self.answers
      return undefined
    },
  }))
  const first = live()
  await settled()
  const taken = ['1', '2', '3', '4', '5'].map((word) => mailbox.tell(word))
  assert.deepEqual(taken, [true, true, true, true, false])
  assert.equal(answers?.tell('answer'), true)
  await settled()
  assert.deepEqual(said.slice(1), ['got 1', 'got 2', 'got 3', 'got 4', 'got answer'])
  first.kill('over')
  await settled()
  live()
  await settled()
  assert.equal(answers?.tell('too late'), false)
})

test('a rejected promise or a failing stream crashes the incarnation, after its handler has settled', async () => {
  const ticks = new Subject<string>()
  let done: (state: undefined) => void = () => {}
  const { said, ends, live, mailbox } = stage<undefined, string>((out) => ({
    start: (self: Self<string>) => void self.follow(ticks),
    receive: async (state) => {
      await new Promise((resolve) => (done = resolve))
      out.push('settled')
      return state
    },
  }))
  live()
  mailbox.tell('slow')
  await settled()
  ticks.error(new Error('stream'))
  await settled()
  assert.equal(ends.length, 0)
  done(undefined)
  await settled()
  assert.deepEqual(said, ['started', 'settled', 'end'])
  assert.equal(ends[0]?.type, 'crashed')
})

test('an actor that leaves by itself finishes what waits first', async () => {
  const { said, ends, live, mailbox } = stage<undefined, string>((out) => ({
    receive: (state, message, self) => {
      out.push(message)
      if (message === 'last') self.leave()
      return state
    },
  }))
  live()
  for (const message of ['a', 'last', 'b']) mailbox.tell(message)
  await settled()
  assert.deepEqual(said, ['start', 'started', 'a', 'last', 'b', 'end'])
  assert.deepEqual(ends, [{ type: 'left' }])
  assert.equal(mailbox.tell('c'), false)
})

test('an `end` that hangs is given up at its deadline, one that throws is told', async (t) => {
  const crashes: unknown[] = []
  t.after(listen('actor.crashed', ({ error }) => crashes.push(error)))
  const hanging = stage<undefined, string>(() => ({ end: never }))
  hanging.live().drain()
  await pass(hanging.clock, 999)
  assert.equal(hanging.ends.length, 0)
  await pass(hanging.clock, 251)
  assert.deepEqual(hanging.ends, [{ type: 'drained' }])
  const broken = stage<undefined, string>(() => ({
    end: () => {
      throw new Error('file is gone')
    },
  }))
  broken.live().drain()
  await settled()
  assert.deepEqual(broken.ends, [{ type: 'drained' }])
  assert.equal(crashes.length, 2)
})

test('what waits when an actor leaves for good becomes dead letters', async () => {
  const { live, mailbox } = stage<undefined, number>(() => ({ receive: never }))
  const life = live()
  mailbox.tell(1)
  await settled()
  mailbox.tell(2)
  life.kill('over')
  mailbox.discard()
  await settled()
  assert.deepEqual(deadLetters().slice(0, 2), [
    { path: 'probe', reason: 'left', message: 2 },
    { path: 'probe', reason: 'crashed', message: 1 },
  ])
})

test('a thousand lives leave no timer, no turn and no incarnation behind', async () => {
  const before = population()
  const ticks = new Subject<string>()
  const { clock, live, mailbox, ends } = stage<undefined, string>(() => ({
    start: (self: Self<string>) => {
      self.after(60_000, 'later')
      self.follow(ticks)
      return undefined
    },
    receive: never,
  }))
  for (let i = 0; i < 1_000; i++) {
    const life = live()
    mailbox.tell('hang')
    if (i % 3 !== 0) await settled()
    life.kill('next')
    await settled()
  }
  mailbox.discard()
  assert.equal(ends.length, 1_000)
  assert.deepEqual(population(), before)
  assert.equal(clock.timers, 0)
  assert.equal(ticks.observed, false)
})
