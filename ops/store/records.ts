/** What happens to the daemon itself, kept beside the market: the lives of its actors, and letters nobody took. */
import type { Millis } from '../../streams/time.ts'
import type { Sql } from './connection.ts'
import { faulted } from './faults.ts'

export async function noteStarted(
  sql: Sql,
  life: { readonly path: string; readonly epoch: number; readonly at: Millis },
): Promise<void> {
  await faulted(
    () => sql`
      insert into incarnation (epoch, path, started_at) values (${life.epoch}, ${life.path}, ${life.at})
      on conflict do nothing`,
  )
}

export async function noteEnded(
  sql: Sql,
  life: { readonly epoch: number; readonly at: Millis; readonly reason: string },
): Promise<void> {
  await faulted(
    () => sql`
      update incarnation set ended_at = ${life.at}, reason = ${storable(life.reason)}
      where epoch = ${life.epoch} and ended_at is null`,
  )
}

/** Lives that a killed daemon left open: everything before the epoch that this one begins with. */
export async function endLivesBefore(sql: Sql, epoch: number, at: Millis): Promise<number> {
  const done = await faulted(
    () => sql`
      update incarnation set ended_at = ${at}, reason = 'the daemon ended'
      where epoch < ${epoch} and ended_at is null`,
  )
  return done.count
}

export async function keepDeadLetter(
  sql: Sql,
  letter: {
    readonly at: Millis
    readonly path: string
    readonly reason: string
    readonly message: unknown
  },
): Promise<void> {
  const { at, path, reason, message } = letter
  await faulted(
    () => sql`
      insert into dead_letter (at, path, reason, message)
      values (${at}, ${path}, ${storable(reason)}, ${readable(message)}::text::jsonb)`,
  )
}

/** A message may hold functions and cycles; what of it can be read is kept, at most 4 kB. */
function readable(message: unknown): string {
  const seen = new WeakSet<object>()
  const text = JSON.stringify(message, (_, value: unknown) => {
    if (typeof value === 'string') return storable(value)
    if (typeof value === 'bigint' || typeof value === 'function') return String(value)
    if (typeof value !== 'object' || value === null) return value
    if (seen.has(value)) return 'seen above'
    seen.add(value)
    return value
  })
  if (text === undefined) return 'null'
  return text.length <= 4096 ? text : JSON.stringify(storable(text.slice(0, 4000)))
}

/** PostgreSQL takes no null character, and in its jsonb no half of a pair. */
function storable(text: string): string {
  return text.replaceAll('\0', '').toWellFormed()
}
