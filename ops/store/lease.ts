/**
 * The fleet's lease: one daemon writes to a store at a time. Whoever acquires it raises the term, and every transaction
 * of the ledger locks and checks the term, so a daemon that was thought dead cannot write once another has taken over.
 */
import { Fault } from '../../streams/fault.ts'
import type { Millis } from '../../streams/time.ts'
import { type Sql, sessionName, type Tx } from './connection.ts'
import { faulted } from './faults.ts'

export interface Lease {
  readonly name: string
  readonly term: number
  readonly holder: string
  /** A Fault `lease.lost` when another holds it now. Due every third of `leaseMs`. */
  readonly renew: () => Promise<void>
  /** Gives it back, so that the next daemon need not wait. */
  readonly release: () => Promise<void>
}

export const leaseMs: Millis = 10_000
/** More lives than a daemon has actors to lose. */
const epochsPerTerm = 2 ** 20

/** No actor of an earlier term has an epoch as great. */
export function firstEpoch({ term }: Pick<Lease, 'term'>): number {
  return term * epochsPerTerm
}

/**
 * `holder` names the daemon across its lives: after a crash it takes its own lease back at once, which the lock on its
 * data directory makes safe. Time is the database's.
 *
 * Whoever stands still may hold locks, on the lease too, and PostgreSQL's own limits do not end a session whose client
 * has stopped reading in the middle of an answer: so nobody waits for a lease that is held, and whoever takes one over
 * that ran out ends its last holder's sessions first.
 */
export async function acquireLease(sql: Sql, name: string, holder: string): Promise<Lease> {
  const [held] = await faulted(
    () => sql<{ holder: string; has_run_out: boolean; was_given_back: boolean }[]>`
      select holder, expires_at < clock_timestamp() as has_run_out, expires_at = '-infinity' as was_given_back
      from lease where name = ${name} and holder <> ${holder}`,
  )
  if (held && !held.has_run_out) throw heldFault(held.holder)
  if (held && !held.was_given_back) await endSessions(sql, held.holder)
  const [taken] = await faulted(
    () => sql<{ term: number }[]>`
      insert into lease as l (name, term, holder, expires_at)
      values (${name}, 1, ${holder}, clock_timestamp() + ${leaseMs} * interval '1 millisecond')
      on conflict (name) do update set
        term = l.term + 1, holder = excluded.holder, expires_at = excluded.expires_at
      where l.expires_at < clock_timestamp() or l.holder = excluded.holder
      returning term`,
  )
  if (!taken) throw heldFault('one that was faster')
  const { term } = taken
  return {
    name,
    term,
    holder,
    renew: async () => {
      const renewed = await faulted(
        () => sql`
          update lease set expires_at = clock_timestamp() + ${leaseMs} * interval '1 millisecond'
          where name = ${name} and term = ${term} returning term`,
      )
      if (renewed.length === 0) throw lostFault(name, term)
    },
    release: async () => {
      await faulted(
        () =>
          sql`update lease set expires_at = '-infinity' where name = ${name} and term = ${term}`,
      )
    },
  }
}

/** The lease as it stands, for work beside the daemon that holds it: it writes as long as that one could. */
export async function presentLease(sql: Sql, name: string): Promise<Pick<Lease, 'name' | 'term'>> {
  const [held] = await faulted(
    () => sql<{ term: number }[]>`select term from lease where name = ${name}`,
  )
  if (!held) throw new Fault('lease.absent', `nobody has held the lease ${name} yet`)
  return { name, term: held.term }
}

/**
 * Locks the term until the transaction ends. Shared, so commits run beside each other; alone where holes are written,
 * so that a hole and the prediction that answers it never miss each other.
 */
export async function checkTerm(
  tx: Tx,
  lease: Pick<Lease, 'name' | 'term'>,
  alone: boolean,
): Promise<void> {
  const lock = alone ? tx`for no key update` : tx`for share`
  const held =
    await tx`select from lease where name = ${lease.name} and term = ${lease.term} ${lock}`
  if (held.length === 0) throw lostFault(lease.name, lease.term)
}

function lostFault(name: string, term: number): Fault {
  return new Fault('lease.lost', `the lease ${name} of term ${term} was lost to another daemon`)
}

function heldFault(holder: string): Fault {
  return new Fault(
    'lease.held',
    `another daemon (${holder}) writes to this store: stop it, or wait until its lease runs out`,
    { retryable: true },
  )
}

async function endSessions(sql: Sql, holder: string): Promise<void> {
  await faulted(
    () => sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and application_name = ${sessionName(holder)}`,
  )
}
