import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEventHub, type Delta } from '../../../ops/api/event-hub.ts'
import { tellTraining } from '../../../ops/training/tell-training.ts'
import { tell } from '../../../streams/channels.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { run, stubReads } from '../api/stub.ts'

const lane = { run: 4, coin: 'BTC/USDT', family: 'linear' }
const step = { ...lane, step: 'fit', attempt: 1, state: 'running', detail: null } as const
const progress = { ...lane, step: 'fit', part: 'epoch', of: 40, loss: 1.2, secondsLeft: 9 }

test('the event stream hears every change of a run, and its progress twice a second at most', async (t) => {
  const clock = new SimulatedClock()
  const hub = createEventHub('life', clock)
  const heard: Delta[] = []
  hub.subscribe(
    (delta) => heard.push(delta),
    () => {},
  )
  const logged: string[] = []
  const log = { say: (_: string, event: string) => void logged.push(event), close: () => {} }
  const stop = tellTraining(hub, stubReads, clock, log)
  t.after(stop)

  tell('training.step', step)
  for (let done = 0; done < 40; done++) {
    tell('training.progress', { ...progress, done })
    clock.advance(100)
  }
  // A run is read before it is told.
  await new Promise((resolve) => setImmediate(resolve))
  const data = heard.map(({ type, data }) => ({ event: type, ...JSON.parse(data) }))
  assert.ok(data.every(({ event }) => event === 'training'))
  const [runs, progresses] = [
    data.filter(({ type }) => type === 'run'),
    data.filter(({ type }) => type === 'progress'),
  ]
  assert.deepEqual([runs.length, runs[0]?.state], [1, run.state])
  assert.deepEqual(
    progresses.map(({ done }) => done),
    [0, 5, 10, 15, 20, 25, 30, 35],
  )
  assert.deepEqual(logged, [])

  tell('training.step', { ...step, run: 5 })
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(logged, ['training.untold'], 'one that cannot be read is no one’s trouble')
})
