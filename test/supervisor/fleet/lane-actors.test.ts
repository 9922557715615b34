/**
 * A lane's version actors in a real tree under a real reconciler, with a journal and a ledger in memory and a pool that a
 * test can make silent, or worse.
 */
import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { Subject } from 'rxjs'
import { CoinLine } from '../../../actors/coin/coin-line.ts'
import { FeatureHistory } from '../../../actors/coin/feature-history.ts'
import type { InferenceCommand } from '../../../actors/inference/inference.ts'
import type { SinkCommand } from '../../../actors/sink.ts'
import { openArtifact } from '../../../models/artifact.ts'
import type { Lane, Version } from '../../../models/version.ts'
import { featureSet } from '../../../streams/features/set.ts'
import { Pace } from '../../../streams/feeds/pace.ts'
import { type Millis, minuteMs } from '../../../streams/time.ts'
import { LaneActors, noLimits } from '../../../supervisor/fleet/lane-actors.ts'
import { type RolledBack, reconciler } from '../../../supervisor/fleet/reconciler.ts'
import { supervisorPolicy } from '../../../supervisor/tree/restart-policy.ts'
import type { ChildSpec, SupervisorSpec } from '../../../supervisor/tree/spec.ts'
import { openTree, type RunningTree } from '../../../supervisor/tree/tree.ts'
import { worker } from '../../../supervisor/tree/worker.ts'
import { MemoryLedger } from '../../support/actors/memory-ledger.ts'
import { inbox } from '../../support/actors/probe.ts'
import { pass, settled } from '../../support/actors/settled.ts'
import { btc, madeCandles } from '../../support/candles.ts'
import { testFolder, writeVersion } from '../../support/models/artifacts.ts'
import { SimulatedClock } from '../../support/simulated-clock.ts'
import { MemoryJournal, passed } from './memory-journal.ts'

const set = featureSet(minuteMs)
const lane: Lane = { coin: btc, family: 'linear' }
const from = Date.UTC(2026, 0, 1)
const at = (i: number): Millis => from + i * minuteMs
/** Closed when the lane starts; version 1 holds v1 from here on. */
const begun = 400
const candles = madeCandles({ from, count: 600 })

/** breaking: its actor crashes over the answer; deadly: children have died over it. */
type Manners = 'well' | 'silent' | 'breaking' | 'deadly'

