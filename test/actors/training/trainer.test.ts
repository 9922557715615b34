import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subject } from 'rxjs'
import type { RunJournal } from '../../../actors/training/journal.ts'
import { steps, type TrainingRun, type Workshop } from '../../../actors/training/run.ts'
import { type TrainerMessage, trainer } from '../../../actors/training/trainer.ts'
import { probe } from '../../support/actors/probe.ts'
import { order, passed } from '../../support/models/training.ts'

const aRun = (id: number): TrainingRun => ({
  ...order(),
  id,
  state: 'running',
  cancelAsked: false,
  tries: [],
  verdict: null,
})

/** Runs whose one step hangs until the test lets it go; `claims` are the runs that there are, and who asked. */
async function stand(runs: number[], concurrency = 1) {
  const asked$ = new Subject<void>()
  const gates = new Map(runs.map((id) => [id, Promise.withResolvers<void>()]))
  const left: number[] = []
  const ended: number[] = []
  const holders: unknown[] = []
  const done = new Set<number>()
  const journal: Partial<RunJournal> = {
    claim: async (holder) => {
      holders.push(holder)
      const id = runs.shift()
      return id === undefined ? undefined : aRun(id)
    },
    read: async (id) => ({
      ...aRun(id),
      verdict: passed,
      tries: done.has(id)
        ? steps.map((step) => ({
            ...{ step, attempt: 1, state: 'done' as const, startedAt: 0, endedAt: 0, workedMs: 0 },
            ...{ inputHash: null, product: step, failure: null },
          }))
        : [],
    }),
    begin: async () => {},
    beat: async () => ({ cancelAsked: false }),
    finish: async (_, id) => void done.add(id),
    fail: async () => {},
    leave: async (_, id) => void left.push(id),
    end: async (_, id) => void ended.push(id),
  }
  const workshop: Workshop = {
    work: {
      dataset: async ({ run }: { run: TrainingRun }) => {
        await gates.get(run.id)?.promise
        return { detail: 'done' }
      },
    } as unknown as Workshop['work'],
    product: async (_, step) => step,
    clear: async () => {},
    leave: async () => {},
  }
  const { self, told, later, piped } = probe<TrainerMessage>('trainer', 3)
  const spec = trainer({
    journal: journal as RunJournal,
    workshop,
    holder: 'me',
    concurrency,
    timing: { beatMs: 1_000, silentMsMax: 60_000 },
    asked$,
  })
  let state = await spec.start(self)
  const turn = async (): Promise<void> => {
    // Two turns of the event loop: a claim settles, and what it leads to begins.
    for (let i = 0; i < 20; i++) await Promise.resolve()
    for (let next = told.shift(); next; next = told.shift()) {
      state = await spec.receive(state, next, self)
      for (let i = 0; i < 20; i++) await Promise.resolve()
    }
  }
  const drain = async (): Promise<void> => spec.drain?.(state, self)
  return { asked$, gates, left, ended, holders, later, piped, turn, drain, state }
}

test('one run at a time; the next is taken when the first is over', async () => {
  const { gates, ended, holders, turn, piped } = await stand([1, 2])
  await turn()
  assert.deepEqual([holders.length, ended], [1, []])
  assert.deepEqual(holders[0], { name: 'me', epoch: 3 })
  gates.get(1)?.resolve()
  gates.get(2)?.resolve()
  await piped()
  await turn()
  await piped()
  await turn()
  assert.deepEqual(ended, [1, 2])
})

test('two where two may be, and no third', async () => {
  const { state, turn } = await stand([1, 2, 3], 2)
  await turn()
  assert.deepEqual([...state.working.keys()], [1, 2])
})

test('what is asked for is looked at at once, and looking on its own goes on at one pace', async () => {
  const { asked$, holders, later, turn } = await stand([])
  await turn()
  for (let i = 0; i < 5; i++) asked$.next()
  await turn()
  assert.ok(holders.length >= 2)
  assert.equal(later.length, 1, 'one timer, however often it is asked')
})

test('it leaves its run where it stands', async () => {
  const { left, ended, turn, drain } = await stand([1])
  await turn()
  await drain()
  assert.deepEqual([left, ended], [[1], []])
})
