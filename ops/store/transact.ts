/**
 * A transaction that may be made again. Of two that wait for each other PostgreSQL ends one, which is nobody's fault and
 * nothing to tell a caller: it is made again at once, from its beginning. Other trouble comes out as a Fault.
 */
import type { Sql, Tx } from './connection.ts'
import { storeFault } from './faults.ts'

/** Two that meet once hardly meet again; who waits behind a queue of others may. */
const triesMax = 5
const deadlock = '40P01'

export async function transact<T>(sql: Sql, work: (tx: Tx) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      const done = await sql.begin(async (tx) => ({ value: await work(tx) }))
      return done.value as T
    } catch (error) {
      if (attempt === triesMax || (error as { code?: string }).code !== deadlock)
        throw storeFault(error)
    }
  }
}
