import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Bundle, blame } from '../../../actors/inference/blame.ts'
import { childrenFor, chooseHome } from '../../../actors/inference/home.ts'
import type { Infer } from '../../../actors/inference/inference.ts'
import { type BundleLimits, type Job, JobQueue } from '../../../actors/inference/queue.ts'
import { address, versionOf } from '../../support/actors/pool.ts'

const limits: BundleLimits = { runRowsMax: 4, runsMax: 3, rowsMax: 8, msMax: 100 }
const everywhere = (): boolean => true
const quick = (): number => 1
let ids = 0

function job(model: number, rows = 1, more: Partial<Job & Pick<Infer, 'urgency'>> = {}): Job {
  ids += 1
  const infer: Infer = {
    type: 'infer',
    id: ids,
    version: versionOf('linear', model),
    urgency: more.urgency ?? 'live',
    rows,
    inputs: new Float32Array(rows),
    replyTo: address(() => undefined),
  }
  return { infer, model, kills: more.kills ?? 0, alone: more.alone ?? false }
}

function queueOf(...jobs: Job[]): JobQueue {
  const queue = new JobQueue({ rowsMax: 100, numbersMax: 1000 })
  for (const it of jobs) assert.ok(queue.offer(it))
  return queue
}

/** Models and rows of the next bundle. */
function taken(queue: JobQueue, urgency: Infer['urgency'] = 'live', only: number | null = null) {
  return queue
    .take(urgency, only, everywhere, quick, limits)
    .map((run) => `${run.model}:${run.jobs.map((it) => it.infer.rows).join('+')}`)
}

test('jobs of one version go together, several versions in a bundle, up to each bound', () => {
  const queue = queueOf(job(1), job(2), job(1, 2), job(3), job(1, 2), job(4))
  assert.deepEqual(taken(queue), ['1:1+2', '2:1', '3:1'])
  assert.deepEqual(taken(queue), ['4:1', '1:2'])
  assert.deepEqual(taken(queue), [])
  assert.ok(queue.isEmpty)
})

test('live work goes before backfill, and backfill alone when asked for', () => {
  const queue = queueOf(job(1, 1, { urgency: 'backfill' }), job(2))
  assert.deepEqual(taken(queue, 'live'), ['2:1'])
  assert.deepEqual(taken(queue, 'backfill'), ['1:1'])
})

test('a bundle holds no more than its time, and at least one run', () => {
  const queue = queueOf(job(1), job(2), job(3))
  const slow = (): number => 60
  const next = (): number => queue.take('live', null, everywhere, slow, limits).length
  assert.deepEqual([next(), next(), next()], [2, 1, 0])
})

test('only what is at home is taken, and only one model where one is asked for', () => {
  const queue = queueOf(job(1), job(2), job(3))
  assert.deepEqual(taken(queue, 'live', 2), ['2:1'])
  const here = queue.take('live', null, (model) => model === 3, quick, limits)
  assert.deepEqual(
    here.map((run) => run.model),
    [3],
  )
})

test('what must go alone goes alone', () => {
  const queue = queueOf(job(1, 1, { alone: true }), job(1), job(2))
  assert.deepEqual(taken(queue), ['1:1'])
  assert.deepEqual(taken(queue), ['2:1', '1:1'])
})

test('a full queue refuses, and backfill may fill half of it', () => {
  const queue = new JobQueue({ rowsMax: 10, numbersMax: 1000 })
  assert.ok(queue.offer(job(1, 5, { urgency: 'backfill' })))
  assert.ok(!queue.offer(job(1, 1, { urgency: 'backfill' })))
  assert.ok(queue.offer(job(1, 5)))
  assert.ok(!queue.offer(job(1, 1)))
})

test('an empty queue takes a job of any size, so that none waits for ever', () => {
  const queue = new JobQueue({ rowsMax: 10, numbersMax: 10 })
  assert.ok(queue.offer(job(1, 50, { urgency: 'backfill' })))
})

test('whatever comes and goes, no job is lost, doubled or overtaken by its own version', () => {
  const step = fc.oneof(
    fc.record({ offer: fc.nat(5), rows: fc.integer({ min: 1, max: 9 }), live: fc.boolean() }),
    fc.record({ take: fc.boolean(), giveBack: fc.boolean() }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const queue = new JobQueue({ rowsMax: 200, numbersMax: 1000 })
      const waiting = new Map<string, Job[]>()
      const line = (it: Job): string => `${it.model} ${it.infer.urgency}`
      for (const it of steps) {
        if ('offer' in it) {
          const offered = job(it.offer, it.rows, { urgency: it.live ? 'live' : 'backfill' })
          if (queue.offer(offered))
            waiting.set(line(offered), [...(waiting.get(line(offered)) ?? []), offered])
          continue
        }
        const runs = queue.take(it.take ? 'live' : 'backfill', null, everywhere, quick, limits)
        const jobs = runs.flatMap((run) => run.jobs)
        if (it.giveBack) queue.giveBack(jobs)
        else for (const took of jobs) assert.equal(waiting.get(line(took))?.shift(), took)
      }
      const left = [...waiting.values()].flat()
      assert.equal(
        queue.rows,
        left.reduce((sum, it) => sum + it.infer.rows, 0),
      )
      assert.deepEqual(new Set(queue.clear()), new Set(left))
      assert.equal(queue.rows, 0)
    }),
  )
})

const bundleOf = (id: number, answered: number, ...jobs: Job[]): Bundle => ({
  id,
  opening: null,
  answered,
  runs: jobs.map((it) => ({ model: it.model, rows: it.infer.rows, jobs: [it] })),
})

test('the oldest bundle is suspect where it is not answered, and what stands behind is innocent', () => {
  const [a, b, c] = [job(1), job(2), job(3)]
  const verdict = blame([bundleOf(1, 1, a, b), bundleOf(2, 0, c)])
  assert.deepEqual(verdict.again, [{ ...b, kills: 1, alone: true }, c])
  assert.deepEqual(verdict.poison, [])
})

test('a job that kills twice is poison', () => {
  const [a, b] = [job(1, 1, { kills: 1, alone: true }), job(2)]
  const verdict = blame([bundleOf(1, 0, a), bundleOf(2, 0, b)])
  assert.deepEqual(
    verdict.poison.map((it) => it.infer),
    [a.infer],
  )
  assert.deepEqual(verdict.again, [b])
})

test('a child that dies idle accuses nobody, one that dies opening accuses that model', () => {
  assert.deepEqual(blame([]), { again: [], poison: [], opening: null })
  const opening: Bundle = { id: 1, opening: 7, runs: [], answered: 0 }
  assert.equal(blame([opening, bundleOf(2, 0, job(1))]).opening, 7)
})

test('a model is at home where there are fewest', () => {
  const cases: [households: [child: number, models: number][], home: number | undefined][] = [
    [[], undefined],
    [[[1, 5]], 1],
    [
      [
        [0, 5],
        [1, 4],
      ],
      1,
    ],
    [
      [
        [1, 4],
        [0, 4],
      ],
      0,
    ],
  ]
  for (const [households, home] of cases) {
    assert.equal(chooseHome(households.map(([child, models]) => ({ child, models }))), home)
  }
})

test('two children at least, eight at most, and a core left for the rest', () => {
  assert.deepEqual([1, 2, 4, 9, 64].map(childrenFor), [2, 2, 3, 8, 8])
})
