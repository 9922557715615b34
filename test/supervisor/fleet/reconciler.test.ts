import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Subject } from 'rxjs'
import type { Desired } from '../../../models/registry.ts'
import type { Lane } from '../../../models/version.ts'
import { listen } from '../../../streams/channels.ts'
import { Fault } from '../../../streams/fault.ts'
import { minuteMs } from '../../../streams/time.ts'
import type { LifeView } from '../../../supervisor/fleet/reconcile.ts'
import {
  type ReconcilerPorts,
  type Refreshed,
  type RolledBack,
  reconciler,
} from '../../../supervisor/fleet/reconciler.ts'
import { inbox, probe } from '../../support/actors/probe.ts'
import { btc } from '../../support/candles.ts'
import { MemoryJournal, passed } from './memory-journal.ts'

const lane: Lane = { coin: btc, family: 'linear' }
const of = (version: number) => ({ ...lane, version })

/** A lane whose version 1 runs, and every other as soon as it is started; the market stands at candle 10. */
async function stage(more: Partial<ReconcilerPorts> = {}) {
  const journal = new MemoryJournal(lane, 1)
  const lives = new Map<number, LifeView>()
  const start = (version: number): void =>
    void lives.set(version, {
      version: of(version),
      standing: 'following',
      reason: null,
      answeredTo: 10 * minuteMs,
      drainingMs: null,
    })
  start(1)
  let desired: Desired | undefined
  const caughtUp: number[] = []
  const changed$ = new Subject<Lane>()
  const spec = reconciler({
    journal: journal.port(),
    desired: async () => desired,
    behind: async () => [],
    isFollowed: () => true,
    learn: () => {},
    removeArtifact: async () => {},
    changed$,
    progressed$: new Subject<Lane>(),
    policy: () => ({
      intervalMs: minuteMs,
      shadowCandles: 5,
      drainMsMax: 30_000,
      settleCandlesMax: 10,
    }),
    fleet: {
      lives: () => [...lives.values()],
      isHeld: () => false,
      position: () => 10 * minuteMs,
      opening: (_, lead) => (11 + lead) * minuteMs,
      spawn: async ({ version }) => start(version),
      despawn: async ({ version }) => void lives.delete(version),
      drain: () => {},
      reassigned: () => {},
    },
    work: {
      fetch: async () => {},
      verify: async () => {},
      judge: async () => passed,
      backfill: async () => {},
      catchUp: async ({ version }) => void caughtUp.push(version),
    },
    ...more,
  })
  type Message = Parameters<typeof spec.receive>[1]
  const { self, told, later, piped, crashes } = probe<Message>('starling/reconciler')
  let state = await spec.start(self)
  /** Until nothing that it was told is left to do. */
  const settle = async (...messages: readonly Message[]): Promise<void> => {
    told.push(...messages)
    do {
      await piped()
      for (let next = told.shift(); next; next = told.shift())
        state = await spec.receive(state, next, self)
      await piped()
    } while (told.length > 0)
  }
  await settle()
  return {
    ...{ journal, changed$, later, crashes, caughtUp, settle },
    wish: (version: number, generation: number) => {
      desired = { version: of(version), generation }
    },
    /** What it told itself to do later, once its time has come. */
    due: (delayMs: number): Promise<void> => {
      const at = later.findIndex((it) => it.delayMs === delayMs)
      assert.ok(at >= 0, `nothing is due after ${delayMs} ms`)
      return settle(...later.splice(at, 1).map(({ message }) => message))
    },
    swaps: () => journal.swaps.map(({ to, state: it }) => `${to.version} ${it}`),
  }
}

test('an announcement that was lost is found by the next look, half a minute later at most', async () => {
  const { wish, due, swaps } = await stage()
  wish(2, 1)
  assert.deepEqual(swaps(), [])
  await due(30_000)
  assert.deepEqual(swaps(), ['2 running'])
})

test('announcements that are doubled, late or lie make one swap of one wish, and none of no wish', async () => {
  const { wish, settle, swaps, changed$ } = await stage()
  const hint = { type: 'look', lane } as const
  await settle(hint, hint)
  assert.deepEqual(swaps(), [])
  wish(2, 1)
  await settle(hint, hint, hint, { type: 'look', lane: null })
  for (let i = 0; i < 5; i++) changed$.next(lane)
  await settle(hint)
  assert.deepEqual(swaps(), ['2 running'])
})

