/**
 * Brings a database to the schema of this version. Each numbered file runs once, all of them in one transaction under a
 * lock, so two daemons may start at once; a file that changed after it ran is refused.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault } from '../../streams/fault.ts'
import type { Sql } from './connection.ts'
import { faulted } from './faults.ts'

export interface Migration {
  readonly number: number
  readonly name: string
  readonly text: string
  readonly sha256: string
}

/** Any fixed number: "starling" in ASCII, its first half. */
const lockKey = 0x73746172

export async function migrate(sql: Sql, migrations = shippedMigrations()): Promise<number> {
  return await faulted(() =>
    sql.begin(async (tx) => {
      await tx`select pg_advisory_xact_lock(${lockKey})`
      // A first start waits for nothing but this; a long migration may take its time.
      await tx`set local statement_timeout = 0`
      await tx`create table if not exists migration (
        number int primary key, name text not null, sha256 text not null,
        applied_at timestamptz not null default clock_timestamp())`
      const applied = await tx<{ number: number; sha256: string }[]>`
        select number, sha256 from migration order by number`
      for (const found of applied) refuseChange(found, migrations)
      const pending = migrations.filter((it) => !applied.some((row) => row.number === it.number))
      for (const it of pending) {
        await tx.unsafe(it.text).simple()
        await tx`insert into migration (number, name, sha256) values (${it.number}, ${it.name}, ${it.sha256})`
      }
      return pending.length
    }),
  )
}

function shippedMigrations(): readonly Migration[] {
  const folder = join(import.meta.dirname, 'migrations')
  return readdirSync(folder)
    .filter((file) => /^\d{4}-.*\.sql$/.test(file))
    .sort()
    .map((name) => {
      const text = readFileSync(join(folder, name), 'utf8')
      const sha256 = createHash('sha256').update(text).digest('hex')
      return { number: Number(name.slice(0, 4)), name, text, sha256 }
    })
}

function refuseChange(
  applied: { readonly number: number; readonly sha256: string },
  migrations: readonly Migration[],
): void {
  const shipped = migrations.find((it) => it.number === applied.number)
  if (!shipped)
    throw new Fault(
      'store.newer_schema',
      `the store has migration ${applied.number}, which this version does not know: run the newer Starling that made it`,
    )
  if (shipped.sha256 !== applied.sha256)
    throw new Fault(
      'store.migration_changed',
      `migration ${shipped.name} is not the one that this store was made with: merged migrations never change`,
    )
}
