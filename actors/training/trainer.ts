/**
 * Takes the oldest training run that is due and works on it, so many at a time; the others wait their turn. A run that it
 * leaves, in whatever way, can be taken up again from its last finished step.
 */
import { map, type Observable } from 'rxjs'
import type { Millis } from '../../streams/time.ts'
import type { ActorSpec, Self } from '../protocol.ts'
import { type Carried, type CarryTiming, carryOut } from './carry-out.ts'
import type { RunJournal } from './journal.ts'
import type { TrainingRun, Workshop } from './run.ts'

export interface TrainerPorts {
  readonly journal: RunJournal
  readonly workshop: Workshop
  /** Who this daemon is, the same in all its lives. */
  readonly holder: string
  readonly concurrency: number
  readonly timing: CarryTiming
  /** A run was asked for or cancelled. A hint: it looks by itself too. */
  readonly asked$: Observable<unknown>
}

export type TrainerMessage =
  | { readonly type: 'look' }
  | { readonly type: 'asked' }
  | { readonly type: 'claimed'; readonly run: TrainingRun | null }
  | { readonly type: 'carried'; readonly run: TrainingRun; readonly carried: Carried }

interface State {
  /** Aborted when it is to leave. */
  readonly stop: AbortController
  readonly working: Map<number, Promise<unknown>>
  claiming: boolean
  lookAgain: boolean
}

/** A run that waits for its next try, or whose holder has died, is nobody's news. */
const lookEveryMs: Millis = 2_000
/** An aborted step writes its last line and lets go. */
const leaveMsMax: Millis = 10_000

export function trainer(ports: TrainerPorts): ActorSpec<State, TrainerMessage> {
  return {
    kind: 'trainer',
    mailboxMax: 100,
    deadlineMs: leaveMsMax,
    start: (self) => {
      self.follow(ports.asked$.pipe(map(() => ({ type: 'asked' }) as const)))
      const stop = new AbortController()
      self.signal.addEventListener('abort', () => stop.abort(), { once: true })
      const state = { stop, working: new Map(), claiming: false, lookAgain: false }
      claim(ports, state, self)
      self.after(lookEveryMs, { type: 'look' })
      return state
    },
    receive: (state, message, self) => {
      switch (message.type) {
        case 'look':
          self.after(lookEveryMs, { type: 'look' })
          claim(ports, state, self)
          return state
        case 'asked':
          claim(ports, state, self)
          return state
        case 'claimed':
          state.claiming = false
          if (message.run) work(ports, state, message.run, self)
          if (message.run || state.lookAgain) claim(ports, state, self)
          return state
        case 'carried':
          state.working.delete(message.run.id)
          claim(ports, state, self)
          return state
      }
    },
    drain: async (state) => {
      state.stop.abort()
      await Promise.allSettled(state.working.values())
    },
  }
}

function claim(ports: TrainerPorts, state: State, self: Self<TrainerMessage>): void {
  state.lookAgain = state.claiming
  if (state.claiming || state.working.size >= ports.concurrency || state.stop.signal.aborted) return
  state.claiming = true
  const holder = { name: ports.holder, epoch: self.epoch }
  self.pipe(ports.journal.claim(holder, ports.concurrency), (run) => ({
    type: 'claimed',
    run: run ?? null,
  }))
}

function work(
  ports: TrainerPorts,
  state: State,
  run: TrainingRun,
  self: Self<TrainerMessage>,
): void {
  const { journal, workshop, timing } = ports
  const holder = { name: ports.holder, epoch: self.epoch }
  const carrying = carryOut(
    { journal, workshop, timing, holder, clock: self.clock },
    run,
    state.stop.signal,
  )
  state.working.set(run.id, carrying)
  self.pipe(carrying, (carried) => ({ type: 'carried', run, carried }))
}
