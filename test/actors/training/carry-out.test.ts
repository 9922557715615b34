import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate } from 'node:timers/promises'
import { carryOut } from '../../../actors/training/carry-out.ts'
import type { RunJournal, Sign } from '../../../actors/training/journal.ts'
import {
  type StepWork,
  type TrainingRun,
  turnOf,
  type Workshop,
} from '../../../actors/training/run.ts'
import { hourMs, minuteMs } from '../../../streams/time.ts'
import { order } from '../../support/models/training.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'

const beatMs = 2_000

/** One step that works until the test is over, with an hour to do it in. */
async function stage() {
  const clock = new SimulatedClock(hourMs)
  const signs: Sign[] = []
  const failures: string[] = []
  const run: TrainingRun = {
    ...order({ timeLimitMs: hourMs }),
    ...{ id: 1, state: 'running', cancelAsked: false, tries: [], verdict: null },
  }
  const journal: Partial<RunJournal> = {
    read: async () => run,
    begin: async () => {},
    beat: async (_holder, _run, sign) => {
      signs.push(sign)
      return { cancelAsked: false }
    },
    fail: async (_holder, _run, _step, _attempt, _state, { code }) => void failures.push(code),
    leave: async () => {},
  }
  const begun = Promise.withResolvers<StepWork>()
  const dataset = (work: StepWork): Promise<never> => {
    begun.resolve(work)
    return new Promise(() => {})
  }
  const workshop = {
    ...{ work: { dataset }, product: async () => null, clear: async () => {} },
  } as unknown as Workshop
  const timing = { beatMs, silentMsMax: minuteMs }
  const holder = { name: 'me', epoch: 1 }
  const stop = new AbortController()
  const ports = { journal: journal as RunJournal, workshop, clock, holder, timing }
  void carryOut(ports, run, stop.signal)
  const work = await begun.promise
  /** It tells how it goes at every look. */
  const pass = async (ms: number, tell: (work: StepWork) => void): Promise<void> => {
    for (let passed = 0; passed < ms; passed += beatMs) {
      tell(work)
      clock.advance(beatMs)
      await setImmediate()
    }
  }
  return { clock, work, failures, pass, workedMs: () => signs.at(-1)?.workedMs ?? 0 }
}

const busy = ({ log }: StepWork): void => log('epoch')

test('a machine that slept for a day, or a clock that was set, has neither worked nor been silent', async () => {
  const { clock, work, failures, pass, workedMs } = await stage()
  await pass(10 * minuteMs, busy)
  clock.suspend(24 * hourMs)
  await pass(beatMs, () => {})
  assert.ok(workedMs() <= 10 * minuteMs + 4 * beatMs, `${workedMs()} ms of work`)
  await pass(49 * minuteMs, busy)
  assert.deepEqual([work.signal.aborted, failures], [false, []])
  await pass(minuteMs, busy)
  assert.deepEqual(failures, ['training.time_limit'])
})

test('one that says nothing while time is worked is dead all the same', async () => {
  const { failures, pass } = await stage()
  await pass(minuteMs + beatMs, () => {})
  assert.deepEqual(failures, ['training.silent'])
})

test('who waits for the turn of the machine works no time, and is not silent', async () => {
  const { work, failures, pass, workedMs } = await stage()
  await pass(minuteMs, busy)
  work.tell(turnOf(false))
  await pass(2 * hourMs, () => {})
  assert.deepEqual([workedMs(), failures], [minuteMs, []])
  work.tell(turnOf(true))
  await pass(minuteMs, busy)
  assert.equal(workedMs(), 2 * minuteMs)
})
