/** Makes an actor's spec a place in the tree, together with the address it will have whichever life it is in. */
import { Mailbox } from '../../actors/mailbox.ts'
import type { ActorSpec } from '../../actors/protocol.ts'
import type { Millis } from '../../streams/time.ts'
import { leafPolicy } from './restart-policy.ts'
import type { ErasedActor, GivingUp, RestartPolicy, Worker, WorkerSpec } from './spec.ts'

export interface WorkerOptions {
  readonly restart?: WorkerSpec['restart']
  /** How long it may drain before it is killed. */
  readonly shutdownMs?: Millis
  readonly policy?: RestartPolicy
  readonly givingUp?: GivingUp
}

/** The address answers false until the tree has started the worker, and has the worker's path from then on. */
export function worker<S, M>(
  id: string,
  actor: ActorSpec<S, M>,
  options: WorkerOptions = {},
): Worker<M> {
  const mailbox = new Mailbox<M>(actor.kind, actor.mailboxMax, id)
  const spec: WorkerSpec = {
    type: 'worker',
    id,
    kind: actor.kind,
    restart: options.restart ?? 'permanent',
    shutdownMs: options.shutdownMs ?? 5_000,
    policy: options.policy ?? leafPolicy,
    givingUp: options.givingUp ?? 'quarantine',
    actor: actor as unknown as ErasedActor,
    mailbox: mailbox as unknown as Mailbox<never>,
  }
  return { spec, address: mailbox }
}
