/** A daemon's embedded database, for a test that gets in its way. */
import { join } from 'node:path'
import { openDatabase, type Sql } from '../../../ops/store/connection.ts'
import type { RunningDaemon } from './daemon.ts'

/** What the tape with its default seed is kept in. */
export const tapeDatabase = 'starling_tape_seed_7'

export function ownDatabase({ house }: RunningDaemon, name = tapeDatabase): Sql {
  return openDatabase({ type: 'socket', path: join(house.data, 'postgres', '.s.PGSQL.5432') }, name)
}