async function stage(t: TestContext, judging: (to: number) => Promise<unknown> = async () => {}) {
  const clock = new SimulatedClock(at(begun))
  const folder = testFolder(t)
  await writeVersion(folder, 1)
  const artifact = await openArtifact(folder)
  const ledger = new MemoryLedger()
  await ledger.writeHistory(candles.slice(0, begun))
  const features = new FeatureHistory({
    reader: ledger,
    set,
    dueAt: ({ openAt }) => openAt + minuteMs,
  })
  const line = new CoinLine(btc, minuteMs, set.columns.length, 512)
  line.committedTo = at(begun)
  line.ring = await features.ring(btc, from, at(begun))

  const journal = new MemoryJournal(lane, 1)
  journal.pointers = journal.pointers.map((it) => ({ ...it, from: at(begun) }))
  const answered = new Map<number, Set<number>>()
  const answersOf = (version: number): Set<number> => {
    const known = answered.get(version) ?? new Set<number>()
    answered.set(version, known)
    return known
  }
  ledger.answerUnanswered = ({ version }, since, to) =>
    ledger
      .all(btc)
      .map(({ openAt }) => openAt)
      .filter((openAt) => openAt >= since && openAt < to && !answersOf(version).has(openAt))
      .filter((openAt) =>
        journal.pointers.some(
          (it) => it.version === version && it.from <= openAt && openAt < (it.until ?? Infinity),
        ),
      )

  const manners = new Map<number, Manners>()
  const pool = {
    path: 'pool',
    tell: (command: InferenceCommand): boolean => {
      const { version } = command
      const how = manners.get(version.version) ?? 'well'
      if (command.type === 'load') {
        const { sha256 } = command.artifact
        command.replyTo.tell({ type: 'loaded', version, sha256 })
      }
      if (command.type !== 'infer' || how === 'silent') return true
      const { id, rows, replyTo } = command
      if (how === 'deadly') {
        const code = 'inference.quarantined'
        replyTo.tell({
          type: 'inferFailed',
          id,
          version,
          code,
          reason: 'it kills',
          retryable: false,
        })
        return true
      }
      const whole = new Float32Array(rows * 3).fill(1 / 3)
      const outputs = how === 'breaking' ? (undefined as never) : whole
      replyTo.tell({ type: 'inferred', id, version, outputs, inferMs: 1, inferRows: rows })
      return true
    },
  }
  const twice: number[] = []
  const sink = {
    path: 'sink',
    tell: ({ entries, replyTo }: SinkCommand): boolean => {
      for (const entry of entries) {
        if (entry.type !== 'prediction') continue
        const { version, openAt } = entry.prediction
        if (answersOf(version).has(openAt)) twice.push(openAt)
        answersOf(version).add(openAt)
      }
      const predictions = entries.map(() => ({ mode: 'live' as const, fresh: true, waitMs: 0 }))
      replyTo?.({ predictions, stale: 0 })
      return true
    },
  }

  const changes$ = new Subject<string>()
  const lanes: LaneActors = new LaneActors({
    ...{ set, features, sink, pool, changes$, limits: noLimits },
    reader: ledger,
    feed: { source: 'tape' },
    pace: new Pace(),
    pointers: () => journal.pointers,
    tree: () => tree,
    lanePath: ({ family }) => `root/BTC-USDT/lanes/${family}`,
    now: () => clock.now(),
  })
  const life = reconciler({
    journal: journal.port(),
    fleet: {
      lives: (of) => lanes.lives(of),
      isHeld: () => false,
      position: () => line.committedTo,
      opening: (_, lead) => line.committedTo + (1 + lead) * minuteMs,
      spawn: (version) => lanes.spawn(version, artifact, line),
      despawn: (version) => lanes.remove(version),
      drain: (version, to) => lanes.drain(version, to),
      reassigned: (of, since) => lanes.reassigned(of, since),
    },
    work: {
      fetch: async () => undefined,
      verify: async () => undefined,
      judge: async ({ to }) => {
        await judging(to.version)
        return passed
      },
      backfill: async () => undefined,
      catchUp: async () => undefined,
    },
    desired: async () => undefined,
    policy: () => ({
      intervalMs: minuteMs,
      shadowCandles: 0,
      drainMsMax: 30_000,
      settleCandlesMax: 100,
    }),
    behind: async () => [],
    isFollowed: () => true,
    learn: () => {},
    removeArtifact: async () => {},
    changed$: lanes.changed$,
    progressed$: lanes.progressed$,
  })
  const reconciling = worker('reconciler', life)
  let epoch = 0
  const tree: RunningTree = openTree(
    supervise('root', [
      supervise('BTC-USDT', [
        supervise('lanes', [
          lanes.spec({ lane, versions: [{ version: { ...lane, version: 1 }, artifact }] }, line),
        ]),
      ]),
      reconciling.spec,
    ]),
    { clock, random: () => 0.5, epochs: () => ++epoch },
  )
  tree.changes$.subscribe(changes$)
  await settled()
  await tree.started
  t.after(async () => {
    const stopping = tree.stop(1_000)
    await pass(clock, 2_000)
    await stopping
  })

  /** So many candles close, one a second. */
  const close = async (count: number): Promise<void> => {
    for (let i = 0; i < count; i++) {
      const next = candles[(line.committedTo - from) / minuteMs]
      assert(next)
      await ledger.writeHistory([next])
      line.committedTo += minuteMs
      journal.position = line.committedTo
      line.ring = await features.ring(btc, from, line.committedTo)
      line.hints$.next({ type: 'closed', openAt: next.openAt })
      await pass(clock, 1_000)
    }
  }
  const order = async (version: number): Promise<void> => {
    await journal.port().open({ to: { ...lane, version }, askedBy: 'operator', revision: 0 })
    reconciling.address.tell({ type: 'look', lane })
    await pass(clock, 500)
  }
  return {
    ...{ clock, journal, line, tree, manners, twice, close },
    order,
    /** An operator's swap, to its cut. */
    swapTo: async (version: number): Promise<void> => {
      await order(version)
      await close(3)
      assert.equal(journal.holders().v3, version)
    },
    rollBack: async (): Promise<RolledBack> => {
      const box = inbox<RolledBack>()
      const { signal } = new AbortController()
      reconciling.address.tell({ type: 'rollBack', lane, reason: 'a test', replyTo: box, signal })
      await pass(clock, 500)
      return box.taken[0] as RolledBack
    },
    standing: (version: number) =>
      lanes.lives(lane).find((it) => it.version.version === version)?.standing,
    path: (version: number): string => lanes.path({ ...lane, version } satisfies Version),
    /** Candles that a version owes by the history of slots and has not answered. */
    owed: async (version: number): Promise<number> =>
      (await ledger.unanswered({ ...lane, version }, 0, line.committedTo, 10_000)).length,
  }
}

function supervise(id: string, children: readonly ChildSpec[]): SupervisorSpec {
  const policy = supervisorPolicy
  return { type: 'supervisor', id, kind: 'group', strategy: 'one_for_one', policy, children }
}

test('what a cut lets go answers every candle up to it and leaves; nobody who stays starts anew', async (t) => {
  const { swapTo, close, journal, standing, owed, tree, path, twice } = await stage(t)
  await swapTo(2)
  const before = [1, 2].map((it) => tree.look(path(it))?.epoch)
  await swapTo(3)
  await swapTo(4)
  await close(2)
  assert.deepEqual(journal.holders(), { v1: 1, v2: 3, v3: 4 })
  assert.equal(journal.states.get(2), 'archived')
  assert.equal(standing(2), undefined)
  for (const version of [1, 2, 3, 4]) assert.equal(await owed(version), 0, `version ${version}`)
  assert.deepEqual(twice, [])
  assert.equal(tree.look(path(1))?.epoch, before[0])
})

