/** Asks for the training runs that are due, and knows of every lane when its next one is or what it waits for. */
import { merge, type Observable, of } from 'rxjs'
import { map } from 'rxjs/operators'
import { type Lane, laneName } from '../../models/version.ts'
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import type { ActorSpec } from '../protocol.ts'
import { type Due, due, type LaneFacts } from './due.ts'
import type { Cause } from './run.ts'

export interface SchedulerPorts {
  /** Of every lane that is followed. */
  readonly facts: () => Promise<readonly LaneFacts[]>
  readonly marketNow: () => Millis
  /** A Fault `training.busy` where the lane has a run already. */
  readonly ask: (lane: Lane, cause: Cause) => Promise<unknown>
  /** There may be something new to decide: a run is over, history has come. */
  readonly changes$: Observable<unknown>
  /** What was decided, for whoever shows it. */
  readonly decided: (plan: ReadonlyMap<string, LanePlan>) => void
}

export interface LanePlan {
  readonly lane: Lane
  readonly due: Due
}

export type SchedulerMessage = { readonly type: 'look' } | { readonly type: 'again' }

const lookEveryMs: Millis = 5_000

export function scheduler(ports: SchedulerPorts): ActorSpec<null, SchedulerMessage> {
  return {
    kind: 'trainingScheduler',
    mailboxMax: 1_000,
    deadlineMs: 60_000,
    start: (self) => {
      self.follow(merge(of(null), ports.changes$).pipe(map(() => ({ type: 'again' }) as const)))
      self.after(lookEveryMs, { type: 'look' })
      return null
    },
    receive: async (state, message, self) => {
      switch (message.type) {
        case 'look':
          self.after(lookEveryMs, { type: 'look' })
          await look(ports)
          return state
        case 'again':
          await look(ports)
          return state
      }
    },
  }
}

async function look(ports: SchedulerPorts): Promise<void> {
  const plan = new Map<string, LanePlan>()
  for (const facts of await ports.facts()) {
    const decision = due(facts, ports.marketNow())
    plan.set(laneName(facts.lane), { lane: facts.lane, due: decision })
    if (decision.type === 'now') await askUnlessBusy(ports, facts.lane, decision.cause)
  }
  ports.decided(plan)
}

async function askUnlessBusy(ports: SchedulerPorts, lane: Lane, cause: Cause): Promise<void> {
  try {
    await ports.ask(lane, cause)
  } catch (error) {
    // Somebody was faster; the lane is being trained, and that is all that was wanted.
    if (!(error instanceof Fault) || error.code !== 'training.busy') throw error
  }
}
