/**
 * The whole of a market's store and its artifacts in one file, as they were at one moment, while everything runs on; and
 * back again, into an empty store only, all of it or nothing.
 */
import {
  createWriteStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { Fault } from '../../../streams/fault.ts'
import type { Millis } from '../../../streams/time.ts'
import type { Tx } from '../connection.ts'
import { faulted } from '../faults.ts'
import { listParts, type PartedTable, partUnits } from '../ledger/parts.ts'
import type { Store } from '../store.ts'
import { writeArtifacts } from './backup-artifacts.ts'
import { type BackupManifest, frameWriter, openBackup, type Section } from './backup-frames.ts'
import { draftOf, unwritten } from './draft.ts'

/** Referred to before they refer. Of the lease, only its term is history. */
const tables = [
  'coin',
  'lane',
  'feature_set',
  'version',
  'artifact_file',
  'alias',
  'swap',
  'transition',
  'pointer',
  'candle',
  'trade',
  'feature',
  'engine_snapshot',
  'gap',
  'prediction',
  'prediction_total',
  'hole',
  'outcome',
  'score_day',
  'disagreement',
  'stream_position',
  'incarnation',
  'dead_letter',
  'operator_action',
  'training_run',
  'training_step',
  'training_trial',
]

export interface BackupNeeds {
  readonly store: Store
  /** The folder whose files go with it; one that does not exist is empty. */
  readonly artifacts: string
  readonly now: () => Millis
  /** Told after each section, for a progress bar. */
  readonly progress?: (section: string) => void
}

export async function backup(
  file: string,
  needs: BackupNeeds,
): Promise<{ readonly bytes: number }> {
  const draft = draftOf(file)
  const gzip = createGzip({ level: 3 })
  const written = pipeline(gzip, createWriteStream(draft, { mode: 0o600 }))
  // Its failure also ends the writing below, which knows nothing of files.
  let trouble: unknown
  written.catch((error: unknown) => {
    trouble = error
  })
  try {
    await faulted(() =>
      needs.store.sql.begin('isolation level repeatable read read only', (tx) =>
        writeAll(tx, gzip, needs),
      ),
    )
    gzip.end()
    await written
    renameSync(draft, file)
    return { bytes: statSync(file).size }
  } catch (error) {
    const cause = trouble
    gzip.destroy()
    rmSync(draft, { force: true })
    throw cause === undefined ? error : unwritten(file, cause)
  }
}

async function writeAll(
  tx: Tx,
  to: ReturnType<typeof createGzip>,
  { store, artifacts, now, progress }: BackupNeeds,
): Promise<void> {
  const frames = frameWriter(to)
  await untimed(tx)
  await frames.manifest(await manifestOf(tx, store, now()))
  for (const table of tables) {
    const columns = await columnsOf(tx, table)
    await frames.section(
      { type: 'table', table, columns },
      Readable.from(linesOf(tx, table, columns)),
    )
    progress?.(table)
  }
  // Artifacts never change, and those of the versions above were there before them.
  await writeArtifacts(frames, artifacts, progress)
  await frames.finish()
}

/** A section takes as long as it takes, and while artifacts are copied the transaction stands still. */
async function untimed(tx: Tx): Promise<void> {
  await tx`set local statement_timeout = 0`
  await tx`set local idle_in_transaction_session_timeout = 0`
}

const rowsAtOnce = 2_000
/** Where one row may hold 4 MiB, 120 kB or a manifest: so many that they are some 16 MB as text. */
const wideRowsAtOnce: Readonly<Record<string, number>> = {
  artifact_file: 2,
  engine_snapshot: 64,
  training_run: 200,
  version: 200,
}

/**
 * A table's rows as `copy … to stdout` would write them, through a cursor: the driver's own copy stops for ever when its
 * reader is slower than the server.
 */
async function* linesOf(tx: Tx, table: string, columns: readonly string[]): AsyncGenerator<Buffer> {
  const fields = columns.map(
    (
      column,
    ) => `coalesce(replace(replace(replace(replace("${column}"::text, '\\', '\\\\'), E'\\t', '\\t'),
      E'\\n', '\\n'), E'\\r', '\\r'), '\\N')`,
  )
  const line = tx.unsafe(`select concat_ws(E'\\t', ${fields.join(', ')}) as line from "${table}"`)
  for await (const rows of line.cursor(wideRowsAtOnce[table] ?? rowsAtOnce)) {
    if (rows.length > 0) yield Buffer.from(`${rows.map((row) => row.line).join('\n')}\n`)
  }
}

async function manifestOf(tx: Tx, store: Store, now: Millis): Promise<BackupManifest> {
  const migrations = await tx<{ number: number; sha256: string }[]>`
    select number, sha256 from migration order by number`
  const leases = await tx<{ name: string; term: number }[]>`select name, term from lease`
  return {
    format: 'starling-backup/1',
    market: store.market,
    intervalMs: store.intervalMs,
    createdAt: new Date(now).toISOString(),
    migrations: [...migrations],
    parts: (await listParts(tx)).map(({ table, from }) => ({ table, from })),
    leases: [...leases],
  }
}

/** Which market a backup is of. */
export async function backupMarket(file: string): Promise<string> {
  return (await openBackup(file)).manifest.market
}

/** `store` is open on the market that the backup's manifest names. */
export async function restore(
  file: string,
  { store, artifacts, progress }: Omit<BackupNeeds, 'now'>,
): Promise<void> {
  const { manifest, sections } = await openBackup(file)
  if (manifest.market !== store.market)
    throw new Fault('backup.other_market', `${file} holds ${manifest.market}, not ${store.market}`)
  if (existsSync(artifacts) && readdirSync(artifacts).length > 0)
    throw new Fault('backup.not_empty', `${artifacts} is not empty: restore into a new --data`)
  const made: string[] = []
  try {
    await faulted(() =>
      store.sql.begin(async (tx) => {
        await prepare(tx, manifest)
        for await (const { section, content } of sections()) {
          if (section.type === 'table') await fillTable(tx, section, content)
          else made.push(await writeFile(artifacts, section.path, content))
          progress?.(section.type === 'table' ? section.table : section.path)
        }
        await finishNumbers(tx, manifest)
      }),
    )
  } catch (error) {
    for (const path of made) rmSync(path, { force: true })
    throw error
  }
  store.parts.forget()
}

async function prepare(tx: Tx, manifest: BackupManifest): Promise<void> {
  await untimed(tx)
  await tx`lock table coin in exclusive mode`
  const [held] = await tx`select from coin limit 1`
  if (held)
    throw new Fault('backup.not_empty', 'this store is not empty: restore into a new --data')
  const here = await tx<{ number: number; sha256: string }[]>`
    select number, sha256 from migration order by number`
  if (JSON.stringify([...here]) !== JSON.stringify(manifest.migrations))
    throw new Fault(
      'backup.other_schema',
      'the backup was made by another version of Starling: restore it with that one, which then may be upgraded',
    )
  for (const { table, from } of manifest.parts) {
    const unit = partUnits[table as PartedTable]
    if (!unit)
      throw new Fault('backup.damaged', `the backup has parts of an unknown table ${table}`)
    await tx`select ensure_part(${table}, ${unit}, ${from}::timestamptz)`
  }
  await tx`delete from prediction_total`
}

async function fillTable(
  tx: Tx,
  section: Section & { readonly type: 'table' },
  content: AsyncIterable<Buffer>,
): Promise<void> {
  if (!tables.includes(section.table))
    throw new Fault('backup.damaged', `the backup has an unknown table ${section.table}`)
  const columns = [...section.columns]
  const into = await tx`copy ${tx(section.table)} (${tx(columns)}) from stdin`.writable()
  await pipeline(Readable.from(content), into)
}

async function writeFile(
  folder: string,
  path: string,
  content: AsyncIterable<Buffer>,
): Promise<string> {
  const target = join(folder, normalize(path))
  if (relative(folder, target).startsWith('..'))
    throw new Fault('backup.damaged', `the backup has a file outside its folder: ${path}`)
  mkdirSync(dirname(target), { recursive: true })
  await pipeline(Readable.from(content), createWriteStream(target))
  return target
}

/** Rows came with their numbers, so what gives out the next ones is told where to go on. */
async function finishNumbers(tx: Tx, manifest: BackupManifest): Promise<void> {
  const counted = await tx<{ table_name: string; column_name: string }[]>`
    select table_name, column_name from information_schema.columns
    where table_schema = current_schema and is_identity = 'YES'`
  for (const { table_name: table, column_name: column } of counted)
    await tx`
      select setval(pg_get_serial_sequence(${table}, ${column}), coalesce(max(${tx(column)}), 0) + 1, false)
      from ${tx(table)}`
  for (const { name, term } of manifest.leases)
    await tx`
      insert into lease as l (name, term, holder, expires_at) values (${name}, ${term}, '', '-infinity')
      on conflict (name) do update set term = greatest(l.term, excluded.term)`
}

async function columnsOf(tx: Tx, table: string): Promise<string[]> {
  const rows = await tx<{ name: string }[]>`
    select attname as name from pg_attribute
    where attrelid = ${table}::regclass and attnum > 0 and not attisdropped order by attnum`
  return rows.map((row) => row.name)
}