test('told to refresh it looks everywhere now, and says in how many lanes there is something new', async () => {
  const { wish, settle, swaps } = await stage()
  const box = inbox<Refreshed>()
  const ask = { type: 'refresh', replyTo: box } as const
  await settle(ask)
  wish(2, 1)
  await settle(ask)
  await settle(ask)
  assert.deepEqual(box.taken, [{ announced: 0 }, { announced: 1 }, { announced: 0 }])
  assert.deepEqual(swaps(), ['2 running'])
})

test('a lane that is not followed is left alone', async () => {
  const { wish, settle, swaps } = await stage({ isFollowed: () => false })
  wish(2, 1)
  const box = inbox<RolledBack>()
  await settle({ type: 'look', lane }, { type: 'look', lane: null })
  const { signal } = new AbortController()
  await settle({ type: 'rollBack', lane, reason: 'a test', replyTo: box, signal })
  assert.deepEqual(swaps(), [])
  const [answer] = box.taken
  assert.equal(answer?.type === 'refused' && answer.fault.code, 'lane.unknown')
})

test('a rollback that nobody waits for any more is not done; asked for again, it is done once', async () => {
  const port = new MemoryJournal(lane, 1).port()
  let isAway = true
  const went: string[] = []
  const { settle, due } = await stage({
    journal: {
      ...port,
      lane: async (it) => {
        if (isAway) throw new Fault('store.unavailable', 'away', { retryable: true })
        return port.lane(it)
      },
      goBack: async (how) => {
        went.push(how.reason)
        return port.goBack(how)
      },
    },
  })
  const box = inbox<RolledBack>()
  const caller = new AbortController()
  const given = { type: 'rollBack', lane, replyTo: box } as const
  await settle({ ...given, reason: 'late', signal: caller.signal })
  caller.abort()
  await settle({ ...given, reason: 'again', signal: new AbortController().signal })
  isAway = false
  await due(200)
  assert.deepEqual(went, ['again'])
  assert.equal(box.taken.length, 1)
})

test('expected trouble is told and tried again, later and later; anything else ends it', async (t) => {
  let trouble: Error | undefined = new Fault('store.unavailable', 'away', { retryable: true })
  const { wish, settle, due, swaps, crashes } = await stage({
    desired: async () => {
      if (trouble) throw trouble
      return { version: of(2), generation: 1 }
    },
  })
  const told: string[] = []
  t.after(listen('swap.troubled', ({ code, attempt }) => told.push(`${code} ${attempt}`)))
  wish(2, 1)
  await settle({ type: 'look', lane })
  await due(200)
  assert.deepEqual(told, ['store.unavailable 1', 'store.unavailable 2'])
  trouble = undefined
  await due(400)
  assert.deepEqual(swaps(), ['2 running'])
  assert.deepEqual(crashes, [])
  trouble = new TypeError('a bug')
  await settle({ type: 'look', lane })
  assert.match(String(crashes), /a bug/)
})

test('an invariant that breaks over one version ends its swap, and no other lane is kept from anything', async () => {
  const { wish, settle, swaps, crashes } = await stage({
    work: {
      fetch: async () => {},
      verify: async () => assert.ok(false, 'rows are consecutive'),
      judge: () => Promise.reject(new Error('not reached')),
      backfill: async () => {},
      catchUp: async () => {},
    },
  })
  wish(2, 1)
  await settle({ type: 'look', lane })
  assert.deepEqual([swaps(), crashes], [['2 rejected'], []])
})

test('a version that is found behind catches up once for each time that it is found', async () => {
  let behind = [of(1)]
  const { due, settle, caughtUp } = await stage({ behind: async () => behind })
  assert.deepEqual(caughtUp, [1])
  await settle({ type: 'look', lane })
  assert.deepEqual(caughtUp, [1])
  await due(30_000)
  assert.deepEqual(caughtUp, [1, 1])
  behind = []
  await due(30_000)
  assert.deepEqual(caughtUp, [1, 1])
})
