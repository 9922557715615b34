/**
 * A table of the ledger as a file for others: Parquet, or CSV where the name ends so (gzipped with `.gz`). Streamed in
 * both, ascending by time; a file that was not finished is not left behind.
 */
import { createWriteStream, renameSync, rmSync } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import type { SchemaElement } from 'hyparquet'
import { fileWriter, ParquetWriter } from 'hyparquet-writer'
import type { Coin } from '../../../streams/coin.ts'
import { Fault } from '../../../streams/fault.ts'
import { iso, type Millis } from '../../../streams/time.ts'
import type { Fragment, Sql } from '../connection.ts'
import { faulted } from '../faults.ts'
import { draftOf } from './draft.ts'

export const exportTables = ['candles', 'predictions', 'outcomes'] as const
export type ExportTable = (typeof exportTables)[number]

export interface ExportQuery {
  readonly table: ExportTable
  readonly from?: Millis | undefined
  readonly to?: Millis | undefined
  readonly coin?: Coin | undefined
}

type Kind = 'text' | 'instant' | 'number' | 'whole' | 'yes'
type Column = readonly [name: string, kind: Kind, expression: string]
type Cell = string | number | boolean | null
type Row = Readonly<Record<string, Cell>>

const version: readonly Column[] = [
  ['coin', 'text', 'c.symbol'],
  ['family', 'text', 'l.family'],
  ['version', 'whole', 'v.number'],
]
const columns: Readonly<Record<ExportTable, readonly Column[]>> = {
  candles: [
    ['coin', 'text', 'c.symbol'],
    ['openAt', 'instant', 't.open_at'],
    ['open', 'number', 't.open'],
    ['high', 'number', 't.high'],
    ['low', 'number', 't.low'],
    ['close', 'number', 't.close'],
    ['volume', 'number', 't.volume'],
    ['quoteVolume', 'number', 't.quote_volume'],
    ['takerBuyVolume', 'number', 't.taker_buy_volume'],
    ['trades', 'number', 't.trades'],
    ['state', 'text', 't.state'],
    ['revision', 'whole', 't.revision'],
  ],
  predictions: [
    ...version,
    ['openAt', 'instant', 't.open_at'],
    ['mode', 'text', 't.mode'],
    ['signal', 'text', 't.signal'],
    ['sell', 'number', 't.sell'],
    ['hold', 'number', 't.hold'],
    ['buy', 'number', 't.buy'],
    ['value', 'number', 't.value'],
    ['madeAt', 'instant', 't.made_at'],
    ['waitMs', 'number', 't.wait_ms'],
    ['inferMs', 'number', 't.infer_ms'],
    ['inputHash', 'text', `encode(t.input_hash, 'hex')`],
  ],
  outcomes: [
    ...version,
    ['openAt', 'instant', 't.open_at'],
    ['resolvedAt', 'instant', 't.resolved_at'],
    ['return', 'number', 't.return'],
    ['label', 'text', 't.label'],
    ['correct', 'yes', 't.correct'],
    ['profit', 'number', 't.profit'],
    ['actual', 'number', 't.actual'],
  ],
}

/** One row group, and what one fetch brings. */
const pageRows = 20_000

export async function exportTable(
  sql: Sql,
  query: ExportQuery,
  file: string,
): Promise<{ readonly rows: number }> {
  const draft = draftOf(file)
  const pages = faultedPages(sql, query)
  try {
    const rows = /\.csv(\.gz)?$/.test(file)
      ? await writeCsv(draft, file.endsWith('.gz'), columns[query.table], pages)
      : await writeParquet(draft, file, columns[query.table], pages)
    renameSync(draft, file)
    return { rows }
  } catch (error) {
    rmSync(draft, { force: true })
    throw error
  }
}

/** A cursor keeps one snapshot, however long the reading takes. */
async function* faultedPages(sql: Sql, query: ExportQuery): AsyncGenerator<readonly Row[]> {
  const pages = source(sql, query).cursor(pageRows)[Symbol.asyncIterator]()
  for (;;) {
    const next = await faulted(() => pages.next())
    if (next.done) return
    yield next.value as unknown as readonly Row[]
  }
}

function source(sql: Sql, { table, from, to, coin }: ExportQuery): Fragment {
  const list = columns[table].map(([name, , expression]) => `${expression} as "${name}"`).join(', ')
  const of =
    table === 'candles'
      ? sql`candle t join coin c on c.id = t.coin_id`
      : sql`${sql(table.slice(0, -1))} t join version v on v.id = t.version_id
          join lane l on l.id = v.lane_id join coin c on c.id = l.coin_id`
  return sql`
    select ${sql.unsafe(list)} from ${of}
    where true
      ${from === undefined ? sql`` : sql`and t.open_at >= ${from}`}
      ${to === undefined ? sql`` : sql`and t.open_at < ${to}`}
      ${coin === undefined ? sql`` : sql`and c.symbol = ${coin}`}
    order by t.open_at, c.symbol ${table === 'candles' ? sql`` : sql`, l.family, v.number`}`
}

async function writeParquet(
  draft: string,
  file: string,
  of: readonly Column[],
  pages: AsyncIterable<readonly Row[]>,
): Promise<number> {
  if (!file.endsWith('.parquet'))
    throw new Fault('usage.format', `${file}: the name ends in .parquet, .csv or .csv.gz`)
  const writer = new ParquetWriter({ writer: fileWriter(draft), schema: schemaOf(of) })
  let rows = 0
  for await (const page of pages) {
    await writer.write({
      columnData: of.map(([name, kind]) => ({
        name,
        data: page.map((row) => parquetCell(kind, row[name] ?? null)),
      })),
      rowGroupSize: pageRows,
    })
    rows += page.length
  }
  await writer.finish()
  return rows
}

function schemaOf(of: readonly Column[]): SchemaElement[] {
  const types: Readonly<Record<Kind, Pick<SchemaElement, 'type' | 'converted_type'>>> = {
    text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
    instant: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
    number: { type: 'DOUBLE' },
    whole: { type: 'INT32' },
    yes: { type: 'BOOLEAN' },
  }
  return [
    { name: 'root', num_children: of.length },
    ...of.map(([name, kind]) => ({ name, ...types[kind], repetition_type: 'OPTIONAL' as const })),
  ]
}

function parquetCell(kind: Kind, cell: Cell): Cell | Date {
  return kind === 'instant' && cell !== null ? new Date(cell as Millis) : cell
}

async function writeCsv(
  draft: string,
  isZipped: boolean,
  of: readonly Column[],
  pages: AsyncIterable<readonly Row[]>,
): Promise<number> {
  let rows = 0
  const lines = async function* (): AsyncGenerator<string> {
    yield `${of.map(([name]) => name).join(',')}\n`
    for await (const page of pages) {
      rows += page.length
      yield page
        .map((row) => `${of.map(([name, kind]) => csvCell(kind, row[name] ?? null)).join(',')}\n`)
        .join('')
    }
  }
  const out = createWriteStream(draft)
  if (isZipped) await pipeline(Readable.from(lines()), createGzip(), out)
  else await pipeline(Readable.from(lines()), out)
  return rows
}

function csvCell(kind: Kind, cell: Cell): string {
  if (cell === null) return ''
  if (kind === 'instant') return iso(cell as Millis)
  const text = String(cell)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
