import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Progress, StepResult, StepWork, Workshop } from '../../../actors/training/run.ts'
import { inTurns } from '../../../ops/training/machine-turn.ts'
import { wallClock } from '../../../streams/time.ts'
import { testFolder } from '../../support/models/artifacts.ts'
import { until } from '../../support/until.ts'

/** A daemon's workshop whose fits end when they are told to. */
function stand(folder: string, places: number) {
  const begun: ((result: StepResult) => void)[] = []
  const told: Progress[] = []
  const fit = (): Promise<StepResult> => new Promise((resolve) => begun.push(resolve))
  const shop = inTurns({ work: { fit } } as unknown as Workshop, {
    ...{ places, folder, clock: wallClock },
  })
  const begin = (signal = new AbortController().signal): Promise<StepResult> =>
    shop.work.fit({ signal, tell: (it: Progress) => told.push(it) } as unknown as StepWork)
  return { begin, begun, told }
}

test('so many steps at a time as there are places, whoever asks; who waits gives signs of life', async (t) => {
  const folder = join(testFolder(t), 'turns')
  const [mine, other] = [stand(folder, 2), stand(folder, 2)]
  const first = mine.begin()
  const second = other.begin()
  const third = other.begin()
  await until('the third has said that it waits', () => other.told.length > 0)
  assert.deepEqual([mine.begun.length, other.begun.length], [1, 1])
  assert.equal(other.told[0]?.part, 'turn')
  mine.begun[0]?.({ detail: 'done' })
  await first
  await until('the third has begun', () => other.begun.length === 2)
  for (const end of other.begun) end({ detail: 'done' })
  await Promise.all([second, third])
})

test('who is cancelled while it waits waits no longer', async (t) => {
  const folder = join(testFolder(t), 'turns')
  const { begin, begun, told } = stand(folder, 1)
  const first = begin()
  const cancel = new AbortController()
  const second = begin(cancel.signal)
  await until('it waits', () => told.length > 0)
  cancel.abort(new Error('cancelled'))
  await assert.rejects(second, /cancelled/)
  begun[0]?.({ detail: 'done' })
  await first
  assert.equal(begun.length, 1)
})

test('the turn of a process that was killed is free', async (t) => {
  const folder = join(testFolder(t), 'turns')
  const url = new URL('../../../ops/training/machine-turn.ts', import.meta.url)
  const held = `
    const { inTurns } = await import(${JSON.stringify(url.href)})
    const clock = { now: Date.now, schedule: setTimeout }
    const work = { fit: () => new Promise(() => process.stdout.write('held')) }
    const shop = inTurns({ work }, { places: 1, folder: ${JSON.stringify(folder)}, clock })
    setInterval(() => {}, 1_000)
    await shop.work.fit({ signal: AbortSignal.abort(), tell: () => {} })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', held], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(() => child.kill('SIGKILL'))
  await once(child.stdout, 'data')
  const { begin, begun, told } = stand(folder, 1)
  const mine = begin()
  await until('it waits', () => told.length > 0)
  child.kill('SIGKILL')
  await until('it has begun', () => begun.length === 1)
  begun[0]?.({ detail: 'done' })
  await mine
})
