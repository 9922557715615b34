import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Life } from '../../../actors/actor.ts'
import { type Watched, watchProgress } from '../../../supervisor/tree/watchdog.ts'
import { worker } from '../../../supervisor/tree/worker.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

function standing(deadlineMs: number): { readonly watched: Watched; readonly killed: string[] } {
  const killed: string[] = []
  const { spec } = worker<undefined, string>('a', {
    kind: 'a',
    mailboxMax: 1,
    deadlineMs,
    start: () => undefined,
    receive: () => undefined,
  })
  spec.mailbox.open(
    'root/a',
    () => 0,
    () => {},
  )
  const kill = (reason: string): readonly string[] => {
    killed.push(reason)
    return ['root/a']
  }
  return { watched: { life: {} as Life, spec, kill }, killed }
}

test('an actor that stands still for 30 s with messages waiting is killed once', () => {
  const clock = new SimulatedClock()
  const { watched, killed } = standing(1_000)
  const watch = watchProgress(clock, () => [watched])
  clock.advance(60_000)
  assert.deepEqual(killed, [], 'nothing waits')
  watched.spec.mailbox.tell('hello' as never)
  clock.advance(29_999)
  assert.deepEqual(killed, [])
  clock.advance(1)
  assert.deepEqual(killed, ['no progress in 30 s with 1 waiting'])
  watch.unsubscribe()
  assert.equal(clock.timers, 0)
})

test('an actor that goes on, however slowly, is left alone', () => {
  const clock = new SimulatedClock()
  const { watched, killed } = standing(1_000)
  const watch = watchProgress(clock, () => [watched])
  for (let i = 0; i < 10; i++) {
    watched.spec.mailbox.tell('hello' as never)
    clock.advance(25_000)
    watched.spec.mailbox.take()
  }
  assert.deepEqual(killed, [])
  watch.unsubscribe()
})

test('a handler that may take a minute has its own deadline first', () => {
  const clock = new SimulatedClock()
  const { watched, killed } = standing(60_000)
  const watch = watchProgress(clock, () => [watched])
  watched.spec.mailbox.tell('hello' as never)
  clock.advance(120_000)
  assert.deepEqual(killed, [])
  clock.advance(5_000)
  assert.equal(killed.length, 1)
  watch.unsubscribe()
})

test('a machine that slept does not look like a fleet that hangs', () => {
  const clock = new SimulatedClock()
  const { watched, killed } = standing(1_000)
  const watch = watchProgress(clock, () => [watched])
  watched.spec.mailbox.tell('hello' as never)
  clock.suspend(3_600_000)
  clock.advance(20_000)
  assert.deepEqual(killed, [])
  watch.unsubscribe()
})
