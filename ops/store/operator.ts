/** What operators did, with their reasons. The newest action on a target is how it is meant to be, across restarts too. */
import type { Sql } from './connection.ts'
import { faulted } from './faults.ts'

export type OperatorAction = 'pause' | 'resume' | 'restart' | 'release' | 'add' | 'remove'

export async function recordAction(
  sql: Sql,
  action: OperatorAction,
  target: string,
  reason: string,
): Promise<void> {
  await faulted(
    () => sql`
    insert into operator_action (action, target, reason) values (${action}, ${target}, ${reason})`,
  )
}

/** The newest of `among` on each target. */
export async function standingActions(
  sql: Sql,
  among: readonly OperatorAction[],
): Promise<ReadonlyMap<string, { readonly action: OperatorAction; readonly reason: string }>> {
  const rows = await faulted(
    () => sql<{ target: string; action: OperatorAction; reason: string }[]>`
      select distinct on (target) target, action, reason from operator_action
      where action in ${sql(among)} order by target, id desc`,
  )
  return new Map(rows.map(({ target, ...rest }) => [target, rest]))
}
