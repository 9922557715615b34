/** A supervisor's place in the tree: as every supervisor, it is given up on when it gives up three times within 30 s. */
import { supervisorPolicy } from './restart-policy.ts'
import type { ChildSpec, Strategy, SupervisorSpec } from './spec.ts'

/** `abreast` is how many children may start, or leave, at the same time. */
export function supervise(
  id: string,
  kind: string,
  strategy: Strategy,
  children: readonly ChildSpec[],
  abreast = 1,
): SupervisorSpec {
  return { type: 'supervisor', id, kind, strategy, policy: supervisorPolicy, children, abreast }
}
