/** One incarnation after another behind one mailbox, by hand: what the supervision tree does for real. */
import { type End, incarnate, type Life } from '../../../actors/actor.ts'
import { Mailbox } from '../../../actors/mailbox.ts'
import type { ActorSpec } from '../../../actors/protocol.ts'
import { SimulatedClock } from '../simulated-clock.ts'

export interface Stage<M> {
  readonly clock: SimulatedClock
  readonly mailbox: Mailbox<M>
  readonly said: string[]
  readonly ends: End[]
  readonly live: () => Life
}

/** `make` gets the list that the behaviour writes down what it does in. */
export function stage<S, M>(make: (said: string[]) => Partial<ActorSpec<S, M>>): Stage<M> {
  const clock = new SimulatedClock()
  const said: string[] = []
  const spec: ActorSpec<S, M> = {
    kind: 'probe',
    mailboxMax: 4,
    deadlineMs: 1_000,
    start: () => {
      said.push('start')
      return undefined as S
    },
    receive: (state, message) => {
      said.push(`got ${String(message)}`)
      return state
    },
    end: () => void said.push('end'),
    ...make(said),
  }
  const mailbox = new Mailbox<M>(spec.kind, spec.mailboxMax, 'probe')
  const ends: End[] = []
  let epoch = 0
  const live = (): Life => {
    epoch += 1
    return incarnate(spec, mailbox, {
      path: 'probe',
      epoch,
      clock,
      started: () => void said.push('started'),
      ended: (end) => void ends.push(end),
    })
  }
  return { clock, mailbox, said, ends, live }
}
