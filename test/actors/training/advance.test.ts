import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Next, next, triesMax, workedMs } from '../../../actors/training/advance.ts'
import { type Step, type StepTry, steps } from '../../../actors/training/run.ts'
import type { Verdict } from '../../../models/judging/verdict.ts'

const second = 1_000
const hour = 3_600_000

/** `dataset✓ fit✗` … ✓ done, ✗ failed and worth another try, ! failed for good, ~ stopped in order, each a second long. */
function tries(text: string): StepTry[] {
  const counts = new Map<string, number>()
  return text
    .split(' ')
    .filter(Boolean)
    .map((word, i) => {
      const step = word.slice(0, -1) as Step
      const mark = word.at(-1)
      const attempt = (counts.get(step) ?? 0) + 1
      counts.set(step, attempt)
      const state = mark === '✓' ? 'done' : mark === '~' ? 'stopped' : 'failed'
      return {
        step,
        attempt,
        state,
        startedAt: i * second,
        endedAt: (i + 1) * second,
        workedMs: second,
        inputHash: null,
        product: state === 'done' ? `sha256:${step}` : null,
        failure:
          state === 'failed'
            ? { code: 'training.exit', message: 'it died', retryable: mark === '✗' }
            : null,
      } as const
    })
}

function told(it: Next): string {
  switch (it.type) {
    case 'do':
      return `do ${it.step} ${it.attempt}`
    case 'wait':
      return `wait until ${it.until / second}`
    case 'end':
      return [it.state, it.failure?.code].filter(Boolean).join(' ')
  }
}

const run = { cancelAsked: false, timeLimitMs: hour, verdict: null }
const upToJudge = 'dataset✓ fit✓ export✓ verify✓ evaluate✓ judge✓'

const cases: readonly [name: string, tries: string, lost: Step | null, now: number, is: string][] =
  [
    ['a new run begins at the beginning', '', null, 0, 'do dataset 1'],
    ['a finished step is followed by the next', 'dataset✓', null, 1, 'do fit 1'],
    ['a finished step is not repeated', 'dataset✓ fit✓', null, 2, 'do export 1'],
    ['what is gone is made again', 'dataset✓ fit✓', 'dataset', 2, 'do dataset 2'],
    ['so is what was damaged in between', 'dataset✓ fit✓ export✓', 'fit', 3, 'do fit 2'],
    [
      'a disk that keeps nothing ends it',
      'dataset✓ fit✓ fit✓ fit✓',
      'fit',
      4,
      'failed training.damaged',
    ],
    ['a failed try waits', 'dataset✓ fit✗', null, 2, 'wait until 12'],
    ['and is made again', 'dataset✓ fit✗', null, 12, 'do fit 2'],
    ['the second failure waits longer', 'fit✗ fit✗', null, 2, 'do dataset 1'],
    ['four times as long', 'dataset✓ fit✗ fit✗', null, 3, 'wait until 43'],
    ['the third is the last', 'dataset✓ fit✗ fit✗ fit✗', null, 4, 'failed training.exit'],
    ['one that will not pass is not tried again', 'dataset!', null, 1, 'failed training.exit'],
    ['a daemon that leaves costs no try', 'fit~ dataset✓ fit✗ fit~', null, 4, 'do fit 4'],
    ['nor does it end the waiting early', 'dataset✓ fit✗', null, 3, 'wait until 12'],
    ['tries are counted by step', 'dataset✗ dataset✗ dataset✓ fit✗', null, 100, 'do fit 2'],
    ['a judged run is published', upToJudge, null, 6, 'do publish 1'],
  ]

for (const [name, text, lost, at, expected] of cases) {
  test(`${name}: ${text || 'nothing yet'}`, () => {
    const isIntact = (step: Step): boolean => step !== lost
    assert.equal(told(next({ ...run, tries: tries(text) }, isIntact, at * second)), expected)
  })
}

const verdict = (it: Verdict['verdict']): Verdict => ({
  verdict: it,
  profile: 'open',
  reasons: [],
  candles: 0,
  from: '',
  to: '',
})

test('a published run has ended as it was judged', () => {
  const all = tries(`${upToJudge} publish✓`)
  const end = (it: Verdict['verdict']): string =>
    told(next({ ...run, tries: all, verdict: verdict(it) }, () => true, 0))
  assert.equal(end('passed'), 'passed')
  assert.equal(end('refused'), 'refused')
  assert.equal(end('exempt'), 'passed')
})

test('a cancelled run ends at whatever step it is, and is too late once it is published', () => {
  for (let done = 0; done < steps.length; done++) {
    const text = steps
      .slice(0, done)
      .map((step) => `${step}✓`)
      .join(' ')
    const decision = next({ ...run, cancelAsked: true, tries: tries(text) }, () => true, 0)
    assert.equal(told(decision), 'cancelled')
  }
  const all = { ...run, cancelAsked: true, tries: tries(`${upToJudge} publish✓`) }
  assert.equal(told(next({ ...all, verdict: verdict('passed') }, () => true, 0)), 'passed')
})

test('time in which nobody worked on it does not count against its limit', () => {
  const [first] = tries('dataset✗') as [StepTry]
  const early = { ...first, startedAt: 0, endedAt: 10 * second, workedMs: 10 * second }
  // The machine slept through most of it.
  const late = { ...early, attempt: 2, endedAt: 50 * hour, workedMs: 20 * second }
  assert.equal(workedMs([early, late]), 30 * second)
  const limited = { ...run, timeLimitMs: 30 * second, tries: [early, late] }
  assert.equal(told(next(limited, () => true, 60 * hour)), 'failed training.time_limit')
  const enough = next({ ...limited, timeLimitMs: 31 * second }, () => true, 60 * hour)
  assert.equal(enough.type === 'do' && enough.leftMs, second)
})

test('whatever befalls its steps, a run ends, and no step is tried more often than it may', () => {
  const fate = fc.constantFrom<StepTry['state']>('done', 'failed', 'stopped')
  fc.assert(
    fc.property(fc.array(fate, { maxLength: 60 }), (fates) => {
      let now = 0
      const known: StepTry[] = []
      for (const state of fates) {
        const decision = next(
          { ...run, timeLimitMs: 1e12, tries: known, verdict: null },
          () => true,
          now,
        )
        if (decision.type === 'end') break
        if (decision.type === 'wait') {
          now = decision.until
          continue
        }
        const { step, attempt } = decision
        const failure = state === 'failed' ? { code: 'a.b', message: '', retryable: true } : null
        now += second
        known.push({
          step,
          attempt,
          state,
          startedAt: now,
          endedAt: now,
          workedMs: second,
          inputHash: null,
          product: '',
          failure,
        })
      }
      for (const step of steps) {
        const mine = known.filter((it) => it.step === step)
        assert.ok(mine.filter(({ state }) => state === 'failed').length <= triesMax)
        assert.ok(mine.filter(({ state }) => state === 'done').length <= 1)
        assert.deepEqual(
          mine.map(({ attempt }) => attempt),
          mine.map((_, i) => i + 1),
        )
      }
    }),
  )
})
