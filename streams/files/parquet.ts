/** A Parquet file as rows, read by column in windows of rows; only the columns that are needed are read. */
import {
  asyncBufferFromFile,
  type DecodedArray,
  type ParquetRowRange,
  parquetMetadataAsync,
  parquetScan,
} from 'hyparquet'
import { compressors } from 'hyparquet-compressors'
import { Fault } from '../fault.ts'
import type { CellValue } from './cell.ts'
import { unreadable } from './csv.ts'
import type { RowSource } from './row.ts'

const windowRows = 65_536

export interface ParquetTable {
  readonly header: readonly string[]
  readonly rows: number
  /** Calls `take` for each row, with the given columns at hand, and gives control back after each window. */
  read(columns: readonly number[], row: ParquetRow, take: () => void): AsyncGenerator<void>
}

export class ParquetRow implements RowSource {
  header: readonly string[] = []
  columns: (DecodedArray | undefined)[] = []
  from = 0
  index = 0

  cell(column: number): CellValue {
    return this.columns[column]?.[this.index] as CellValue
  }

  place(): string {
    return `row ${this.from + this.index + 1}`
  }

  nameOf(column: number): string {
    return this.header[column] ?? String(column)
  }
}

export async function openParquet(path: string): Promise<ParquetTable> {
  const file = await asyncBufferFromFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  const metadata = await parquetMetadataAsync(file).catch((cause: unknown) => {
    throw corrupt(path, cause)
  })
  const rows = Number(metadata.num_rows)
  // The first element is the root; nested columns have children, and no table of ours has any.
  const header = metadata.schema.slice(1).map((element) => element.name)
  if (rows === 0) throw new Fault('file.empty', `${path}: found no row`)
  return {
    header,
    rows,
    async *read(columns, row, take) {
      row.header = header
      const names = columns.map((column) => header[column]!)
      const scan = await parquetScan({ file, metadata, columns: names, compressors })
      for (const { rowStart, rowEnd } of windowsOf(scan.ranges)) {
        row.from = rowStart
        for (const column of columns) {
          row.columns[column] = await scan
            .readColumn({ column: header[column]!, rowStart, rowEnd })
            .catch((cause: unknown) => {
              throw corrupt(path, cause)
            })
        }
        for (row.index = 0; row.index < rowEnd - rowStart; row.index++) take()
        yield
      }
    },
  }
}

/** Row groups are of any size; a window is within one, and bounded. */
function* windowsOf(groups: readonly ParquetRowRange[]): Generator<ParquetRowRange> {
  for (const group of groups) {
    for (let rowStart = group.rowStart; rowStart < group.rowEnd; rowStart += windowRows) {
      yield { rowStart, rowEnd: Math.min(group.rowEnd, rowStart + windowRows) }
    }
  }
}

function corrupt(path: string, cause: unknown): Fault {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new Fault('file.corrupt', `${path}: found no readable Parquet (${why})`, { cause })
}
