import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subject } from 'rxjs'
import type { LaneFacts } from '../../../actors/training/due.ts'
import {
  type LanePlan,
  type SchedulerMessage,
  scheduler,
} from '../../../actors/training/scheduler.ts'
import { type Lane, laneName } from '../../../models/version.ts'
import type { Coin } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import { probe } from '../../support/actors/probe.ts'

const lane = (family: string): Lane => ({ coin: 'BTC/USDT' as Coin, family })
const facts = (family: string, change: Partial<LaneFacts> = {}): LaneFacts => ({
  lane: lane(family),
  retrainMs: 1_000_000,
  obstacle: null,
  isUnderWay: false,
  hasOnlyShipped: true,
  past: [],
  history: { candles: 10, isFetched: true, fetchingMs: 0, candlesMin: 1, candlesMax: 5 },
  isPastItsAge: false,
  ...change,
})

async function stand(known: () => readonly LaneFacts[], fault?: Fault) {
  const changes$ = new Subject<void>()
  const asked: string[] = []
  let plan: ReadonlyMap<string, LanePlan> = new Map()
  const spec = scheduler({
    facts: async () => known(),
    marketNow: () => 2_000_000,
    ask: async (it, cause) => {
      if (fault) throw fault
      asked.push(`${it.family} ${cause}`)
    },
    changes$,
    decided: (it) => {
      plan = it
    },
  })
  const { self, told, later } = probe<SchedulerMessage>()
  let state = await spec.start(self)
  const turn = async (): Promise<void> => {
    for (let next = told.shift(); next; next = told.shift())
      state = await spec.receive(state, next, self)
  }
  const dueOf = (family: string): string | undefined => plan.get(laneName(lane(family)))?.due.type
  return { changes$, asked, turn, later, dueOf }
}

test('what is due is asked for, what is not is told', async () => {
  const { asked, turn, dueOf } = await stand(() => [
    facts('linear'),
    facts('tst', { obstacle: 'install Python 3.10 or newer' }),
    facts('lstm', { isUnderWay: true }),
    facts('lightgbm', { past: [{ state: 'passed', marketAt: 1_999_999 }] }),
  ])
  await turn()
  assert.deepEqual(asked, ['linear first'])
  assert.deepEqual(['linear', 'tst', 'lstm', 'lightgbm'].map(dueOf), [
    'now',
    'obstructed',
    'underWay',
    'later',
  ])
})

test('a lane whose version is past its age is asked for as soon as it may be', async () => {
  let isUnderWay = true
  const past = [{ state: 'passed', marketAt: 1_999_999 }]
  const { changes$, asked, turn } = await stand(() => [
    facts('linear', { isUnderWay, past, isPastItsAge: true }),
  ])
  await turn()
  assert.deepEqual(asked, [], 'never while a run is under way')
  isUnderWay = false
  changes$.next()
  await turn()
  assert.deepEqual(asked, ['linear drift'])
})

test('somebody who was faster is no trouble, a store that refuses is', async () => {
  const busy = await stand(() => [facts('linear')], new Fault('training.busy', 'no'))
  await busy.turn()
  assert.equal(busy.dueOf('linear'), 'now')
  const away = await stand(() => [facts('linear')], new Fault('store.unavailable', 'no'))
  await assert.rejects(away.turn(), { code: 'store.unavailable' })
})
