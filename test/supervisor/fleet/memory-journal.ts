/** One lane's journal in memory, by the rules that the one in the store keeps: what a simulation of swaps writes into. */
import assert from 'node:assert/strict'
import type { Verdict } from '../../../models/judging/verdict.ts'
import { type Lane, type Pointer, type Slot, slots, type Version } from '../../../models/version.ts'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import type {
  LaneJournal,
  LaneRecord,
  Stage,
  Swap,
} from '../../../supervisor/fleet/lane-journal.ts'

type Holders = Readonly<Record<Slot, number | null>>
type Writable<T> = { -readonly [K in keyof T]: T[K] }
type Written = Writable<Swap> & {
  revision: number
  before?: Holders
  undoneBy?: number
}

/** Of whoever judges in these tests. */
export const passed: Verdict = {
  ...{ verdict: 'passed', profile: 'open', reasons: [] },
  ...{ candles: 1, from: '', to: '' },
}

export class MemoryJournal {
  readonly lane: Lane
  pointers: Pointer[]
  readonly swaps: Written[] = []
  readonly states = new Map<number, Stage>()
  handled = 0
  /** The newest by the last change of slots. */
  movedTo: number
  /** Every candle before it is in the ledger. */
  position: Millis = 0

  constructor(lane: Lane, first: number) {
    this.lane = lane
    this.movedTo = first
    this.pointers = [{ ...lane, version: first, slot: 'v1', from: 0, until: null }]
    this.states.set(first, 'serving')
  }

  holders(): Holders {
    const of = (slot: Slot): number | null =>
      this.pointers.find((it) => it.slot === slot && it.until === null)?.version ?? null
    return { v1: of('v1'), v2: of('v2'), v3: of('v3') }
  }

