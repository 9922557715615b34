/** The fleet's lease, waited for: another daemon may still hold it, and this one stands by until it has run out. */
import { Fault } from '../../streams/fault.ts'
import { type Clock, wait } from '../../streams/time.ts'
import type { Sql } from '../store/connection.ts'
import { acquireLease, type Lease } from '../store/lease.ts'

const lookEveryMs = 1_000

export async function takeLease(
  sql: Sql,
  holder: string,
  clock: Clock,
  say: (text: string) => void,
): Promise<Lease> {
  for (let told = false; ; told = true) {
    try {
      return await acquireLease(sql, 'fleet', holder)
    } catch (error) {
      if (!(error instanceof Fault) || error.code !== 'lease.held') throw error
      if (!told) say(`standing by: ${error.message}`)
      await wait(clock, lookEveryMs)
    }
  }
}
