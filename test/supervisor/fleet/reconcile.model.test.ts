/**
 * A lane with its journal, its actors and its market, all in memory, under random events: wishes that come late, twice or
 * not at all, orders and rollbacks at any moment, models that are bad, quarantines, and crashes before and after every
 * write. Whatever came, in the end the lane stands where its last wish wanted it and every candle has its answer.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { slots, type Version } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import { minuteMs } from '../../../streams/time.ts'
import { type ActPorts, act, doWork, goBack } from '../../../supervisor/fleet/carry-out.ts'
import { type LifeView, reconcile, type SwapPolicy } from '../../../supervisor/fleet/reconcile.ts'
import { btc } from '../../support/candles.ts'
import { MemoryJournal, newest, passed } from './memory-journal.ts'

const lane = { coin: btc, family: 'linear' }
const policy: SwapPolicy = {
  intervalMs: minuteMs,
  shadowCandles: 2,
  drainMsMax: 30_000,
  settleCandlesMax: 5,
}

type Life = { -readonly [K in keyof LifeView]: LifeView[K] } & { drainTo: number | null }

class Crash extends Error {}

/** One market, one lane. Versions whose number ends in 9 break once they run, those in 8 are refused by the gate. */
class World {
  readonly journal = new MemoryJournal(lane, 1)
  readonly lives = new Map<number, Life>()
  readonly answers = new Map<number, Set<number>>()
  readonly holes = new Set<string>()
  alias: { version: Version; generation: number } | undefined
  candle = 0
  work: (() => Promise<void>) | undefined
  /** How often more of the past has come; and what of it each version has answered. */
  history = 0
  readonly #seen = new Map<number, number>()
  /** Calls to the journal until the daemon dies, before or after that call. */
  fuse: { calls: number; after: boolean } | undefined

  get position(): number {
    return this.candle * minuteMs
  }