test('what does not leave in its time is killed, and another life answers its candles from the ledger', async (t) => {
  const { swapTo, close, journal, manners, standing, owed, tree, path, clock, twice } =
    await stage(t)
  await swapTo(2)
  await swapTo(3)
  manners.set(2, 'silent')
  await close(2)
  await swapTo(4)
  const hung = tree.look(path(2))?.epoch
  assert.ok((await owed(2)) > 0)
  assert.equal(journal.states.get(2), 'draining')
  await pass(clock, 20_000)
  assert.equal(tree.look(path(2))?.epoch, hung, 'it has 30 s')
  manners.set(2, 'well')
  await pass(clock, 60_000)
  assert.equal(await owed(2), 0)
  assert.equal(standing(2), undefined)
  assert.equal(journal.states.get(2), 'archived')
  assert.deepEqual(twice, [])
})

test('one that crashes again and again is set aside, which is written; released and well, it answers what it owes', async (t) => {
  const { close, journal, manners, standing, owed, tree, path, clock } = await stage(t)
  await close(2)
  manners.set(1, 'breaking')
  await close(1)
  await pass(clock, 60_000)
  assert.equal(standing(1), 'quarantined')
  assert.equal(journal.states.get(1), 'quarantined')
  assert.ok((await owed(1)) > 0)
  manners.set(1, 'well')
  await close(2)
  await tree.release(path(1))
  await pass(clock, 40_000)
  assert.equal(standing(1), 'following')
  assert.equal(journal.states.get(1), 'serving')
  assert.equal(await owed(1), 0)
})

test('a newest that goes into quarantine gives its slot to the one before it', async (t) => {
  const { swapTo, close, journal, manners, standing, owed, clock } = await stage(t)
  await swapTo(2)
  await swapTo(3)
  manners.set(3, 'deadly')
  await close(1)
  await pass(clock, 5_000)
  assert.deepEqual(journal.holders(), { v1: 1, v2: 1, v3: 2 })
  assert.equal(journal.swaps.at(-1)?.kind, 'fallback')
  await close(3)
  assert.equal(standing(2), 'following')
  assert.equal(await owed(2), 0)
})

test('a rollback is from the next candle on, in the middle of a swap too, and the next one goes one further', async (t) => {
  const endless = Promise.withResolvers<void>()
  const { swapTo, order, rollBack, close, journal, line, owed, standing, twice } = await stage(
    t,
    (to) => (to === 4 ? endless.promise : Promise.resolve()),
  )
  await swapTo(2)
  await swapTo(3)
  await close(2)
  await order(4)
  await order(5)
  await close(2)
  assert.deepEqual(
    journal.swaps.slice(-2).map(({ to, state }) => `${to.version} ${state}`),
    ['4 running', '5 waiting'],
  )
  for (const holders of [
    { v1: 1, v2: 1, v3: 2 },
    { v1: 1, v2: null, v3: null },
  ]) {
    const next = line.committedTo + minuteMs
    const answer = await rollBack()
    assert(answer.type === 'rolledBack')
    assert.equal(answer.swap.cutAt, next, 'the opening of the first candle that has not opened')
    assert.deepEqual(journal.holders(), holders)
    await close(1)
  }
  const none = await rollBack()
  assert.equal(none.type === 'refused' && none.fault.code, 'rollback.state')
  endless.resolve()
  await close(4)
  assert.deepEqual(journal.holders(), { v1: 1, v2: null, v3: null })
  assert.deepEqual(
    journal.swaps.map(({ to, kind, state }) => `${kind} ${to.version} ${state}`),
    [
      'swap 2 done',
      'swap 3 done',
      'swap 4 overtaken',
      'swap 5 overtaken',
      'rollback 2 done',
      'rollback 1 done',
    ],
  )
  for (const version of [1, 2, 3]) assert.equal(await owed(version), 0, `version ${version}`)
  for (const version of [2, 3, 4, 5]) assert.equal(standing(version), undefined)
  assert.deepEqual(twice, [])
})

test('while a lane swaps no second swap begins; the newest of those that wait comes next', async (t) => {
  const gate = Promise.withResolvers<void>()
  const { order, close, journal } = await stage(t, (to) =>
    to === 2 ? gate.promise : Promise.resolve(),
  )
  const states = (): string[] => journal.swaps.map(({ to, state }) => `${to.version} ${state}`)
  for (const version of [2, 3, 4]) await order(version)
  await close(3)
  assert.deepEqual(states(), ['2 running', '3 overtaken', '4 waiting'])
  gate.resolve()
  await close(6)
  assert.deepEqual(states(), ['2 done', '3 overtaken', '4 done'])
  assert.deepEqual(journal.holders(), { v1: 1, v2: 2, v3: 4 })
})
