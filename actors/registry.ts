/**
 * Watches the registry's port: passes on of which lanes there may be news. It trusts nothing that is announced, so nothing
 * is lost with a hint.
 */
import { Observable } from 'rxjs'
import type { Registry } from '../models/registry.ts'
import type { Lane } from '../models/version.ts'
import type { ActorSpec } from './protocol.ts'

export interface RegistryPorts {
  readonly registry: Pick<Registry, 'watch'>
  /** There may be news of this lane. */
  readonly announced: (lane: Lane) => void
  /** Hints may have been missed while nobody listened. */
  readonly listening: () => void
}

export interface RegistryMessage {
  readonly type: 'announced'
  readonly lane: Lane
}

export function registry(ports: RegistryPorts): ActorSpec<null, RegistryMessage> {
  return {
    kind: 'registry',
    mailboxMax: 1_000,
    deadlineMs: 5_000,
    start: (self) => {
      self.follow(
        new Observable((out) =>
          ports.registry.watch((lane) => out.next({ type: 'announced', lane })),
        ),
      )
      ports.listening()
      return null
    },
    receive: (state, { lane }) => {
      ports.announced(lane)
      return state
    },
  }
}