  async step(): Promise<boolean> {
    try {
      if (this.work) {
        const { work } = this
        this.work = undefined
        await work()
        return true
      }
      const [record] = await this.journal.port().lanes()
      if (!record) return false
      const snapshot = {
        record,
        desired: this.alias,
        lives: [...this.lives.values()],
        behind: this.behind(),
        isAtWork: false,
        isHeld: false,
        position: this.position,
      }
      const action = reconcile(snapshot, policy)
      if (!action) return false
      if (action.type === 'work' || action.type === 'renew')
        this.work = () => doWork(this.#ports(), action, new AbortController().signal)
      else if (action.type === 'catchUp') this.#seen.set(action.version.version, this.history)
      else await act(this.#ports(), { record, desired: this.alias }, action)
      return true
    } catch (error) {
      if (!(error instanceof Crash)) throw error
      this.crash()
      return true
    }
  }

  behind(): readonly Version[] {
    return [...new Set(Object.values(this.journal.holders()))]
      .filter((it) => it !== null && (this.#seen.get(it) ?? 0) < this.history)
      .map((it) => ({ ...lane, version: it as number }))
  }

  async rollBack(): Promise<void> {
    try {
      const revision = this.alias?.generation ?? 0
      await goBack(this.#ports(), { lane, kind: 'rollback', reason: 'a person', revision })
    } catch (error) {
      if (error instanceof Crash) this.crash()
      else if (!(error instanceof Fault)) throw error
    }
  }

  async order(version: number): Promise<void> {
    const revision = this.alias?.generation ?? 0
    await this.journal.port().open({ to: { ...lane, version }, askedBy: 'operator', revision })
  }

  /** Only what is written is there afterwards; whoever held a slot is started with the daemon. */
  crash(): void {
    this.fuse = undefined
    this.work = undefined
    this.lives.clear()
    for (const version of Object.values(this.journal.holders()))
      if (version !== null) this.#start(version)
  }

  /** A candle closes: everyone who runs answers it, and whoever just started what it owes. */
  tick(): void {
    this.candle += 1
    this.journal.position = this.position
    for (const life of this.lives.values()) {
      const { version } = life.version
      if (life.standing === 'loading')
        life.standing = version % 10 === 9 ? 'quarantined' : 'following'
      if (life.standing !== 'following') continue
      const to = Math.min(this.candle, life.drainTo ?? this.candle)
      for (const pointer of this.journal.pointers.filter((it) => it.version === version))
        this.#answer(
          version,
          pointer.from / minuteMs,
          Math.min(to, (pointer.until ?? Infinity) / minuteMs),
        )
      this.#answer(version, life.answeredTo / minuteMs, to)
      life.answeredTo = Math.max(life.answeredTo, to * minuteMs)
      if (life.drainTo !== null && life.drainTo <= this.candle) life.standing = 'left'
    }
    this.#keepBooks()
  }

  #answer(version: number, from: number, to: number): void {
    const answers = this.answers.get(version) ?? new Set()
    this.answers.set(version, answers)
    for (let candle = from; candle < to; candle++) answers.add(candle)
  }

  /** What the keeper does: whoever stands in quarantine leaves holes with that reason. */
  #keepBooks(): void {
    for (const { version, slot, from, until } of this.journal.pointers) {
      const isAside =
        this.journal.states.get(version) === 'quarantined' ||
        this.lives.get(version)?.standing === 'quarantined'
      if (!isAside) continue
      for (
        let candle = from / minuteMs;
        candle < Math.min(this.candle, (until ?? Infinity) / minuteMs);
        candle++
      )
        this.holes.add(`${slot} ${candle}`)
    }
  }

  #start(version: number): void {
    this.lives.set(version, {
      version: { ...lane, version },
      standing: 'loading',
      reason: null,
      answeredTo: this.position,
      drainingMs: null,
      drainTo: null,
    })
  }

  #ports(): ActPorts {
    const journal = this.journal.port()
    const deadly = Object.fromEntries(
      Object.entries(journal).map(([name, call]) => [
        name,
        async (...args: never[]) => {
          const dies = this.fuse !== undefined && name !== 'lane' && --this.fuse.calls < 0
          if (dies && !this.fuse?.after) throw new Crash()
          const result = await (call as (...args: never[]) => Promise<unknown>)(...args)
          if (dies) throw new Crash()
          return result
        },
      ]),
    ) as unknown as typeof journal
    return {
      journal: deadly,
      learn: () => undefined,
      removeArtifact: async () => undefined,
      fleet: {
        lives: () => [...this.lives.values()],
        isHeld: () => false,
        position: () => this.position,
        opening: (_, lead) => this.position + (1 + lead) * minuteMs,
        spawn: async ({ version }) => this.#start(version),
        despawn: async ({ version }) => void this.lives.delete(version),
        drain: ({ version }, to) => {
          const life = this.lives.get(version) as Life
          life.drainTo = to === null ? null : to / minuteMs
          life.drainingMs = to === null ? null : 0
        },
        reassigned: () => undefined,
      },
      work: {
        fetch: async () => undefined,
        verify: async () => undefined,
        backfill: async () => undefined,
        catchUp: async () => undefined,
        judge: async ({ to }) =>
          to.version % 10 === 8 ? { ...passed, verdict: 'refused' } : passed,
      },
    }
  }
}

type Event =
  | { type: 'alias' | 'order'; version: number }
  | { type: 'rollback' | 'crash' | 'tick' | 'step' | 'lie' | 'drive' | 'past' }
  | { type: 'fuse'; calls: number; after: boolean }
  | { type: 'break' | 'mend'; nth: number }

const version = fc.integer({ min: 2, max: 12 })
const events: fc.Arbitrary<Event[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ type: fc.constant('step' as const) }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('drive' as const) }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('tick' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({ type: fc.constantFrom('alias' as const, 'order' as const), version }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constantFrom(
          'rollback' as const,
          'crash' as const,
          'lie' as const,
          'past' as const,
        ),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constantFrom('break' as const, 'mend' as const),
        nth: fc.nat(5),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        type: fc.constant('fuse' as const),
        calls: fc.nat(6),
        after: fc.boolean(),
      }),
    },
  ),
  // Long stories: a lane has to have had several versions before its stack and its drains matter.
  { maxLength: 120, size: 'max' },
)