  port(): LaneJournal {
    return {
      lanes: async () => [this.#record()],
      lane: async () => this.#record(),
      open: async ({ to, askedBy, revision }) => {
        const known = this.swaps.find(
          (it) => askedBy === 'registry' && it.askedBy === askedBy && it.revision === revision,
        )
        if (known) return { ...known, isNew: false, overtaken: [] }
        const open = this.swaps.filter(
          (it) => (it.state === 'waiting' || it.state === 'running') && it.cutAt === null,
        )
        const last = open.at(-1)
        if (
          last?.to.version === to.version &&
          last.askedBy === 'operator' &&
          askedBy === last.askedBy
        ) {
          this.handled = Math.max(this.handled, revision)
          return { ...last, isNew: false, overtaken: [] }
        }
        const isMoving = open.some((it) => it.state === 'running')
        const serves = !isMoving && newest(this.holders()) === to.version
        const overtaken = open.filter((it) => it.state === 'waiting')
        for (const it of overtaken) this.#close(it, 'overtaken', 'a newer one came')
        this.handled = Math.max(this.handled, revision)
        const state = serves ? 'done' : 'waiting'
        return {
          ...this.#add('swap', askedBy, to.version, state, revision),
          isNew: true,
          overtaken,
        }
      },
      begin: async (id, candleAt) => {
        const swap = this.#swap(id)
        if (swap.state !== 'waiting') return swap
        assert(
          !this.swaps.some((it) => it.state === 'running' && it.cutAt === null),
          'one at a time',
        )
        swap.state = 'running'
        swap.from = this.#version(newest(this.holders()))
        if (swap.from?.version === swap.to.version) this.#close(swap, 'done', 'it serves already')
        else this.#write(swap, swap.to, 'announced', candleAt)
        return swap
      },
      write: async (id, version, stage, candleAt) =>
        this.#write(this.#swap(id), version, stage, candleAt),
      note: async (version, stage) => void this.states.set(version.version, stage),
      judged: async (id, verdict, candleAt) => {
        const swap = this.#swap(id)
        if (swap.transitions.some(({ stage }) => stage === 'shadowing')) swap.renewed = verdict
        else {
          swap.verdict = verdict
          this.#write(swap, swap.to, 'judged', candleAt)
        }
        return swap
      },
      cut: async (id, at) => {
        const swap = this.#swap(id)
        if (swap.cutAt !== null) return swap
        if (swap.state !== 'running') throw new Fault('swap.state', swap.state)
        if (this.position > at) throw new Fault('swap.late', 'late', { retryable: true })
        const before = this.holders()
        if (newest(before) !== (swap.from?.version ?? null)) throw new Fault('swap.moved', 'moved')
        if (swap.from?.version === swap.to.version)
          throw new Fault('swap.serves', 'it serves already')
        swap.cutAt = at
        swap.before = before
        this.#give(
          { v1: before.v1, v2: before.v3 ?? before.v2 ?? before.v1, v3: swap.to.version },
          at,
        )
        this.#write(swap, swap.to, 'serving', at)
        return swap
      },
      goBack: async ({ kind, at, reason, revision }) => {
        if (this.position > at) throw new Fault('swap.late', 'late', { retryable: true })
        const stack = this.#stack()
        const good = stack.findIndex(
          (it) => this.states.get(newest(it.before) ?? 0) !== 'quarantined',
        )
        const steps =
          kind === 'rollback' ? stack.slice(0, 1) : good < 0 ? [] : stack.slice(0, good + 1)
        const open = this.swaps.filter(
          (it) => it.cutAt === null && (it.state === 'waiting' || it.state === 'running'),
        )
        if (steps.length === 0 && (kind === 'fallback' || open.length === 0))
          throw new Fault('rollback.state', 'nothing to go back to')
        if (kind === 'rollback')
          for (const it of open) this.#close(it, 'overtaken', 'a rollback came first')
        const target = steps.at(-1)?.before ?? this.holders()
        this.handled = Math.max(this.handled, revision)
        const to = newest(target) as number
        for (const it of open)
          if (kind === 'fallback' && it.state === 'running') it.from = this.#version(to)
        const swap = this.#add(
          kind,
          kind === 'rollback' ? 'operator' : 'fleet',
          to,
          'running',
          revision,
        )
        swap.reason = reason
        swap.cutAt = at
        for (const step of steps) step.undoneBy = swap.id
        this.#give(target, at)
        return { ...swap, isNew: true, overtaken: kind === 'rollback' ? open : [] }
      },
      archive: async (version) => {
        if (this.states.get(version.version) !== 'quarantined')
          this.states.set(version.version, 'archived')
      },
      prune: async () => [],
      end: async (id, state, reason) => {
        const swap = this.#swap(id)
        if (swap.state === 'waiting' || swap.state === 'running') this.#close(swap, state, reason)
        return swap
      },
    }
  }

  #record(): LaneRecord {
    const good = this.#stack().find(
      (it) => this.states.get(newest(it.before) ?? 0) !== 'quarantined',
    )
    return {
      lane: this.lane,
      pointers: this.pointers,
      swaps: this.swaps
        .filter(({ state }) => state === 'waiting' || state === 'running')
        .map((it) => ({ ...it })),
      stages: [...this.states]
        .filter(([, stage]) => stage !== 'archived' && stage !== 'rejected')
        .map(([version, stage]) => ({ version: { ...this.lane, version }, stage })),
      handled: this.handled,
      fallBackTo: good ? this.#version(newest(good.before)) : null,
    }
  }

  #stack(): (Written & { before: Holders })[] {
    return this.swaps
      .filter(
        (it): it is Written & { before: Holders } =>
          it.before !== undefined && it.undoneBy === undefined,
      )
      .toReversed()
  }

  #swap(id: number): Written {
    return this.swaps[id - 1] as Written
  }

  #version(version: number | null): Version | null {
    return version === null ? null : { ...this.lane, version }
  }

  #add(
    kind: Swap['kind'],
    askedBy: Swap['askedBy'],
    to: number,
    state: Swap['state'],
    revision: number,
  ): Written {
    const { lane } = this
    const id = this.swaps.length + 1
    const from = this.#version(newest(this.holders()))
    const what = { kind, askedBy, from, state }
    const made: Written = {
      ...madeSwap({ id, lane, to: { ...lane, version: to }, ...what }),
      revision,
    }
    this.swaps.push(made)
    return made
  }

  #write(swap: Written, version: Version, stage: Stage, candleAt: Millis): boolean {
    if (swap.transitions.some((it) => it.stage === stage && it.version.version === version.version))
      return false
    swap.transitions = [...swap.transitions, { version, stage, at: 0, candleAt, reason: null }]
    if (!Object.values(this.holders()).includes(version.version))
      this.states.set(version.version, stage)
    return true
  }

  #close(swap: Written, state: Swap['state'], reason: string | null): void {
    swap.state = state
    swap.reason ??= reason
    const { version } = swap.to
    const holds = Object.values(this.holders()).includes(version)
    if (holds || state === 'done' || this.states.get(version) === 'quarantined') return
    if (state === 'rejected' || this.states.get(version) !== 'draining')
      this.states.set(version, state === 'rejected' ? 'rejected' : 'archived')
  }

  #give(after: Holders, at: Millis): void {
    const before = this.holders()
    this.movedTo = newest(after) as number
    for (const slot of slots) {
      if (before[slot] === after[slot]) continue
      const rest = this.pointers.filter((it) => it.slot !== slot)
      const own = this.pointers.filter((it) => it.slot === slot && it.from < at)
      const last = own.pop()
      if (last && (last.until ?? at) >= at && last.version === after[slot])
        own.push({ ...last, until: null })
      else {
        if (last) own.push({ ...last, until: Math.min(last.until ?? at, at) })
        if (after[slot] !== null)
          own.push({ ...this.lane, version: after[slot], slot, from: at, until: null })
      }
      this.pointers = [...rest, ...own]
    }
    const holds = new Set(Object.values(after))
    for (const version of new Set(Object.values(before)))
      if (version !== null && !holds.has(version) && this.states.get(version) !== 'quarantined')
        this.states.set(version, 'draining')
    for (const version of holds)
      if (
        version !== null &&
        (!Object.values(before).includes(version) || version === newest(after))
      )
        this.states.set(version, 'serving')
  }
}

/** The registry wants `to`, and nothing has happened yet, but for what is said. */
export function madeSwap(
  said: Pick<Swap, 'id' | 'lane' | 'to' | 'state'> & Partial<Swap>,
): Writable<Swap> {
  return {
    kind: 'swap',
    askedBy: 'registry',
    from: null,
    generation: said.id,
    startedAt: 0,
    transitions: [],
    longestWaitMs: null,
    reason: null,
    cutAt: null,
    endedAt: null,
    verdict: null,
    renewed: null,
    missed: null,
    twice: null,
    ...said,
  }
}

export function newest({ v1, v2, v3 }: Holders): number | null {
  return v3 ?? v2 ?? v1
}
