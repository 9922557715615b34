/**
 * The parts of the tables that grow: one per month, or per day where rows are kept for days only. A part is there before
 * a row needs it, and retention drops parts, never rows.
 */
import { dayMs, floorTo, type Millis } from '../../../streams/time.ts'
import type { Sql, Tx } from '../connection.ts'
import { faulted } from '../faults.ts'

export const partUnits = {
  candle: 'month',
  trade: 'day',
  feature: 'day',
  prediction: 'month',
  hole: 'month',
  outcome: 'month',
} as const

export type PartedTable = keyof typeof partUnits

export interface Part {
  readonly name: string
  readonly table: PartedTable
  readonly from: Millis
  readonly to: Millis
}

export interface Parts {
  /** Makes the parts that these instants fall into, where they are missing. */
  readonly ensure: (table: PartedTable, instants: Iterable<Millis>) => Promise<void>
  /** Forgets which parts are there; retention may have dropped some. */
  readonly forget: () => void
}

export function openParts(sql: Sql): Parts {
  const known = new Set<string>()
  return {
    forget: () => known.clear(),
    ensure: async (table, instants) => {
      const missing = new Map<string, Millis>()
      let last = Number.NaN
      for (const at of instants) {
        const day = floorTo(at, dayMs)
        // Rows come in order, so nearly all of them fall into the part of the one before.
        if (day === last) continue
        last = day
        const key = `${table} ${partStart(table, day)}`
        if (!known.has(key)) missing.set(key, day)
      }
      if (missing.size === 0) return
      await faulted(async () => {
        for (const day of missing.values())
          await sql`select ensure_part(${table}, ${partUnits[table]}, ${day}::timestamptz)`
      })
      for (const key of missing.keys()) known.add(key)
    },
  }
}

export async function listParts(sql: Sql | Tx): Promise<readonly Part[]> {
  const rows = await faulted(
    () => sql<{ name: string; table: PartedTable; bound: string }[]>`
      select c.relname as name, p.relname as table, pg_get_expr(c.relpartbound, c.oid) as bound
      from pg_inherits i join pg_class c on c.oid = i.inhrelid join pg_class p on p.oid = i.inhparent
      where c.relkind = 'r' and p.relkind = 'p' order by p.relname, c.relname`,
  )
  return rows.map(({ name, table, bound }) => {
    const [from, to] = [...bound.matchAll(/'([^']+)'/g)].map((it) => Date.parse(`${it[1]}:00`))
    return { name, table, from: from as Millis, to: to as Millis }
  })
}

export async function dropPart(sql: Sql, part: Part): Promise<void> {
  await faulted(() =>
    sql.begin(async (tx) => {
      // A drop waits for readers, and everybody waits for a waiting drop: better to come back later.
      await tx`set local lock_timeout = '2s'`
      await tx`drop table if exists ${tx(part.name)}`
    }),
  )
}

function partStart(table: PartedTable, day: Millis): Millis {
  if (partUnits[table] === 'day') return day
  const date = new Date(day)
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1)
}