async function happen(world: World, event: Event): Promise<void> {
  switch (event.type) {
    case 'alias':
      if (world.alias?.version.version !== event.version)
        world.alias = {
          version: { ...lane, version: event.version },
          generation: (world.alias?.generation ?? 0) + 1,
        }
      return
    case 'order':
      return world.order(event.version)
    case 'drive':
      for (let steps = 0; steps < 40 && (await world.step()); steps++);
      return
    case 'rollback':
      return world.rollBack()
    case 'crash':
      return world.crash()
    case 'tick':
      return world.tick()
    case 'past':
      world.history += 1
      return
    case 'step':
    case 'lie':
      // An announcement makes it look, whether it is true or not.
      await world.step()
      return
    case 'fuse':
      world.fuse = event
      return
    case 'break':
    case 'mend': {
      const life = [...world.lives.values()][event.nth]
      if (life && life.standing !== 'left')
        life.standing = event.type === 'break' ? 'quarantined' : 'following'
      return
    }
  }
}

/** Nothing more is asked; time goes on until nothing is left to do. */
async function rest(world: World): Promise<void> {
  world.fuse = undefined
  for (let quiet = 0; quiet < 8; ) {
    let steps = 0
    while (await world.step()) assert.ok(++steps < 500, 'it goes round in circles')
    quiet = steps === 0 ? quiet + 1 : 0
    world.tick()
    assert.ok(world.candle < 1_000, 'it never comes to rest')
  }
}

function assertAtRest(world: World): void {
  const { journal } = world
  const holders = journal.holders()
  assert.deepEqual(
    journal.swaps.filter(({ state }) => state === 'waiting' || state === 'running'),
    [],
  )
  assert.equal(holders.v1, 1, 'the first is pinned')
  assert.equal(newest(holders), journal.movedTo, 'the newest is what it was moved to last')
  for (const { kind, cutAt, from, to } of journal.swaps)
    if (kind === 'swap' && cutAt !== null) assert.notEqual(from?.version, to.version)
  assert.ok(!world.alias || world.alias.generation <= journal.handled, 'every wish was heard')
  assert.ok(![...journal.states.values()].includes('draining'), 'what drained is archived')
  const needed = new Set(Object.values(holders).filter((it) => it !== null))
  for (const life of world.lives.values())
    assert.ok(needed.has(life.version.version), `${life.version.version} still runs`)
  for (const { version } of world.behind())
    assert.equal(world.lives.get(version)?.standing, 'quarantined', 'all the past is answered')
  for (const slot of slots) assertContinuous(world, slot)
}

/** One holder at a time, and an answer or a hole for every candle. */
function assertContinuous(
  { journal, answers, holes, candle }: World,
  slot: (typeof slots)[number],
): void {
  const held = journal.pointers.filter((it) => it.slot === slot).sort((a, b) => a.from - b.from)
  for (const [i, { version: by, from, until }] of held.entries()) {
    assert.ok(until === null || until > from, 'nobody holds a slot for no time')
    if (i > 0) assert.ok((held[i - 1]?.until ?? Infinity) <= from, 'one holder at a time')
    for (let at = from / minuteMs; at < Math.min(candle - 1, (until ?? Infinity) / minuteMs); at++)
      assert.ok(
        answers.get(by)?.has(at) || holes.has(`${slot} ${at}`),
        `${slot} has nothing at ${at} by ${by}`,
      )
  }
}

test('whatever comes in whatever order, a lane comes to rest where it is wanted, with every candle answered', async () => {
  await fc.assert(
    fc.asyncProperty(events, async (all) => {
      const world = new World()
      world.crash()
      for (const event of all) await happen(world, event)
      await rest(world)
      assertAtRest(world)
    }),
    { numRuns: 1_500 },
  )
})

test('the last good wish wins, and after a rollback the registry repeating itself changes nothing', async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.constantFrom(2, 3, 4), async (all, good) => {
      const world = new World()
      world.crash()
      for (const event of all) await happen(world, event)
      world.fuse = undefined
      await rest(world)
      // One that stands in quarantine is not good: it has to be released first.
      if (world.journal.states.get(good) === 'quarantined') return
      const before = newest(world.journal.holders())
      await world.order(good)
      await rest(world)
      assert.equal(newest(world.journal.holders()), good)
      if (before === good) return
      await world.rollBack()
      await happen(world, { type: 'lie' })
      await rest(world)
      const wrecked = before !== null && world.journal.states.get(before) === 'quarantined'
      if (!wrecked) assert.equal(newest(world.journal.holders()), before)
    }),
    { numRuns: 200 },
  )
})
